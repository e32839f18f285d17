"""Uploads by tus whose lines break, whose writers meet, and that outlive servers and accounts."""

import asyncio
import os
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager

import httpx
import pytest

from handlers.streamed import StreamedHandler
from tests.clips.fixtures import ClipCache
from tests.handlers.conftest import changed, running
from tests.handlers.films import encoded_title, publish, small_film
from tests.handlers.raw import open_connection, status_of
from tests.handlers.site import Server, stored_bytes
from tests.handlers.tus import (
    BYTES,
    SIZE,
    TUS,
    checksum,
    create,
    created,
    metadata,
    offset_of,
    patch,
)
from tests.videoflix.waiting import until, until_true
from videoflix.container import open_container
from videoflix.settings import Settings


@pytest.fixture
def film(clip_cache: ClipCache) -> bytes:
    return small_film(clip_cache, SIZE)


def request_of(
    server: Server, admin: httpx.AsyncClient, method: str, url: str, **headers: object
) -> bytes:
    """The head of a request whose body comes by hand."""
    fields: Mapping[str, object] = {
        "Host": server.url.removeprefix("http://"),
        "Cookie": f"access_token={admin.cookies['access_token']}",
        "Content-Type": BYTES,
        **TUS,
        **headers,
    }
    lines = [f"{method} /api/{url} HTTP/1.1"]
    lines += [f"{name}: {value}" for name, value in fields.items()]
    return "\r\n".join([*lines, "", ""]).encode()


def creation_of(server: Server, admin: httpx.AsyncClient, size: int) -> bytes:
    """The head of a POST with all bytes of an upload, which come by hand."""
    fields = {
        "Upload-Length": size,
        "Upload-Metadata": metadata(title="A film"),
        "Content-Length": size,
    }
    return request_of(server, admin, "POST", "admin/uploads/", **fields)


@asynccontextmanager
async def half_sent(
    server: Server, admin: httpx.AsyncClient, url: str, film: bytes
) -> AsyncIterator[Callable[[], Awaitable[bytes]]]:
    """A PATCH of a whole film of which more than half has arrived; sends the rest when called,
    and gives the answer's head."""
    reader, writer = await open_connection(server)
    half = 2 * 1024 * 1024  # enough that some of it is on the disk
    fields = {"Upload-Offset": 0, "Content-Length": len(film)}
    writer.write(request_of(server, admin, "PATCH", url, **fields) + film[:half])
    await writer.drain()

    async def arrived() -> bool:
        return await offset_of(admin, url) > 0

    async def send_rest() -> bytes:
        writer.write(film[half:])
        async with asyncio.timeout(60):
            return await reader.readuntil(b"\r\n\r\n")

    try:
        await until(arrived)
        yield send_rest
    finally:
        writer.close()


async def test_r27_of_two_writers_one_wins(
    server: Server, admin: httpx.AsyncClient, clip_cache: ClipCache
) -> None:
    """R27: the other one is told, and the upload goes on."""
    film = small_film(clip_cache, 3 * 1024 * 1024)
    url = await created(admin, len(film))
    async with half_sent(server, admin, url, film) as send_rest:
        offset = await offset_of(admin, url)
        assert (await patch(admin, url, offset, film[offset:])).status_code == 423
        assert (await admin.delete(url, headers=TUS)).status_code == 423
        answer = await send_rest()
    assert status_of(answer) == 204
    assert b"Videoflix-Video-Id: 1\r\n" in answer
    assert server.container.media.source(1).read_bytes() == film


async def test_r27_a_writer_that_fell_silent_gives_way(
    server: Server, admin: httpx.AsyncClient, clip_cache: ClipCache
) -> None:
    """R27: the line of the first one broke, and this server did not hear of it."""
    film = small_film(clip_cache, 3 * 1024 * 1024)
    url = await created(admin, len(film))
    async with half_sent(server, admin, url, film):

        async def goes_on() -> bool:
            offset = await offset_of(admin, url)
            return (await patch(admin, url, offset, film[offset:])).status_code == 204

        # Sooner than the silent request would be ended by itself.
        await until(goes_on, seconds=StreamedHandler.idle_seconds * 0.75)
    assert server.container.media.source(1).read_bytes() == film


