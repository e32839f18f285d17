"""Clients that no library makes: sockets that send what they like, and read when they like."""

import asyncio
import socket
from collections.abc import Iterator
from contextlib import suppress
from urllib.parse import urlsplit

LITTLE = 16 * 1024  # bytes that the kernel holds for a client who does not read


def address_of(url: str) -> tuple[str, int]:
    parts = urlsplit(url)
    assert parts.hostname is not None
    assert parts.port is not None
    return parts.hostname, parts.port


def request(method: str, path: str, *headers: str) -> bytes:
    return "\r\n".join((f"{method} {path} HTTP/1.1", "Host: 127.0.0.1", *headers, "", "")).encode()


async def connected(url: str, *, little: bool = False) -> socket.socket:
    """A connection; with ``little``, one whose kernel takes next to nothing for it."""
    client = socket.socket()
    if little:
        client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, LITTLE)
    client.setblocking(False)
    try:
        await asyncio.get_running_loop().sock_connect(client, address_of(url))
    except BaseException:
        client.close()
        raise
    return client


async def send(client: socket.socket, pieces: Iterator[bytes]) -> int:
    """Send until the server closes the connection, or all is sent; bytes that it took."""
    sent = 0
    with suppress(ConnectionError):
        for piece in pieces:
            await asyncio.get_running_loop().sock_sendall(client, piece)
            sent += len(piece)
    return sent


async def answer(client: socket.socket, seconds: float = 60.0) -> bytes:
    """What comes until the server closes the connection. Raises TimeoutError."""
    found = bytearray()
    async with asyncio.timeout(seconds):
        with suppress(ConnectionError):
            while data := await asyncio.get_running_loop().sock_recv(client, 65536):
                found += data
    return bytes(found)


async def exchange(url: str, *pieces: bytes) -> bytes:
    """Send these bytes, and read until the server closes the connection."""
    client = await connected(url)
    with client:
        reading = asyncio.create_task(answer(client))
        await send(client, iter(pieces))
        return await reading


def status_of(found: bytes) -> int:
    """0 where the server closed the connection without an answer."""
    return int(found.split(b" ", 2)[1]) if found else 0
