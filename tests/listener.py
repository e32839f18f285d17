"""A TCP server of a test of which nothing is left when it is closed: what stays open would be
warned of in the middle of a later test."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress

Serve = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]

# Of the event loop: until a connection that was accepted is served, or one that was broken is
# closed. Two or three would do.
_TURNS = 10


class Listener:
    """Serves connections to 127.0.0.1 by ``serve`` while it is open. May be opened again."""

    def __init__(self, serve: Serve) -> None:
        self._serve = serve
        self._server: asyncio.Server | None = None
        self._serving: set[asyncio.Task[None]] = set()

    async def open(self, port: int = 0) -> int:
        """The port that is listened on."""
        self._server = await asyncio.start_server(self._accept, "127.0.0.1", port)
        found: int = self._server.sockets[0].getsockname()[1]
        return found

    async def close(self) -> None:
        """Refuse new connections and drop those that are open."""
        if self._server is not None:
            self._server.close()
            self._server = None
        await _turns()
        await self.drop()

    async def drop(self) -> None:
        """Break all connections, whatever is on its way."""
        for task in self._serving:
            task.cancel()
        await asyncio.gather(*self._serving, return_exceptions=True)
        await _turns()

    def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.create_task(self._connection(reader, writer))
        self._serving.add(task)
        task.add_done_callback(self._serving.discard)

    async def _connection(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(ConnectionError):
            async with closed(writer):
                await self._serve(reader, writer)


async def _turns() -> None:
    for _ in range(_TURNS):
        await asyncio.sleep(0)


@asynccontextmanager
async def closed(writer: asyncio.StreamWriter) -> AsyncIterator[None]:
    """Close a connection at the end of the block: what was written arrives before, unless the
    block raises."""
    try:
        yield
        writer.close()
        await writer.wait_closed()
    finally:
        writer.transport.abort()


@asynccontextmanager
async def listening(serve: Serve) -> AsyncIterator[int]:
    """The port of a listener that is open for as long as the block runs."""
    listener = Listener(serve)
    try:
        yield await listener.open()
    finally:
        await listener.close()
