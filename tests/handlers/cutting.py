"""A line that breaks: a relay that drops its connections after so many bytes towards the server."""

import asyncio
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager, suppress
from urllib.parse import urlsplit

from tests.listener import Listener, closed

_PIECE = 16 * 1024
_PAUSE = 0.2


class BadLine:
    """``url`` leads through it. ``cuts`` are still to come, in bytes sent to the server."""

    def __init__(self, target: str, cuts: Iterable[int]) -> None:
        parts = urlsplit(target)
        assert parts.hostname is not None
        assert parts.port is not None
        self._target = (parts.hostname, parts.port)
        self.cuts = sorted(cuts)
        self.sent = 0
        self.url = ""
        self._most: int | None = None
        self._released = asyncio.Event()
        self._listener = Listener(self._serve)

    def slow_after(self, most: int | None) -> None:
        """Send what comes behind about ``most`` bytes of a connection very slowly, until this is
        called with None."""
        self._most = most
        if most is None:
            self._released.set()

    async def open(self) -> None:
        port = await self._listener.open()
        self.url = f"http://127.0.0.1:{port}"

    async def drop(self) -> None:
        """Drop what is open, with all that is on its way."""
        await self._listener.drop()

    async def close(self) -> None:
        await self._listener.close()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        far_reader, far_writer = await asyncio.open_connection(*self._target)
        async with closed(far_writer):
            back = asyncio.create_task(self._back(far_reader, writer))
            try:
                with suppress(ConnectionError):
                    await self._forth(reader, far_writer)
            finally:
                back.cancel()
                await asyncio.gather(back, return_exceptions=True)
        writer.transport.abort()

    async def _forth(self, reader: asyncio.StreamReader, far: asyncio.StreamWriter) -> None:
        before = self.sent
        while data := await reader.read(_PIECE):
            if self._most is not None and self.sent - before > self._most:
                with suppress(TimeoutError):
                    await asyncio.wait_for(self._released.wait(), _PAUSE)
            most = self.cuts[0] - self.sent if self.cuts else len(data)
            far.write(data[:most])
            self.sent += min(most, len(data))
            await far.drain()
            if most < len(data):
                self.cuts.pop(0)
                return

    async def _back(self, far: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(ConnectionError):
            while data := await far.read(_PIECE):
                writer.write(data)
                await writer.drain()
        writer.close()


@asynccontextmanager
async def bad_line(target: str, cuts: Iterable[int] = ()) -> AsyncIterator[BadLine]:
    line = BadLine(target, cuts)
    await line.open()
    try:
        yield line
    finally:
        await line.close()
