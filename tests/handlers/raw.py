"""HTTP by hand, for what no client library sends."""

import asyncio
from urllib.parse import urlsplit

from tests.handlers.site import Server


async def open_connection(server: Server) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    parts = urlsplit(server.url)
    return await asyncio.open_connection(parts.hostname, parts.port)


async def exchange(server: Server, request: bytes) -> bytes:
    """Send the bytes; everything the server sends until it closes the connection."""
    reader, writer = await open_connection(server)
    try:
        writer.write(request)
        await writer.drain()
        async with asyncio.timeout(30):
            return await reader.read()
    finally:
        writer.close()


def status_of(answer: bytes) -> int:
    return int(answer.split(b" ", 2)[1])
