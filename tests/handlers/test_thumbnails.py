"""Own pictures over HTTP: put, seen at once, taken back; and what is no picture."""

from pathlib import Path

import httpx

from tests.clips.fixtures import ClipCache
from tests.handlers.films import add_pending, encoded_title, publish
from tests.handlers.site import Server, stored_bytes
from tests.handlers.streams import events
from tests.videoflix.uploads.pictures import write_picture

JSON = {"Content-Type": "application/json"}


def of(kind: str) -> dict[str, str]:
    return {"Content-Type": f"image/{kind}"}


async def picture_at(client: httpx.AsyncClient, server: Server, url: str) -> bytes:
    """What viewers see there; URLs name the public address of the server."""
    settings = server.container.settings
    assert url.startswith(settings.server.public_url)
    response = await client.get(f"{server.url}{url.removeprefix(settings.server.public_url)}")
    assert response.status_code == 200
    assert response.headers["content-type"] == "image/jpeg"
    return response.content


async def test_put_and_taken_back(
    server: Server, admin: httpx.AsyncClient, clip_cache: ClipCache, tmp_path: Path
) -> None:
    encoded = encoded_title(clip_cache)
    video = await publish(server.container, encoded)
    path = f"admin/videos/{video.id}/thumbnail/"
    own = write_picture(tmp_path / "own", "webp", 1280, 720).read_bytes()
    before = (await admin.get(f"admin/videos/{video.id}/")).json()
    assert before["thumbnail_url"].endswith(f"/media/thumbnails/video_{video.id}.jpg")
    async with events(admin) as stream:
        record = (await admin.put(path, content=own, headers=of("webp"))).json()
        assert record["has_own_thumbnail"] is True
        assert record["updated_at"] > before["updated_at"]
        await stream.video(video.id, thumbnail_url=record["thumbnail_url"])
    shown = await picture_at(admin, server, record["thumbnail_url"])
    assert shown not in (own, (encoded / "thumbnail.jpg").read_bytes())
    again = (await admin.delete(path.rstrip("/"), headers=JSON)).json()
    assert again["has_own_thumbnail"] is False
    urls = {answer["thumbnail_url"] for answer in (before, record, again)}
    assert len(urls) == 3
    [entry] = (await admin.get("video/")).json()
    assert entry["thumbnail_url"] == again["thumbnail_url"]
    made = await picture_at(admin, server, again["thumbnail_url"])
    assert made == (encoded / "thumbnail.jpg").read_bytes()


async def test_r35_what_is_no_picture_is_refused(
    server: Server, admin: httpx.AsyncClient, tmp_path: Path
) -> None:
    """R35"""
    video_id = (await add_pending(server.container)).id
    path = f"admin/videos/{video_id}/thumbnail/"
    before = (await admin.get(f"admin/videos/{video_id}/")).json()
    for body in (b"", b"<svg/>", b"#EXTM3U\nhttp://127.0.0.1/", bytes(2_000_000)):
        response = await admin.put(path, content=body, headers=of("png"))
        assert response.status_code == 400
        assert list(response.json()) == ["thumbnail"]
    largest = server.container.settings.upload.thumbnail_max_bytes
    response = await admin.put(path, content=bytes(largest + 1), headers=of("png"))
    assert response.status_code == 413
    picture = write_picture(tmp_path / "own", "png", 320, 180).read_bytes()
    response = await admin.put(path, content=picture, headers={"Content-Type": "text/plain"})
    assert response.status_code == 403
    for unknown in ("99", "x"):
        there = f"admin/videos/{unknown}/thumbnail/"
        assert (await admin.put(there, content=picture, headers=of("png"))).status_code == 404
        assert (await admin.delete(there, headers=JSON)).status_code == 404
    assert (await admin.get(f"admin/videos/{video_id}/")).json() == before
    assert stored_bytes(server) == 0


async def test_r26_members_store_nothing(server: Server) -> None:
    """R26"""
    video_id = (await add_pending(server.container)).id
    async with server.signed_in() as member:
        path = f"admin/videos/{video_id}/thumbnail/"
        response = await member.put(path, content=bytes(100_000), headers=of("png"))
        assert response.status_code == 403
        assert (await member.delete(path, headers=JSON)).status_code == 403
    assert stored_bytes(server) == 0
