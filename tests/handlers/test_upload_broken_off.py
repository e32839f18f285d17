"""Uploads that are refused, stall, break off or are cut off by a stop."""

import asyncio
import json
import secrets
import sys
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

import httpx
import pytest

from handlers.admin import VideosHandler
from handlers.routes import ROUTES
from tests.clips.fixtures import ClipCache
from tests.handlers.conftest import running
from tests.handlers.films import small_film
from tests.handlers.raw import exchange, open_connection, status_of
from tests.handlers.site import Server, stored_bytes
from tests.programs import program
from tests.videoflix.waiting import until
from videoflix.container import Container

FILM = secrets.token_bytes(3 * 1024 * 1024 + 17)
KEEP_UNREAD = 128 * 1024
URLLIB = Path(__file__).with_name("urllib_upload.py")


def head_of(server: Server, length: int | str, cookie: str = "") -> bytes:
    lines = [
        "POST /api/admin/videos/ HTTP/1.1",
        f"Host: {server.url.removeprefix('http://')}",
        "Content-Type: multipart/form-data; boundary=b",
        f"Content-Length: {length}",
        f"Cookie: {cookie}",
        "",
        "",
    ]
    return "\r\n".join(lines).encode()


FILE_PART = (
    b'--b\r\nContent-Disposition: form-data; name="title"\r\n\r\nT\r\n'
    b'--b\r\nContent-Disposition: form-data; name="file"; filename="x"\r\n\r\n'
)


async def send_until_closed(writer: asyncio.StreamWriter, size: int) -> int:
    """Go on sending until the server hangs up; how many bytes went out."""
    sent = 0
    async with asyncio.timeout(60):
        with suppress(ConnectionError):
            while sent < size:
                writer.write(b"x" * 65536)
                await writer.drain()
                sent += 65536
                await asyncio.sleep(0.02)
    return sent


@pytest.mark.parametrize("who", ["anonymous", "member"])
async def test_strangers_are_refused_before_the_body(server: Server, who: str) -> None:
    """R26: the answer arrives while the client is still sending, and nothing is stored."""
    cookie = ""
    async with server.signed_in() as client:
        if who == "member":
            cookie = f"access_token={client.cookies['access_token']}"
    reader, writer = await open_connection(server)
    size = 200 * 1024 * 1024
    writer.write(head_of(server, size, cookie) + FILE_PART)
    await writer.drain()
    async with asyncio.timeout(20):
        head = await reader.readuntil(b"\r\n\r\n")
    assert status_of(head) == (403 if who == "member" else 401)
    assert b"connection: close" in head.lower()
    sent = await send_until_closed(writer, size)
    writer.close()
    assert sent < size
    assert sent > KEEP_UNREAD
    assert stored_bytes(server) == 0


@pytest.mark.parametrize("command", ["curl", "urllib"])
async def test_clients_see_the_refusal(server: Server, tmp_path: Path, command: str) -> None:
    """R26: as clients that send the whole body first."""
    film = tmp_path / "film.mp4"
    film.write_bytes(FILM * 3)
    url = f"{server.url}/api/admin/videos/"
    arguments = {
        "curl": ["-s", "-w", "\n%{http_code}", "-F", f"file=@{film}", "-H", "Expect:", url],
        "urllib": [
            sys.executable,
            str(Path(__file__).with_name("urllib_upload.py")),
            url,
            str(film),
        ],
    }[command]
    if command == "curl":
        arguments.insert(0, program("curl"))
    process = await asyncio.create_subprocess_exec(
        *arguments, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE
    )
    async with asyncio.timeout(60):
        output, errors = await process.communicate()
    body, _, status = output.decode().rpartition("\n")
    assert status == "401", errors
    assert json.loads(body) == {"detail": "Authentication credentials were not provided."}
    assert stored_bytes(server) == 0


async def test_a_client_that_asks_first(server: Server) -> None:
    """R26: with Expect: 100-continue not a byte of the body is asked for."""
    reader, writer = await open_connection(server)
    head = head_of(server, 1 << 30).replace(b"Cookie: ", b"Expect: 100-continue\r\nCookie: ")
    writer.write(head)
    async with asyncio.timeout(20):
        answer = await reader.read()
    writer.close()
    assert status_of(answer) == 401
    assert b"100 (Continue)" not in answer


