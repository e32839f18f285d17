"""Every format over HTTP: access, types, validators, ranges, compression, versions."""

import asyncio
import gzip
import re
from collections.abc import AsyncIterator
from pathlib import Path
from urllib.parse import urljoin, urlsplit

import av
import httpx
import pytest
from structlog.testing import capture_logs

from media_pipeline.titles.title import Title
from tests.clips.fixtures import ClipCache
from tests.handlers.films import publish
from tests.handlers.site import ORIGIN, Server
from tests.media_pipeline.damage import flip
from tests.media_pipeline.titles import rich_title
from videoflix.models import Video

PLAYLIST = "application/vnd.apple.mpegurl"
DOCUMENTS = {
    "master.m3u8": PLAYLIST,
    "480p/index.m3u8": PLAYLIST,
    "480p/iframes.m3u8": PLAYLIST,
    "audio-1/index.m3u8": PLAYLIST,
    "text-0/index.m3u8": PLAYLIST,
    "cmaf/master.m3u8": PLAYLIST,
    "cmaf/480p/index.m3u8": PLAYLIST,
    "cmaf/480p/iframes.m3u8": PLAYLIST,
    "cmaf/audio-0/index.m3u8": PLAYLIST,
    "cmaf/text-1/index.m3u8": PLAYLIST,
    "storyboard.m3u8": PLAYLIST,
    "manifest.mpd": "application/dash+xml",
    "storyboard.vtt": "text/vtt",
    "text-0.vtt": "text/vtt",
    "text-0/segment_000.vtt": "text/vtt",
    "cmaf/text-1/segment_000.vtt": "text/vtt",
}
RESOURCES = {
    "480p/segment_000.ts": "video/MP2T",
    "audio-1/segment_002.aac": "audio/aac",
    "cmaf/720p/init.mp4": "video/mp4",
    "cmaf/720p/segment_001.m4s": "video/mp4",
    "cmaf/audio-0/init.mp4": "audio/mp4",
    "cmaf/audio-2/segment_000.m4s": "audio/mp4",
    "sprite-0.jpg": "image/jpeg",
}
EVERYTHING = {**DOCUMENTS, **RESOURCES}


@pytest.fixture(scope="module")
def encoded(clip_cache: ClipCache) -> Path:
    return rich_title(clip_cache).folder


@pytest.fixture
async def film(server: Server, encoded: Path) -> Video:
    return await publish(server.container, encoded)


@pytest.fixture
async def member(server: Server) -> AsyncIterator[httpx.AsyncClient]:
    async with server.signed_in() as client:
        yield client


async def test_everything_has_its_type_and_length_with_and_without_a_slash(
    member: httpx.AsyncClient, film: Video
) -> None:
    for path, media_type in EVERYTHING.items():
        first = await member.get(f"video/{film.id}/{path}")
        assert first.status_code == 200, path
        assert first.headers["content-type"] == media_type, path
        assert first.num_bytes_downloaded == int(first.headers["content-length"]), path
        same = await member.get(f"video/{film.id}/{path}/")
        assert (same.status_code, same.content) == (200, first.content), path
        head = await member.head(f"video/{film.id}/{path}")
        assert (head.status_code, head.content) == (200, b""), path
        for name in ("content-length", "content-type", "etag", "cache-control"):
            assert head.headers[name] == first.headers[name], (path, name)


async def test_r24_everything_is_private_and_validated(
    member: httpx.AsyncClient, film: Video
) -> None:
    for path in EVERYTHING:
        response = await member.get(f"video/{film.id}/{path}", headers={"Origin": ORIGIN})
        assert response.headers["cache-control"].split(", ")[0] == "private", path
        assert response.headers["access-control-allow-origin"] == ORIGIN
        known = {"If-None-Match": response.headers["etag"]}
        same = await member.get(f"video/{film.id}/{path}", headers=known)
        assert (same.status_code, same.content) == (304, b""), path
    for path in DOCUMENTS:
        response = await member.get(f"video/{film.id}/{path}")
        assert response.headers["cache-control"] == "private, no-cache", path


