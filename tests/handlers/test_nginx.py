"""Segments that nginx sends after the server has checked the request."""

import shutil
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path

import httpx
import pytest

from handlers.catalogue import FAILED_HEADER
from tests.clips.fixtures import ClipCache
from tests.handlers.conftest import changed, site
from tests.handlers.films import encoded_title, publish
from tests.handlers.site import ORIGIN, Server
from tests.nginx import PREFIX, Front, nginx
from videoflix.settings import Settings

SEGMENT = "/api/video/1/480p/segment_000.ts"


@pytest.fixture
async def server(settings: Settings, clip_cache: ClipCache) -> AsyncIterator[Server]:
    """A film on a server that hands over to nginx."""
    async with site(changed(settings, server={"accel_prefix": PREFIX})) as started:
        await publish(started.container, encoded_title(clip_cache))
        yield started


@pytest.fixture
def front(server: Server, tmp_path: Path) -> Iterator[Front]:
    with nginx(tmp_path / "nginx", backend(server), cache_of(server)) as started:
        yield started


def backend(server: Server) -> str:
    return server.url.removeprefix("http://")


def cache_of(server: Server) -> Path:
    return server.container.settings.storage.root / "cache"


@asynccontextmanager
async def through(front: Front, server: Server) -> AsyncIterator[httpx.AsyncClient]:
    """Somebody who is signed in and comes through nginx."""
    async with server.signed_in() as inside:
        cookies = dict(inside.cookies.items())
    async with httpx.AsyncClient(
        base_url=front.url, cookies=cookies, verify=front.trust(), trust_env=False
    ) as client:
        yield client


@pytest.fixture
async def member(server: Server, front: Front) -> AsyncIterator[httpx.AsyncClient]:
    async with through(front, server) as client:
        yield client


async def test_nginx_sends_what_the_server_would(server: Server, member: httpx.AsyncClient) -> None:
    cold = await member.get(SEGMENT, headers={"Origin": ORIGIN})
    assert cold.status_code == 200
    warm = await member.get(SEGMENT, headers={"Origin": ORIGIN})
    assert warm.content == cold.content
    async with httpx.AsyncClient(base_url=server.url, cookies=member.cookies) as inside:
        direct = await inside.get(SEGMENT, headers={"Origin": ORIGIN})
        head = await inside.head(SEGMENT)
    assert direct.headers["X-Accel-Redirect"].startswith(PREFIX + "1/")
    assert direct.content == b""
    assert head.headers["Content-Length"] == str(len(warm.content))
    assert warm.headers["ETag"] == head.headers["ETag"]
    for name in ("Content-Type", "Cache-Control", "Vary", "X-Content-Type-Options"):
        assert warm.headers[name] == direct.headers[name], name
    for name in [name for name in direct.headers if name.startswith("access-control-")]:
        assert warm.headers[name] == direct.headers[name], name
    assert warm.headers["Access-Control-Allow-Origin"] == ORIGIN
    assert "X-Accel-Redirect" not in warm.headers


async def test_ranges_and_validators_hold_through_nginx(member: httpx.AsyncClient) -> None:
    whole = await member.get(SEGMENT)
    etag = whole.headers["ETag"]
    part = await member.get(SEGMENT, headers={"Range": "bytes=188-375"})
    assert (part.status_code, part.content) == (206, whole.content[188:376])
    assert part.headers["Content-Range"] == f"bytes 188-375/{len(whole.content)}"
    same = await member.get(SEGMENT, headers={"Range": "bytes=188-375", "If-Range": etag})
    assert same.status_code == 206
    other = await member.get(SEGMENT, headers={"Range": "bytes=188-375", "If-Range": '"other"'})
    assert (other.status_code, other.content) == (200, whole.content)
    assert (await member.get(SEGMENT, headers={"If-None-Match": etag})).status_code == 304
    beyond = await member.get(SEGMENT, headers={"Range": f"bytes={len(whole.content)}-"})
    assert beyond.status_code == 416


