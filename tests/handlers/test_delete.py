"""Films that admins delete, as viewers and other admins see it."""

import asyncio
from pathlib import Path

import httpx
import pytest

from tests.clips.fixtures import ClipCache
from tests.handlers.conftest import changed, site
from tests.handlers.films import add_pending, encoded_title, publish
from tests.handlers.site import PASSWORD, Server, login
from tests.handlers.streams import events
from tests.ports import free_port
from tests.videoflix.waiting import until_true
from videoflix.settings import Settings

JSON = {"Content-Type": "application/json"}
ELSEWHERE_SECONDS = 10.0  # another process believes a record for 2 s


@pytest.fixture
def encoded(clip_cache: ClipCache) -> Path:
    return encoded_title(clip_cache)


def urls(video_id: int) -> list[str]:
    """Of everything that is made of a title, or remembered of it."""
    texts = ("master.m3u8", "480p/index.m3u8", "manifest.mpd")
    media = ("480p/segment_000.ts", "480p/segment_001.ts", "sprite-0.jpg")
    cmaf = ("cmaf/480p/segment_000.m4s", "cmaf/480p/init.mp4")
    return [f"video/{video_id}/{name}" for name in (*texts, *media, *cmaf)]


async def test_r47_a_film_that_is_deleted_is_nowhere_any_more(
    server: Server, admin: httpx.AsyncClient, encoded: Path
) -> None:
    """R47: this process tells viewers at once, others within seconds, and never of damage."""
    video = await publish(server.container, encoded)
    other = await publish(server.container, encoded, "Another film")
    elsewhere = changed(server.container.settings, server={"port": free_port()})
    thumbnail = f"{server.url}/media/thumbnails/video_{video.id}.jpg"
    async with site(elsewhere) as second, second.client() as viewer, events(admin) as stream:
        await login(viewer, "admin@example.com", PASSWORD)
        paths = urls(video.id)
        for client in (admin, viewer):
            found = [(await client.get(path)).status_code for path in paths[:4]]
            assert found == [200] * 4
        assert (await admin.get(thumbnail)).status_code == 200
        response = await admin.delete(f"admin/videos/{video.id}/", headers=JSON)
        assert (response.status_code, response.content) == (204, b"")
        gone = [(await admin.get(path)).status_code for path in paths]
        assert gone == [404] * len(paths)
        assert (await admin.get(thumbnail)).status_code == 404
        seen: set[int] = set()
        async with asyncio.timeout(ELSEWHERE_SECONDS):
            while True:
                statuses = [(await viewer.get(path)).status_code for path in paths]
                seen |= set(statuses)
                if statuses == [404] * len(paths):
                    break
        assert seen <= {200, 404}
        told = await stream.next()
        while told.name != "deleted":
            told = await stream.next()
        assert (told.data, told.id.isdecimal()) == ({"id": video.id}, True)
        for client in (admin, viewer):
            assert [entry["id"] for entry in (await client.get("video/")).json()] == [other.id]
            assert (await client.get(f"video/{other.id}/master.m3u8")).status_code == 200
    assert [r["id"] for r in (await admin.get("admin/videos/")).json()["results"]] == [other.id]
    async with events(admin, last=told.id) as stream:
        assert (await stream.next()).data == {"is_resumed": True}
        again = await stream.next()
        while again.name != "deleted":
            again = await stream.next()
        assert again.data == {"id": video.id}
    root = server.container.settings.storage.root
    for folder in ("sources", "titles", "cache"):
        assert not (root / folder / str(video.id)).exists()


async def test_what_was_deleted_is_unknown_to_every_call(
    server: Server, admin: httpx.AsyncClient
) -> None:
    video_id = (await add_pending(server.container)).id
    path = f"admin/videos/{video_id}"
    assert (await admin.delete(path, headers=JSON)).status_code == 204
    for method, end in (
        ("GET", "/"),
        ("PATCH", "/"),
        ("DELETE", "/"),
        ("POST", "/cancel/"),
        ("POST", "/retry/"),
    ):
        response = await admin.request(method, path + end, headers=JSON)
        assert (method, response.status_code) == (method, 404)
        assert response.json() == {"detail": "There is no such video."}
    assert (await admin.get("admin/videos/")).json()["count"] == 0
    assert (await admin.get("admin/categories/")).json()["in_use"] == []
    assert (await admin.post("admin/videos/retry/", json={"ids": [video_id]})).json()["refused"]
    for unknown in ("99", "0", "x"):
        assert (await admin.delete(f"admin/videos/{unknown}/", headers=JSON)).status_code == 404
    assert await server.container.videos.claim("test", 60, 5) is None
    # Its number is not given again.
    assert (await add_pending(server.container)).id > video_id


async def test_an_answer_that_is_under_way_is_sent_to_its_end(
    server: Server, admin: httpx.AsyncClient, encoded: Path
) -> None:
    video = await publish(server.container, encoded)
    path = f"video/{video.id}/1080p/segment_000.ts"
    whole = (await admin.get(path)).content
    async with admin.stream("GET", path) as response:
        pieces = response.aiter_raw(1000)
        first = await anext(pieces)
        await admin.delete(f"admin/videos/{video.id}/", headers=JSON)
        rest = b"".join([piece async for piece in pieces])
    assert first + rest == whole


async def test_r47_a_disk_that_refuses_is_tried_again(
    server: Server, admin: httpx.AsyncClient, settings: Settings
) -> None:
    """R47: the film is deleted for everybody; its files follow."""
    video_id = (await add_pending(server.container)).id
    source = server.container.media.source(video_id)
    source.parent.mkdir()
    source.write_bytes(b"film")
    sources = settings.storage.root / "sources"
    aside = sources.rename(settings.storage.root / "aside")
    sources.write_bytes(b"no folder")
    response = await admin.delete(f"admin/videos/{video_id}/", headers=JSON)
    assert response.status_code == 204
    assert (await admin.get(f"admin/videos/{video_id}/")).status_code == 404
    sources.unlink()
    aside.rename(sources)
    assert source.exists()
    await server.container.encoding.tidy()
    await until_true(lambda: not source.parent.exists())