async def test_r22_anonymous_gets_none_of_it(server: Server, film: Video) -> None:
    """R22: 401 for what exists as for what does not."""
    async with server.client() as client:
        for path in (*EVERYTHING, "cmaf/9/init.mp4", "sprite-9.jpg", "manifest.mpd/x"):
            response = await client.get(f"video/{film.id}/{path}", headers={"Range": "bytes=0-1"})
            assert response.status_code == 401, path


@pytest.mark.parametrize(
    "path",
    [
        "cmaf/144p/index.m3u8",
        "cmaf/1080p/index.m3u8",
        "cmaf/audio-3/index.m3u8",
        "cmaf/text-2/index.m3u8",
        "cmaf/..%2f480p/index.m3u8",
        "cmaf/audio-0/iframes.m3u8",
        "cmaf/text-0/iframes.m3u8",
        "cmaf/text-0/init.mp4",
        "cmaf/%2e%2e/init.mp4",
        "cmaf/480p/segment_003.m4s",
        "cmaf/480p/segment_00.m4s",
        "cmaf/480p/segment_-01.m4s",
        "cmaf/480p/segment_1000000000.m4s",
        "cmaf/480p/segment_%D9%A0%D9%A0%D9%A0.m4s",
        "cmaf/480p/segment_000.m4s%00",
        "cmaf/480p/segment_000.ts",
        "cmaf/text-0/segment_001.vtt",
        "cmaf/text-2/segment_000.vtt",
        "cmaf/index.m3u8",
        "audio-0/index.m3u8",
        "audio-0/segment_000.aac",
        "audio-1/segment_003.aac",
        "audio-1/segment_%2e%2e.aac",
        "480p/segment_000.aac",
        "480p/segment_000.vtt",
        "text-2.vtt",
        "text-00.vtt",
        "text-..%2f..%2fmanifest.vtt",
        "sprite-1.jpg",
        "sprite-00.jpg",
        "sprite--1.jpg",
        "sprite-%2e%2e.jpg",
        "144p/iframes.m3u8",
        "manifest.json",
        "480p.mp4",
    ],
)
async def test_r54_other_names_are_not_found(
    server: Server, member: httpx.AsyncClient, film: Video, path: str
) -> None:
    response = await member.get(f"video/{film.id}/{path}")
    assert response.status_code == 404
    assert list(response.json()) == ["detail"]
    assert response.headers["cache-control"] == "no-store"
    assert not (server.container.settings.storage.root / "cache").exists()


async def test_other_videos_are_not_found(member: httpx.AsyncClient, film: Video) -> None:
    for path in EVERYTHING:
        assert (await member.get(f"video/{film.id + 1}/{path}")).status_code == 404, path


def uris_of(text: str) -> list[str]:
    lines = [line for line in text.splitlines() if line and not line.startswith("#")]
    return [*lines, *re.findall(r'URI="([^"]+)"', text)]


@pytest.mark.parametrize("master", ["master.m3u8", "cmaf/master.m3u8"])
async def test_every_address_that_a_playlist_names_is_there(
    server: Server, member: httpx.AsyncClient, film: Video, master: str
) -> None:
    """And may be kept where it names the encode that it belongs to."""
    waiting = [f"/api/video/{film.id}/{master}"]
    seen: set[str] = set()
    while waiting:
        path = waiting.pop()
        if path in seen:
            continue
        seen.add(path)
        response = await member.get(server.url + path)
        assert response.status_code == 200, path
        if urlsplit(path).query:
            assert f"v={film.generation}" in path
            assert response.headers["cache-control"] == "private, max-age=3600, immutable"
        if response.headers["content-type"] == PLAYLIST:
            waiting += [urljoin(path, uri) for uri in uris_of(response.text)]
    assert len(seen) > 20


