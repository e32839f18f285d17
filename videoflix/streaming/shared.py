"""Bytes that are in no file of their own: one block of memory for everybody who waits for it, lent
within a bound; and bytes that are made again for each piece of them."""

import io
import os
from collections.abc import Callable
from typing import BinaryIO, cast

from videoflix.offload import Offload


class _Seekable(io.RawIOBase):
    """A position within ``size`` bytes."""

    def __init__(self, size: int) -> None:
        self._size = size
        self._position = 0

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def seek(self, offset: int, whence: int = os.SEEK_SET) -> int:
        bases = {os.SEEK_SET: 0, os.SEEK_CUR: self._position, os.SEEK_END: self._size}
        self._position = max(0, bases[whence] + offset)
        return self._position


class Shared(_Seekable):
    """Made by ``shared`` and ``Loans.lend``. ``returned`` is called once, when it is closed."""

    def __init__(self, data: memoryview, returned: Callable[[], None] | None = None) -> None:
        super().__init__(len(data))
        self._data = data
        self._returned = returned

    def readinto(self, buffer: memoryview) -> int:  # type: ignore[override]  # a Buffer
        found = self.view(len(buffer))
        buffer[: len(found)] = found
        return len(found)

    def view(self, most: int) -> memoryview:
        """The next bytes, at most so many, without a copy; empty at the end."""
        found = self._data[self._position : self._position + most]
        self._position += len(found)
        return found

    def close(self) -> None:
        if not self.closed:
            self._data = memoryview(b"")
            if self._returned is not None:
                self._returned()
        super().close()


def shared(data: memoryview) -> BinaryIO:
    """``data`` as an open file of the caller's own."""
    return cast(BinaryIO, Shared(data))


class MadeAgain(_Seekable):
    """``size`` bytes of which nothing is held between two reads: ``make`` makes all of them for
    each, so that a client who does not read costs no memory. Reading raises what ``make`` raises.
    ``offload`` bounds how many are made at a time; ``readinto`` blocks, and is not bounded."""

    def __init__(self, size: int, make: Callable[[], memoryview], offload: Offload) -> None:
        super().__init__(size)
        self._make = make
        self._offload = offload

    async def next(self, most: int) -> memoryview:
        """The next bytes, at most so many; empty at the end."""
        buffer = memoryview(bytearray(max(0, min(most, self._size - self._position))))
        return buffer[: await self._offload(self.readinto, buffer)] if buffer else buffer

    def readinto(self, buffer: memoryview) -> int:  # type: ignore[override]  # a Buffer
        count = max(0, min(len(buffer), self._size - self._position))
        if count:
            buffer[:count] = self._make()[self._position : self._position + count]
            self._position += count
        return count


class Block:
    """A block of memory that may be lent to many at a time."""

    def __init__(self, data: memoryview) -> None:
        self.data = data
        self.borrowers = 0


class Loans:
    """Blocks that are lent to clients until they have taken all of them: ``most`` bytes at a time,
    however many borrow the same block. For one event loop."""

    def __init__(self, most: int) -> None:
        self._most = most
        self.lent = 0

    def lend(self, block: Block) -> BinaryIO | None:
        """The block as an open file, lent until that is closed; None where too much is lent."""
        size = len(block.data)
        if not block.borrowers:
            if self.lent + size > self._most:
                return None
            self.lent += size
        block.borrowers += 1
        return cast(BinaryIO, Shared(block.data, lambda: self._take_back(block)))

    def _take_back(self, block: Block) -> None:
        block.borrowers -= 1
        if not block.borrowers:
            self.lent -= len(block.data)
