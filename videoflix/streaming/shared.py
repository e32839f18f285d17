"""One block of memory, read by everybody who waits for it, without a copy for each."""

import io
from typing import BinaryIO


class _Shared(io.RawIOBase):
    def __init__(self, data: memoryview) -> None:
        self._rest = data

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: memoryview) -> int:  # type: ignore[override]  # a Buffer
        count = min(len(buffer), len(self._rest))
        buffer[:count] = self._rest[:count]
        self._rest = self._rest[count:]
        return count


def shared(data: memoryview) -> BinaryIO:
    """``data`` as an open file of the caller's own."""
    return io.BufferedReader(_Shared(data))