async def test_an_older_encode_is_not_found_and_a_new_one_is_seen_at_once(
    member: httpx.AsyncClient, film: Video
) -> None:
    for path in (*RESOURCES, "text-0.vtt", "text-0/segment_000.vtt"):
        old = await member.get(f"video/{film.id}/{path}?v=0123456789abcdef")
        assert old.status_code == 404, path
        assert list(old.json()) == ["detail"]
        now = await member.get(f"video/{film.id}/{path}")
        assert "immutable" not in now.headers["cache-control"], path


async def test_texts_are_compressed_for_who_takes_it(
    member: httpx.AsyncClient, film: Video
) -> None:
    """RFC 9110 §8.4, §12.5.3; the two forms have tags of their own (§8.8.3)."""
    url = f"video/{film.id}/480p/iframes.m3u8"
    plain = await member.get(url, headers={"Accept-Encoding": "identity"})
    assert "content-encoding" not in plain.headers
    for accepted in ("gzip", "br, GZIP;q=0.5", "*", "x-gzip"):
        async with member.stream("GET", url, headers={"Accept-Encoding": accepted}) as response:
            raw = b"".join([piece async for piece in response.aiter_raw()])
        assert response.headers["content-encoding"] == "gzip", accepted
        assert gzip.decompress(raw) == plain.content
        assert len(raw) == int(response.headers["content-length"]) < len(plain.content)
        assert response.headers["etag"] != plain.headers["etag"]
        vary = ", ".join(response.headers.get_list("vary")).lower()
        assert {"origin", "accept-encoding"} <= set(vary.split(", "))
    for refused in ("gzip;q=0", "identity", "", "*;q=0", "br"):
        response = await member.get(url, headers={"Accept-Encoding": refused})
        assert "content-encoding" not in response.headers, refused
        assert response.content == plain.content


async def test_ranges(member: httpx.AsyncClient, film: Video) -> None:
    """RFC 9110 §14: one range, of every thing that is bytes."""
    for path in RESOURCES:
        url = f"video/{film.id}/{path}"
        whole = await member.get(url)
        size = len(whole.content)
        assert whole.headers["accept-ranges"] == "bytes"
        for asked, first, last in (
            ("bytes=0-0", 0, 0),
            (f"bytes=5-{size + 99}", 5, size - 1),
            ("bytes=7-", 7, size - 1),
            ("bytes=-9", size - 9, size - 1),
            (f"bytes=-{size + 1}", 0, size - 1),
            ("Bytes=1-2", 1, 2),
        ):
            part = await member.get(url, headers={"Range": asked})
            assert part.status_code == 206, (path, asked)
            assert part.headers["content-range"] == f"bytes {first}-{last}/{size}"
            assert part.content == whole.content[first : last + 1]
            assert part.headers["etag"] == whole.headers["etag"]
        for beyond in (f"bytes={size}-", "bytes=-0"):
            none = await member.get(url, headers={"Range": beyond})
            assert none.status_code == 416, (path, beyond)
            assert none.headers["content-range"] == f"bytes */{size}"
        for ignored in ("bytes=2-1", "bytes=-", "bytes=x-", "items=0-1", "bytes=0-1,4-5", "0-1"):
            response = await member.get(url, headers={"Range": ignored})
            assert (response.status_code, len(response.content)) == (200, size), ignored
        head = await member.head(url, headers={"Range": "bytes=0-0"})
        assert (head.status_code, head.headers["content-length"]) == (200, str(size))


async def test_a_range_of_a_segment_that_is_not_cut_yet(
    server: Server, member: httpx.AsyncClient, film: Video, encoded: Path
) -> None:
    """As a player that winds asks for an IDR: the segment is cut and kept whole."""
    right = bytes(Title(encoded).cut_ts("480p", 1))
    url = f"video/{film.id}/480p/segment_001.ts"
    part = await member.get(url, headers={"Range": "bytes=188-563"})
    assert (part.status_code, part.content) == (206, right[188:564])
    assert server.container.streaming.cuts == 1
    assert (await member.get(url)).content == right
    assert server.container.streaming.cuts == 1


