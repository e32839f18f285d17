"""A line that breaks: a relay that drops its connections after so many bytes towards the server."""

import asyncio
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager, suppress
from urllib.parse import urlsplit

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
        self._has_ended = False
        self._released = asyncio.Event()
        self._serving: set[asyncio.Task[None]] = set()

    def slow_after(self, most: int | None) -> None:
        """Send what comes behind about ``most`` bytes of a connection very slowly, until this is
        called with None."""
        self._most = most
        if most is None:
            self._released.set()

    def accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if self._has_ended:  # it was on its way in when the listener was closed
            writer.transport.abort()
            return
        task = asyncio.create_task(self._serve(reader, writer))
        self._serving.add(task)
        task.add_done_callback(self._serving.discard)

    async def drop(self) -> None:
        """Drop what is open, with all that is on its way."""
        for task in self._serving:
            task.cancel()
        await asyncio.gather(*self._serving, return_exceptions=True)

    async def end(self) -> None:
        self._has_ended = True
        await self.drop()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        async with _dropped(writer):
            far_reader, far_writer = await asyncio.open_connection(*self._target)
            async with _dropped(far_writer):
                back = asyncio.create_task(self._back(far_reader, writer))
                try:
                    with suppress(ConnectionError):
                        await self._forth(reader, far_writer)
                finally:
                    back.cancel()
                    await asyncio.gather(back, return_exceptions=True)
                with suppress(ConnectionError):  # what was sent arrives before the end does
                    far_writer.close()
                    await far_writer.wait_closed()

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
async def _dropped(writer: asyncio.StreamWriter) -> AsyncIterator[None]:
    """Nothing of the connection is left behind the block."""
    try:
        yield
    finally:
        writer.transport.abort()
        with suppress(ConnectionError):
            await writer.wait_closed()


@asynccontextmanager
async def bad_line(target: str, cuts: Iterable[int] = ()) -> AsyncIterator[BadLine]:
    line = BadLine(target, cuts)
    listener = await asyncio.start_server(line.accept, "127.0.0.1", 0)
    line.url = f"http://127.0.0.1:{listener.sockets[0].getsockname()[1]}"
    try:
        yield line
    finally:
        listener.close()
        line.slow_after(None)
        await line.end()
