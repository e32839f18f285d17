"""A line that breaks: a relay that drops its connections after so many bytes towards the server."""

import asyncio
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager, suppress
from urllib.parse import urlsplit

_PIECE = 16 * 1024


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

    def hold_after(self, most: int | None) -> None:
        """Send about ``most`` bytes of a connection to the server, and no more until this is called
        with None."""
        self._most = most
        if most is None:
            self._released.set()

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        far_reader, far_writer = await asyncio.open_connection(*self._target)
        back = asyncio.create_task(self._back(far_reader, writer))
        try:
            with suppress(ConnectionError):
                await self._forth(reader, far_writer)
        finally:
            far_writer.close()
            back.cancel()
            await asyncio.gather(back, return_exceptions=True)
            writer.transport.abort()

    async def _forth(self, reader: asyncio.StreamReader, far: asyncio.StreamWriter) -> None:
        before = self.sent
        while data := await reader.read(_PIECE):
            if self._most is not None and self.sent - before > self._most:
                await self._released.wait()
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
    listener = await asyncio.start_server(line.serve, "127.0.0.1", 0)
    line.url = f"http://127.0.0.1:{listener.sockets[0].getsockname()[1]}"
    try:
        yield line
    finally:
        listener.close()