async def test_if_range(member: httpx.AsyncClient, film: Video) -> None:
    """RFC 9110 §13.1.5: strong comparison; a date is none that was given."""
    url = f"video/{film.id}/cmaf/480p/segment_000.m4s"
    etag = (await member.get(url)).headers["etag"]
    asked = {"Range": "bytes=0-9"}
    part = await member.get(url, headers=asked | {"If-Range": etag})
    assert part.status_code == 206
    for other in (f"W/{etag}", '"other"', "Sat, 29 Oct 1994 19:43:31 GMT"):
        whole = await member.get(url, headers=asked | {"If-Range": other})
        assert whole.status_code == 200, other
    known = await member.get(url, headers=asked | {"If-None-Match": etag})
    assert known.status_code == 304


async def test_cmaf_is_never_copied_to_the_cache(
    server: Server, member: httpx.AsyncClient, film: Video
) -> None:
    for path in EVERYTHING.keys() - {"480p/segment_000.ts"}:
        assert (await member.get(f"video/{film.id}/{path}")).status_code == 200
    assert server.container.streaming.cuts == 0
    assert not (server.container.settings.storage.root / "cache").exists()


@pytest.mark.parametrize(
    "table",
    ["480p.samples", "720p.fragments", "480p.segments", "720p.iframes", "audio-2.fragments"],
)
async def test_r53_a_damaged_table_is_500_logged_and_never_cached(
    server: Server, member: httpx.AsyncClient, film: Video, table: str
) -> None:
    """Whatever is asked for: nothing is made of a title that is not what was verified."""
    assert film.generation is not None
    path = server.container.media.title(film.id, film.generation) / f"{table}.npy"
    flip(path, -3)
    for asked in ("master.m3u8", "480p/segment_000.ts", "cmaf/720p/segment_000.m4s"):
        with capture_logs() as logs:
            refused = await member.get(f"video/{film.id}/{asked}")
        assert refused.status_code == 500
        assert refused.json()["detail"] == "This film is damaged on the server."
        [entry] = [entry for entry in logs if entry["event"] == "damaged title"]
        assert (entry["log_level"], entry["video_id"]) == ("error", film.id)
        assert f"{table}.npy is damaged" in entry["error"]
    assert server.container.cache.stats().files == 0
    flip(path, -3)
    assert (await member.get(f"video/{film.id}/480p/segment_000.ts")).status_code == 200


def _played(url: str, cookies: str) -> tuple[int, dict[str, int]]:
    """Pictures of the last variant, and AAC packets of each sound, as libavformat gets them."""
    options = {"headers": f"Cookie: {cookies}\r\n"}
    with av.open(url, "r", format="hls", options=options) as container:
        video = container.streams.video[-1]
        sounds = container.streams.audio
        pictures, packets = 0, dict.fromkeys((str(stream.index) for stream in sounds), 0)
        for packet in container.demux([video, *sounds]):
            if packet.stream_index == video.index:
                pictures += len(packet.decode())
            elif packet.size:
                packets[str(packet.stream_index)] += 1
        return pictures, packets


@pytest.mark.parametrize("master", ["master.m3u8", "cmaf/master.m3u8"])
async def test_libavformat_plays_to_the_end(
    server: Server, member: httpx.AsyncClient, film: Video, encoded: Path, master: str
) -> None:
    cookies = "; ".join(f"{name}={value}" for name, value in member.cookies.items())
    url = f"{server.url}/api/video/{film.id}/{master}"
    pictures, packets = await asyncio.to_thread(_played, url, cookies)
    with av.open(str(encoded / "audio-0.mp4")) as container:
        frames = sum(1 for packet in container.demux() if packet.size)
    assert pictures == 375
    assert len(packets) >= 3
    assert set(packets.values()) == {frames}