async def test_r18_too_large_is_said_before_the_body(
    server: Server, admin: httpx.AsyncClient
) -> None:
    """R18: large bodies are for this route alone, and have their own limit."""
    reader, writer = await open_connection(server)
    cookie = f"access_token={admin.cookies['access_token']}"
    writer.write(head_of(server, 1 << 50, cookie))
    async with asyncio.timeout(20):
        head = await reader.readuntil(b"\r\n\r\n")
    writer.close()
    assert status_of(head) == 413


@pytest.mark.parametrize("size", ["abc", "-1", "5, 5", "1_0"])
async def test_a_size_that_is_no_number_is_a_bad_request(
    server: Server, admin: httpx.AsyncClient, size: str
) -> None:
    reader, writer = await open_connection(server)
    writer.write(head_of(server, size, f"access_token={admin.cookies['access_token']}"))
    async with asyncio.timeout(20):
        head = await reader.readuntil(b"\r\n\r\n")
    writer.close()
    assert status_of(head) == 400


async def test_a_broken_connection_leaves_nothing(server: Server, admin: httpx.AsyncClient) -> None:
    _, writer = await open_connection(server)
    cookie = f"access_token={admin.cookies['access_token']}"
    writer.write(head_of(server, 100 * 1024 * 1024, cookie) + FILE_PART + FILM)

    async def arrived() -> bool:
        return stored_bytes(server) > 1024 * 1024

    async def gone() -> bool:
        return stored_bytes(server) == 0

    await until(arrived)
    writer.close()
    await until(gone)
    assert await server.container.videos.find(1) is None


async def test_r10_who_was_disabled_meanwhile_adds_no_film(
    server: Server, admin: httpx.AsyncClient, clip_cache: ClipCache
) -> None:
    """R10"""
    film = small_film(clip_cache, len(FILM)) + b"\r\n--b--\r\n"
    async with server.signed_in("second@example.com", is_staff=True) as second:
        cookie = f"access_token={second.cookies['access_token']}"
        own = (await second.get("me/")).json()["id"]
        reader, writer = await open_connection(server)
        half = 2 * 1024 * 1024
        head = head_of(server, len(FILE_PART) + len(film), cookie)
        writer.write(head + FILE_PART + film[:half])

        async def arrived() -> bool:
            return stored_bytes(server) > 0

        await until(arrived)
        assert (await admin.post(f"admin/users/{own}/disable/", json={})).status_code == 200
        writer.write(film[half:])
        async with asyncio.timeout(60):
            assert status_of(await reader.readuntil(b"\r\n\r\n")) == 401
        writer.close()
    assert stored_bytes(server) == 0
    assert (await admin.get("admin/videos/")).json()["count"] == 0


class HastyUploadHandler(VideosHandler):
    idle_seconds = 0.3


async def test_r20_a_stalled_upload_is_dropped(container: Container) -> None:
    """R20: by its own timer."""
    routes = [
        replace(route, handler=HastyUploadHandler) if route.handler is VideosHandler else route
        for route in ROUTES
    ]
    async with running(container, routes=routes) as server:
        async with server.signed_in(is_staff=True) as client:
            cookie = f"access_token={client.cookies['access_token']}"
        head = head_of(server, 100 * 1024 * 1024, cookie)
        assert await exchange(server, head + FILE_PART + FILM) == b""

        async def gone() -> bool:
            return stored_bytes(server) == 0

        await until(gone)


async def test_a_stop_cuts_uploads_off_and_leaves_nothing(container: Container) -> None:
    async with running(container, grace=0.2) as server:
        async with server.signed_in(is_staff=True) as client:
            cookie = f"access_token={client.cookies['access_token']}"
        reader, writer = await open_connection(server)
        writer.write(head_of(server, 100 * 1024 * 1024, cookie) + FILE_PART + FILM)

        async def arrived() -> bool:
            return stored_bytes(server) > 1024 * 1024

        await until(arrived)
    assert stored_bytes(server) == 0
    assert await reader.read() == b""
    writer.close()
