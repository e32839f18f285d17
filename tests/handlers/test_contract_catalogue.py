"""The catalogue, playlists, segments and thumbnails, row by row."""

import io
import re
from collections.abc import AsyncIterator
from datetime import datetime
from pathlib import Path

import av
import httpx
import m3u8
import pytest

from tests.clips.fixtures import ClipCache
from tests.handlers.films import add_pending, encoded_title, publish
from tests.handlers.site import ORIGIN, Server
from videoflix.models import Video

PLAYLIST = "application/vnd.apple.mpegurl"
RESOLUTIONS = ("480p", "720p", "1080p")


@pytest.fixture
def encoded(clip_cache: ClipCache) -> Path:
    return encoded_title(clip_cache)


@pytest.fixture
async def film(server: Server, encoded: Path) -> Video:
    return await publish(server.container, encoded)


@pytest.fixture
async def member(server: Server) -> AsyncIterator[httpx.AsyncClient]:
    async with server.signed_in() as client:
        yield client


@pytest.fixture(params=["/", ""], ids=["slash", "bare"])
def end(request: pytest.FixtureRequest) -> str:
    value: str = request.param
    return value


async def test_catalogue(
    server: Server, member: httpx.AsyncClient, encoded: Path, end: str
) -> None:
    first = await publish(server.container, encoded, "First")
    second = await publish(server.container, encoded, "Ünïcode 🎬")
    await add_pending(server.container, "Not ready")
    response = await member.get(f"video{end}")
    assert response.status_code == 200
    assert [entry["id"] for entry in response.json()] == [second.id, first.id]
    entry = response.json()[0]
    assert entry == {
        "id": 2,
        "created_at": entry["created_at"],
        "title": "Ünïcode 🎬",
        "description": "What happens.",
        "thumbnail_url": f"{server.url}/media/thumbnails/video_2.jpg",
        "category": "Drama",
    }
    assert entry["created_at"].endswith("Z")
    assert datetime.fromisoformat(entry["created_at"]) == second.created_at


async def test_empty_catalogue(member: httpx.AsyncClient) -> None:
    response = await member.get("video/")
    assert (response.status_code, response.json()) == (200, [])


async def test_multivariant_playlist(member: httpx.AsyncClient, film: Video, end: str) -> None:
    response = await member.get(f"video/{film.id}/master.m3u8{end}")
    assert response.status_code == 200
    assert response.headers["content-type"] == PLAYLIST
    playlist = m3u8.loads(response.text)
    assert playlist.is_variant
    uris = [variant.uri for variant in playlist.playlists]
    assert sorted(uris) == sorted(f"/api/video/1/{name}/index.m3u8" for name in RESOLUTIONS)


@pytest.mark.parametrize("resolution", RESOLUTIONS)
async def test_media_playlist_and_its_segments(
    server: Server, member: httpx.AsyncClient, film: Video, resolution: str, end: str
) -> None:
    response = await member.get(f"video/{film.id}/{resolution}/index.m3u8{end}")
    assert response.status_code == 200
    assert response.headers["content-type"] == PLAYLIST
    playlist = m3u8.loads(response.text)
    assert playlist.is_endlist
    uris = [segment.uri for segment in playlist.segments]
    assert uris == [
        f"/api/video/1/{resolution}/segment_{number:03}.ts" for number in range(len(uris))
    ]
    assert len(uris) > 1
    for uri in uris:
        segment = await member.get(f"{server.url}{uri}{end}")
        assert segment.status_code == 200
        assert segment.headers["content-type"] == "video/MP2T"
        assert int(segment.headers["content-length"]) == len(segment.content)
        with av.open(io.BytesIO(segment.content), format="mpegts") as opened:
            assert {stream.type for stream in opened.streams} == {"video", "audio"}


