"""Reading a file to send it: a piece at a time, in memory that is used again for the next."""

import asyncio
import io
import os
from typing import BinaryIO

# Small enough to stay in a processor's cache between being read and being sent.
PIECE_BYTES = 256 * 1024


def _read_at_once(file: int, buffer: memoryview, offset: int) -> int:
    """Read what needs no waiting for a disk; 0 where that is nothing (preadv2(2))."""
    try:
        return os.preadv(file, [buffer], offset, os.RWF_NOWAIT)
    except OSError:  # it is not in memory, or the file system cannot tell; a real error comes again
        return 0


class Pieces:
    """The next ``length`` bytes of an open file.

    What the kernel has in memory is read at once, which costs less than asking a thread; the rest
    is read in a thread.
    """

    def __init__(self, file: BinaryIO, length: int) -> None:
        self._file = file
        self._length = length
        self._position = file.tell()
        self._buffer = memoryview(bytearray(min(PIECE_BYTES, length)))
        try:
            self._descriptor: int | None = file.fileno()
        except io.UnsupportedOperation:  # it is in memory
            self._descriptor = None

    async def next(self) -> memoryview:
        """The next piece, empty at the end; it holds until the next call. Raises OSError."""
        wanted = self._buffer[: self._length]
        if not wanted:
            return wanted
        if self._descriptor is None:
            count = self._file.readinto(wanted)  # type: ignore[attr-defined]  # of every such file
        else:
            count = _read_at_once(self._descriptor, wanted, self._position) or (
                await asyncio.to_thread(os.preadv, self._descriptor, [wanted], self._position)
            )
        self._position += count
        self._length -= count
        return wanted[:count]