async def test_many_at_once_make_one_video(
    server: Server, admin: httpx.AsyncClient, film: bytes
) -> None:
    """R27"""
    url = await created(admin, SIZE)
    answers = await asyncio.gather(*(patch(admin, url, 0, film) for _ in range(5)))
    statuses = {answer.status_code for answer in answers}
    assert 204 in statuses
    assert statuses <= {204, 409, 423}
    assert (await admin.get("admin/videos/")).json()["count"] == 1
    assert server.container.media.source(1).read_bytes() == film


async def test_what_arrived_before_the_line_broke_is_kept(
    server: Server, admin: httpx.AsyncClient, film: bytes
) -> None:
    url = await created(admin, SIZE)
    _, writer = await open_connection(server)
    fields = {"Upload-Offset": 0, "Content-Length": SIZE}
    writer.write(request_of(server, admin, "PATCH", url, **fields) + film[:150_000])
    await writer.drain()
    writer.close()

    async def kept() -> bool:
        return await offset_of(admin, url) == 150_000

    await until(kept)
    assert (await patch(admin, url, 150_000, film[150_000:])).status_code == 204
    assert server.container.media.source(1).read_bytes() == film


async def test_first_bytes_whose_line_broke_are_kept(
    server: Server, admin: httpx.AsyncClient, film: bytes
) -> None:
    """A line that breaks is no refusal."""
    uploads = server.container.settings.storage.root / "uploads"
    _, writer = await open_connection(server)
    writer.write(creation_of(server, admin, SIZE) + film[:150_000])
    await writer.drain()
    writer.close()

    async def kept() -> str | None:
        sizes = {path.parent.name: path.stat().st_size for path in uploads.glob("*/film")}
        return next((name for name, size in sizes.items() if size == 150_000), None)

    url = f"admin/uploads/{await until(kept)}"

    async def goes_on() -> bool:
        return (await patch(admin, url, 150_000, film[150_000:])).status_code == 204

    await until(goes_on)
    assert server.container.media.source(1).read_bytes() == film


async def test_of_a_broken_piece_with_a_checksum_nothing_is_kept(
    server: Server, admin: httpx.AsyncClient, film: bytes
) -> None:
    url = await created(admin, SIZE)
    await patch(admin, url, 0, film[:1000])
    _, writer = await open_connection(server)
    fields = {
        "Upload-Offset": 1000,
        "Content-Length": SIZE - 1000,
        "Upload-Checksum": checksum(film[1000:]),
    }
    writer.write(request_of(server, admin, "PATCH", url, **fields) + film[1000:150_000])
    await writer.drain()
    writer.close()

    async def goes_on() -> bool:
        return (await patch(admin, url, 1000, film[1000:])).status_code == 204

    await until(goes_on)
    assert server.container.media.source(1).read_bytes() == film


async def test_an_upload_survives_a_restart_of_the_server(settings: Settings, film: bytes) -> None:
    """In another process it would be the same: nothing of it is in memory."""
    async with (
        open_container(settings) as container,
        running(container) as server,
        server.signed_in(is_staff=True) as admin,
    ):
        cookies = dict(admin.cookies)
        url = await created(admin, SIZE)
        await patch(admin, url, 0, film[:150_000])
    async with (
        open_container(settings) as container,
        running(container) as server,
        server.client(cookies=cookies) as admin,
    ):
        assert await offset_of(admin, url) == 150_000
        last = await patch(admin, url, 150_000, film[150_000:])
        assert last.headers["Videoflix-Video-Id"] == "1"
        assert container.media.source(1).read_bytes() == film