@pytest.mark.parametrize("end_of_path", ["master.m3u8", "480p/index.m3u8", "480p/segment_000.ts"])
async def test_r24_media_answers_are_private_and_validated(
    member: httpx.AsyncClient, film: Video, end_of_path: str
) -> None:
    """R24."""
    path = f"video/{film.id}/{end_of_path}"
    response = await member.get(path, headers={"Origin": ORIGIN})
    assert response.headers["cache-control"].split(", ")[0] == "private"
    assert response.headers["access-control-allow-origin"] == ORIGIN
    assert response.headers["access-control-allow-credentials"] == "true"
    head = await member.head(path)
    assert (head.status_code, head.content) == (200, b"")
    for name in ("content-length", "content-type", "etag", "cache-control"):
        assert head.headers[name] == response.headers[name]
    etag = response.headers["etag"]
    for known in (etag, f"W/{etag}", f'"other", {etag}', "*"):
        same = await member.get(path, headers={"If-None-Match": known})
        assert (same.status_code, same.content) == (304, b"")
        assert same.headers["etag"] == etag
    other = await member.get(path, headers={"If-None-Match": '"other"'})
    assert other.content == response.content


@pytest.mark.parametrize(
    "path",
    [
        "2/master.m3u8",
        "0/master.m3u8",
        "01/master.m3u8",
        "-1/master.m3u8",
        "99999999999999999999/master.m3u8",
        "%D9%A1/master.m3u8",
        "x/master.m3u8",
        "1/144p/index.m3u8",
        "1/%2e%2e/index.m3u8",
        "1/480P/index.m3u8",
        "1/480p/segment_999.ts",
        "1/480p/segment_1000000000.ts",
        "1/480p/segment_-01.ts",
        "1/480p/segment_0.ts",
        "1/480p/segment_000.mp4",
        "1/480p/..%2f480p.mp4",
        "1/480p/..%5csegment_000.ts",
        "1/480p/segment_%D9%A0%D9%A0%D9%A0.ts",
        "1/480p/segment_000.ts%00",
        "1/480p/",
        "1/",
    ],
)
async def test_unknown_media(member: httpx.AsyncClient, film: Video, path: str) -> None:
    assert film.id == 1
    response = await member.get(f"video/{path}")
    assert response.status_code == 404
    assert list(response.json()) == ["detail"]
    assert response.headers["cache-control"] == "no-store"


async def test_videos_that_are_not_ready(server: Server, member: httpx.AsyncClient) -> None:
    video = await add_pending(server.container)
    for path in ("master.m3u8", "480p/index.m3u8", "480p/segment_000.ts"):
        response = await member.get(f"video/{video.id}/{path}")
        assert response.status_code == 404
        assert list(response.json()) == ["detail"]


async def test_r22_anonymous_gets_no_media(server: Server, film: Video) -> None:
    """R22: 401 for what exists as for what does not."""
    async with server.client() as client:
        for path in ("1/master.m3u8", "1/480p/index.m3u8", "1/480p/segment_000.ts", "9/x/y.ts"):
            response = await client.get(f"video/{path}")
            assert response.status_code == 401
    assert server.container.streaming.cuts == 0
    assert film.id == 1


async def test_thumbnail(server: Server, film: Video, encoded: Path, end: str) -> None:
    """The one public media route."""
    async with server.client() as client:
        url = f"{server.url}/media/thumbnails/video_{film.id}.jpg{end}"
        response = await client.get(url)
        assert response.status_code == 200
        assert response.headers["content-type"] == "image/jpeg"
        assert response.content == (encoded / "thumbnail.jpg").read_bytes()
        assert re.match(r"public\b", response.headers["cache-control"])
        etag = response.headers["etag"]
        assert (await client.get(url, headers={"If-None-Match": etag})).status_code == 304
        head = await client.head(url)
        assert head.headers["content-length"] == str(len(response.content))
        for name in ("video_9.jpg", "video_1.png", "video_0.jpg", "..%2f..%2fsecret_key"):
            missing = await client.get(f"{server.url}/media/thumbnails/{name}")
            assert missing.status_code == 404
            assert list(missing.json()) == ["detail"]
