"""Reading a file to send it: a piece at a time, in memory that is used again for the next."""

import asyncio
import os
from typing import BinaryIO

from videoflix.streaming.shared import MadeAgain, Shared

# Small enough to stay in a processor's cache between being read and being sent.
PIECE_BYTES = 256 * 1024
_TURN_BYTES = 1024 * 1024


def _read_at_once(file: int, buffer: memoryview, offset: int) -> int:
    """Read what needs no waiting for a disk; 0 where that is nothing (preadv2(2))."""
    try:
        return os.preadv(file, [buffer], offset, os.RWF_NOWAIT)
    except OSError:  # it is not in memory, or the file system cannot tell; a real error comes again
        return 0


class Pieces:
    """The next ``length`` bytes of a file on a disk, or of a ``Shared`` or ``MadeAgain`` one.

    What the kernel has in memory is read at once, which costs less than asking a thread; the rest
    is read, or made, in a thread. Others get their turn after each MiB, also when this client never
    has to be waited for.
    """

    def __init__(self, file: BinaryIO, length: int) -> None:
        self._file = file
        self._length = length
        self._position = file.tell()
        self._turn_ends = self._position + _TURN_BYTES
        is_shared = isinstance(file, Shared)
        self._buffer = memoryview(bytearray(0 if is_shared else min(PIECE_BYTES, length)))

    async def next(self) -> memoryview:
        """The next piece, empty at the end; it holds until the next call. Raises OSError, and
        DamagedTitle for what is made again."""
        if self._position >= self._turn_ends:
            self._turn_ends = self._position + _TURN_BYTES
            await asyncio.sleep(0)
        if isinstance(self._file, Shared):
            piece = self._file.view(min(self._length, _TURN_BYTES))
        elif isinstance(self._file, MadeAgain):
            wanted = self._buffer[: self._length]
            piece = wanted[: await asyncio.to_thread(self._file.readinto, wanted)]
        else:
            piece = await self._read(self._file.fileno(), self._buffer[: self._length])
        self._position += len(piece)
        self._length -= len(piece)
        return piece

    async def _read(self, descriptor: int, wanted: memoryview) -> memoryview:
        if not wanted:
            return wanted
        count = _read_at_once(descriptor, wanted, self._position) or (
            await asyncio.to_thread(os.preadv, descriptor, [wanted], self._position)
        )
        return wanted[:count]
