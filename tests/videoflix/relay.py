"""A TCP relay in front of a service: cut it, and the service is away; mend it, and it is back; or
have it lose a single answer."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from urllib.parse import urlsplit

from pydantic import SecretStr

from tests.listener import Listener, closed
from tests.ports import free_port


async def _pump(
    reader: asyncio.StreamReader, writer: asyncio.StreamWriter, passes: Callable[[bytes], bool]
) -> None:
    """Until something does not pass; then the connection breaks."""
    with suppress(ConnectionError):
        while data := await reader.read(65_536):
            if not passes(data):
                writer.transport.abort()
                return
            writer.write(data)
            await writer.drain()
    writer.close()


class Relay:
    """Listens on ``port`` of 127.0.0.1 while it is mended."""

    def __init__(self, host: str, port: int) -> None:
        self.port = free_port()
        self._target = (host, port)
        self._listener = Listener(self._serve)
        self._word: bytes | None = None

    def lose_answer_to(self, word: bytes) -> None:
        """The next request with this in it arrives, and the connection breaks before its answer."""
        self._word = word

    async def mend(self) -> None:
        await self._listener.open(self.port)

    async def cut(self) -> None:
        """Drop every connection and refuse new ones."""
        await self._listener.close()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        far_reader, far_writer = await asyncio.open_connection(*self._target)
        is_lost = asyncio.Event()

        def look(data: bytes) -> bool:
            if self._word is not None and self._word in data:
                self._word = None
                is_lost.set()
            return True

        async with closed(far_writer):
            await asyncio.gather(
                _pump(reader, far_writer, look),
                _pump(far_reader, writer, lambda _: not is_lost.is_set()),
            )


@asynccontextmanager
async def relayed(url: SecretStr) -> AsyncIterator[tuple[Relay, SecretStr]]:
    """A mended relay to the service at ``url``, and the URL that leads through it."""
    parts = urlsplit(url.get_secret_value())
    if parts.hostname is None or parts.port is None:
        raise ValueError("the service's URL names no host and port")
    relay = Relay(parts.hostname, parts.port)
    user, at, _ = parts.netloc.rpartition("@")
    through = parts._replace(netloc=f"{user}{at}127.0.0.1:{relay.port}").geturl()
    await relay.mend()
    try:
        yield relay, SecretStr(through)
    finally:
        await relay.cut()
