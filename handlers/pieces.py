"""Sending a file: a piece at a time, by the kernel itself where it has the piece in memory."""

import asyncio
import os
from typing import BinaryIO, NamedTuple, cast

from tornado.http1connection import HTTP1Connection

from handlers.connections import ClientStream
from videoflix.streaming.shared import MadeAgain, Shared

# Small enough to stay in a processor's cache between being read and being sent.
PIECE_BYTES = 256 * 1024
_TURN_BYTES = 1024 * 1024
_PROBE_BYTES = 128 * 1024  # the kernel reads and forgets about as much at a time
# What is smaller is not worth looks into the kernel's memory.
_FILE_BYTES = 64 * 1024


def _read_at_once(file: int, buffer: memoryview, offset: int) -> int:
    """Read what needs no waiting for a disk; 0 where that is nothing (preadv2(2))."""
    try:
        return os.preadv(file, [buffer], offset, os.RWF_NOWAIT)
    except OSError:  # it is not in memory, or the file system cannot tell; a real error comes again
        return 0


async def send_pieces(connection: HTTP1Connection, pieces: "Pieces") -> None:
    """Send all pieces, at the client's pace: the next is fetched when this one was taken. Of a
    file that ends early it sends what there is; then Tornado closes the connection, for the client
    was told a greater length.

    The connection's stream is a ``ClientStream``, and its header was sent. Raises
    StreamClosedError, and what ``Pieces.next`` raises.
    """
    while await _send_next(connection, pieces):
        pass


async def _send_next(connection: HTTP1Connection, pieces: "Pieces") -> bool:
    """False at the end."""
    if found := await pieces.in_memory():
        count = await cast(ClientStream, connection.stream).send_file(*found)
        pieces.passed(count)
        if connection._expected_content_remaining is not None:
            # Tornado's own count of what is missing of the announced length: it knows only of what
            # goes through ``write``.
            connection._expected_content_remaining -= count
        return count > 0
    if piece := await pieces.next():
        # Not the handler's ``write``, which would copy it.
        await connection.write(piece)  # type: ignore[arg-type]  # a view does
    return len(piece) > 0


class InMemory(NamedTuple):
    """Bytes of a file that the kernel has in memory: its descriptor, where they begin, how many."""

    file: int
    offset: int
    size: int


class Pieces:
    """The next ``length`` bytes of a file on a disk, or of a ``Shared`` or ``MadeAgain`` one.

    What the kernel has in memory is read at once, which costs less than asking a thread; the rest
    is read in a thread, or made where segments are cut. Others get their turn after each MiB, also
    when this client never has to be waited for.
    """

    def __init__(self, file: BinaryIO, length: int) -> None:
        self._file = file
        self._length = length
        self.sent = 0  # bytes, with the piece that is on its way
        self._position = file.tell()
        self._turn_ends = self._position + _TURN_BYTES
        self._on_disk = not isinstance(file, Shared | MadeAgain)
        self._buffer = memoryview(b"")

    async def in_memory(self) -> InMemory | None:
        """What the kernel can send by itself without waiting for the disk, as far as looks here and
        there can tell; else ``next`` has the next piece. Say with ``passed`` how much was sent."""
        if not self._on_disk or self._length < _FILE_BYTES:
            return None
        await self._turn()
        found = InMemory(self._file.fileno(), self._position, min(self._length, _TURN_BYTES))
        end = found.offset + found.size
        probe = memoryview(bytearray(1))
        places = (*range(found.offset, end, _PROBE_BYTES), end - 1)
        return found if all(_read_at_once(found.file, probe, at) for at in places) else None

    def passed(self, count: int) -> None:
        self.sent += count
        self._position += count
        self._length -= count

    async def next(self) -> memoryview:
        """The next piece, empty at the end; it holds until the next call. Raises OSError, and
        DamagedTitle for what is made again."""
        await self._turn()
        if isinstance(self._file, Shared):
            piece = self._file.view(min(self._length, _TURN_BYTES))
        elif isinstance(self._file, MadeAgain):
            # All of it is made for each: larger ones cost less.
            piece = await self._file.next(min(self._length, _TURN_BYTES))
        else:
            piece = await self._read(self._file.fileno(), self._room())
        self.passed(len(piece))
        return piece

    async def _turn(self) -> None:
        if self._position >= self._turn_ends:
            self._turn_ends = self._position + _TURN_BYTES
            await asyncio.sleep(0)

    def _room(self) -> memoryview:
        if not self._buffer:
            self._buffer = memoryview(bytearray(min(PIECE_BYTES, self._length)))
        return self._buffer[: self._length]

    async def _read(self, descriptor: int, wanted: memoryview) -> memoryview:
        if not wanted:
            return wanted
        count = _read_at_once(descriptor, wanted, self._position) or (
            await asyncio.to_thread(os.preadv, descriptor, [wanted], self._position)
        )
        return wanted[:count]