async def test_r29_r48_no_room_is_said_before_the_first_byte(
    settings: Settings, clip_cache: ClipCache
) -> None:
    """R29 R48: by both doors; films play on, and people sign in."""
    full = changed(settings, storage={"free_floor": 1 << 60})
    async with (
        open_container(full) as container,
        running(container) as server,
        server.signed_in(is_staff=True) as admin,
    ):
        assert (await create(admin, SIZE)).status_code == 507
        files = {"file": ("film.mp4", b"film" * 100)}
        answer = await admin.post("admin/videos/", data={"title": "A film"}, files=files)
        assert answer.status_code == 507
        assert stored_bytes(server) == 0
        await publish(container, encoded_title(clip_cache))
        async with server.signed_in("another@example.com") as member:
            assert (await member.get("video/1/480p/segment_000.ts")).status_code == 200


async def test_r29_an_upload_that_pauses_keeps_its_room(settings: Settings) -> None:
    """R29: of two that fit one by one the second is refused, also where no blocks are reserved."""
    disk = os.statvfs(settings.storage.root.parent)
    size = 2 * 1024**3
    if (floor := disk.f_bavail * disk.f_frsize - size * 3 // 2) < 0:
        pytest.skip("the disk has less than 3 GB free")
    async with (
        open_container(changed(settings, storage={"free_floor": floor})) as container,
        running(container) as server,
        server.signed_in(is_staff=True) as admin,
    ):
        first = await created(admin, size)
        assert (await create(admin, size)).status_code == 507
        for film in settings.storage.root.glob("uploads/*/film"):
            os.truncate(film, 0)
        assert (await create(admin, size)).status_code == 507
        assert (await patch(admin, first, 0, b"x" * 1000)).status_code == 204  # and goes on
        assert (await create(admin, size)).status_code == 507
        assert (await admin.delete(first, headers=TUS)).status_code == 204
        await created(admin, size)


async def test_r10_who_was_disabled_meanwhile_adds_no_film(
    server: Server, admin: httpx.AsyncClient, clip_cache: ClipCache
) -> None:
    """R10"""
    film = small_film(clip_cache, 3 * 1024 * 1024)
    async with server.signed_in("second@example.com", is_staff=True) as second:
        url = await created(second, len(film))
        async with half_sent(server, second, url, film) as send_rest:
            own = (await second.get("me/")).json()["id"]
            assert (await admin.post(f"admin/users/{own}/disable/", json={})).status_code == 200
            assert status_of(await send_rest()) == 401
    assert (await admin.get("admin/videos/")).json()["count"] == 0


async def test_a_creation_by_who_was_disabled_meanwhile_leaves_nothing(
    server: Server, admin: httpx.AsyncClient, film: bytes
) -> None:
    """R10 R29"""
    uploads = server.container.settings.storage.root / "uploads"
    async with server.signed_in("second@example.com", is_staff=True) as second:
        reader, writer = await open_connection(server)
        writer.write(creation_of(server, second, SIZE) + film[:1000])
        await until_true(lambda: any(uploads.glob("*/record")))
        own = (await second.get("me/")).json()["id"]
        assert (await admin.post(f"admin/users/{own}/disable/", json={})).status_code == 200
        writer.write(film[1000:])
        async with asyncio.timeout(60):
            answer = await reader.readuntil(b"\r\n\r\n")
        writer.close()
    assert status_of(answer) == 401
    assert not list(uploads.iterdir())


async def test_r30_expired_uploads_go_and_active_ones_never(
    server: Server, admin: httpx.AsyncClient, clip_cache: ClipCache
) -> None:
    """R30"""
    film = small_film(clip_cache, 3 * 1024 * 1024)
    container = server.container
    uploads, root = container.uploads.resumable, container.settings.storage.root / "uploads"
    old, active = await created(admin, SIZE), await created(admin, len(film))
    async with half_sent(server, admin, active, film) as send_rest:
        assert await uploads.sweep() == 0  # neither is old enough
        for path in [*root.rglob("*")]:
            os.utime(path, (1, 1))
        assert (await admin.head(old, headers=TUS)).status_code == 404  # expired, not swept yet
        assert await uploads.sweep() == 1
        assert [path.name for path in root.iterdir()] == [active.rpartition("/")[2]]
        assert status_of(await send_rest()) == 204
    assert container.media.source(1).read_bytes() == film