async def test_r22_nobody_gets_past_the_check(
    server: Server, member: httpx.AsyncClient, front: Front
) -> None:
    await member.get(SEGMENT)
    cache = cache_of(server)
    (file,) = (path for path in cache.rglob("segment_000.ts"))
    async with httpx.AsyncClient(base_url=front.plain, trust_env=False) as stranger:
        assert (await stranger.get(SEGMENT)).status_code == 401
        place = PREFIX + str(file.relative_to(cache))
        assert (await stranger.get(place)).status_code == 404
        assert (await member.get(place)).status_code == 404


async def test_r53_a_damaged_file_is_not_handed_over(
    server: Server, member: httpx.AsyncClient
) -> None:
    whole = (await member.get(SEGMENT)).content
    (file,) = (path for path in cache_of(server).rglob("segment_000.ts"))
    file.write_bytes(b"?" * len(whole))
    assert (await member.get(SEGMENT)).content == whole


async def test_a_segment_that_the_cache_has_let_go_of_is_sent_all_the_same(
    server: Server, tmp_path: Path
) -> None:
    """Between the server's look at the file and nginx's it was evicted: here nginx looks where
    nothing is. Also under R22: the repeated request is checked like the first one."""
    nothing = tmp_path / "nothing"
    nothing.mkdir()
    with nginx(tmp_path / "nginx", backend(server), nothing) as front:
        async with through(front, server) as client:
            whole = await client.get(SEGMENT, headers={"Origin": ORIGIN})
            part = await client.get(f"{SEGMENT}/", headers={"Range": "bytes=188-375"})
            same = await client.get(SEGMENT, headers={"If-None-Match": whole.headers["ETag"]})
            client.cookies.clear()
            stranger = await client.get(SEGMENT)
            foreign = await client.get(PREFIX + "1/480p/segment_000.ts")
    (file,) = (path for path in cache_of(server).rglob("segment_000.ts"))
    assert (whole.status_code, whole.content) == (200, file.read_bytes())
    assert whole.headers["Access-Control-Allow-Origin"] == ORIGIN
    assert "X-Accel-Redirect" not in whole.headers
    assert (part.status_code, part.content) == (206, whole.content[188:376])
    assert (same.status_code, stranger.status_code, foreign.status_code) == (304, 401, 404)


async def test_a_client_cannot_say_that_nginx_has_failed(server: Server, tmp_path: Path) -> None:
    """What comes from nginx differs here from what comes from the server."""
    copy = tmp_path / "copy"
    with nginx(tmp_path / "nginx", backend(server), copy) as front:
        async with through(front, server) as client:
            whole = (await client.get(SEGMENT)).content
            shutil.copytree(cache_of(server), copy)
            (file,) = copy.rglob("segment_000.ts")
            file.write_bytes(b"?" * len(whole))
            forged = await client.get(SEGMENT, headers={FAILED_HEADER: "1"})
    assert whole.startswith(b"G")
    assert forged.content == b"?" * len(whole)


async def test_without_a_cache_the_server_sends(settings: Settings, clip_cache: ClipCache) -> None:
    chosen = changed(settings, server={"accel_prefix": PREFIX}, cache={"max_bytes": 0})
    async with site(chosen) as bare, bare.signed_in() as client:
        await publish(bare.container, encoded_title(clip_cache))
        answer = await client.get(bare.url + SEGMENT)
        assert answer.content.startswith(b"G")
        assert "X-Accel-Redirect" not in answer.headers


async def test_what_a_cache_that_cannot_be_written_does_not_keep_is_cut_once_a_request(
    server: Server,
) -> None:
    cache_of(server).write_text("a file where the folder should be")
    async with server.signed_in() as client:
        whole = await client.get(server.url + SEGMENT)
        assert server.container.streaming.cuts == 1
        part = await client.get(server.url + SEGMENT, headers={"Range": "bytes=188-375"})
        assert server.container.streaming.cuts == 2
    assert "X-Accel-Redirect" not in whole.headers
    assert (part.status_code, part.content) == (206, whole.content[188:376])
