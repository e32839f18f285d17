"""One block of memory, read by everybody who waits for it, without a copy for each."""

import io
import os
from typing import BinaryIO


class _Shared(io.RawIOBase):
    def __init__(self, data: memoryview) -> None:
        self._data = data
        self._position = 0

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: memoryview) -> int:  # type: ignore[override]  # a Buffer
        count = max(0, min(len(buffer), len(self._data) - self._position))
        buffer[:count] = self._data[self._position : self._position + count]
        self._position += count
        return count

    def seekable(self) -> bool:
        return True

    def seek(self, offset: int, whence: int = os.SEEK_SET) -> int:
        bases = {os.SEEK_SET: 0, os.SEEK_CUR: self._position, os.SEEK_END: len(self._data)}
        self._position = max(0, bases[whence] + offset)
        return self._position


def is_shared(file: BinaryIO) -> bool:
    """Whether ``shared`` made it."""
    return isinstance(file, io.BufferedReader) and isinstance(file.raw, _Shared)


def shared(data: memoryview) -> BinaryIO:
    """``data`` as an open file of the caller's own."""
    return io.BufferedReader(_Shared(data))
