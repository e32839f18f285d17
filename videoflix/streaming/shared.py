"""One block of memory, read by everybody who waits for it, without a copy for each."""

import io
import os
from typing import BinaryIO, cast


class Shared(io.RawIOBase):
    """Made by ``shared``."""

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

    def view(self, most: int) -> memoryview:
        """The next bytes, at most so many, without a copy; empty at the end."""
        found = self._data[self._position : self._position + most]
        self._position += len(found)
        return found

    def seekable(self) -> bool:
        return True

    def seek(self, offset: int, whence: int = os.SEEK_SET) -> int:
        bases = {os.SEEK_SET: 0, os.SEEK_CUR: self._position, os.SEEK_END: len(self._data)}
        self._position = max(0, bases[whence] + offset)
        return self._position


def shared(data: memoryview) -> BinaryIO:
    """``data`` as an open file of the caller's own."""
    return cast(BinaryIO, Shared(data))
