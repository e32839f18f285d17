"""R18 to R21: large, hostile and slow requests, and a client who does not read."""

import asyncio
import time
from collections.abc import Iterator, Mapping
from itertools import repeat
from pathlib import Path

import httpx

from tests.benchmarks.rows import at_most
from tests.drills.raw import answer, connected, exchange, request, send, status_of
from tests.drills.report import Outcome, all_of
from tests.drills.serving import DrillServer, drill_server
from tests.drills.work import WorkSite, work_site
from tests.services import services_for_tests
from tests.videoflix.waiting import until_true

MiB = 1024 * 1024
BODIES = 5
BODY = 90 * 1000 * 1000
HALF = BODY // 2
LARGE = 100 * 1000 * 1000
MOST_FOR_BODIES = 10.0  # MiB
MOST_FOR_ANSWER = 5.0  # MiB
MOST_LATE = 100.0  # milliseconds
CLOSED_SECONDS = 20.0
SIZE = 1_000_000
MULTIPART = "multipart/form-data; boundary="
JSON = "Content-Type: application/json"
HEADER_SIZE = 31_000  # the server takes 32 KiB


def _body(path: str, body: bytes, content_type: str, *headers: str) -> tuple[bytes, ...]:
    length = f"Content-Length: {len(body)}"
    close = "Connection: close"
    return request("POST", path, f"Content-Type: {content_type}", length, close, *headers), body


def _json(body: bytes) -> tuple[bytes, ...]:
    return _body("/api/login/", body, "application/json")


def _get(*headers: str, query: str = "") -> tuple[bytes, ...]:
    return (request("GET", f"/api/video/{query}", "Connection: close", *headers),)


def _chunks() -> tuple[bytes, ...]:
    head = request("POST", "/api/login/", JSON, "Transfer-Encoding: chunked", "Connection: close")
    return head, *repeat(b"1\r\n[\r\n" * 1000, SIZE // 1000), b"0\r\n\r\n"


def _form(boundary: str, body: bytes, cookie: str) -> tuple[bytes, ...]:
    return _body("/api/admin/videos/", body, MULTIPART + boundary, f"Cookie: {cookie}")


def hostile(cookie: str) -> Mapping[str, tuple[bytes, ...]]:
    """Requests of about a megabyte, by name; ``cookie`` is an admin's."""
    part = b'--x\r\nContent-Disposition: form-data; name="title"\r\n\r\na\r\n'
    urlencoded = "application/x-www-form-urlencoded"
    return {
        "deep arrays": _json(b"[" * SIZE),
        "deep objects": _json(b'{"a":' * (SIZE // 5)),
        "long text": _json(b'{"email":"%s","password":"%s"}' % (b"a" * SIZE, b"b")),
        "many members": _json(b"{%s}" % b",".join(b'"%d":0' % n for n in range(SIZE // 10))),
        "long number": _json(b'{"email":%s}' % (b"1" * SIZE)),
        "escapes": _json(b'{"email":"%s"}' % (b"\\ud800" * (SIZE // 6))),
        "one byte a chunk": _chunks(),
        "huge header": _get(f"X-Long: {'a' * SIZE}"),
        "many headers": _get(*repeat("a: b", HEADER_SIZE // 6)),
        "many cookies": _get("Cookie: " + "; ".join(f"a{n}=b" for n in range(HEADER_SIZE // 10))),
        "escaped cookie": _get('Cookie: a="' + "\\042" * (HEADER_SIZE // 4) + '"'),
        "long query": _get(query="?" + "&a" * (HEADER_SIZE // 2)),
        "urlencoded": _body("/api/login/", b"a=1&" * (SIZE // 4), urlencoded),
        "multipart elsewhere": _body(
            "/api/login/", part * 15_000, "multipart/form-data; boundary=x"
        ),
        "multipart, many parts": _form("x", part * 15_000, cookie),
        "multipart, no part": _form("x", b"\r\n--" * (SIZE // 4), cookie),
        "multipart, long header": _form("x", b"--x\r\n" + b"a" * SIZE, cookie),
    }


def _zeros(size: int) -> Iterator[bytes]:
    return repeat(bytes(250_000), size // 250_000)


async def half_sent(server: DrillServer) -> tuple[float, list[bytes]]:
    """R18: MiB that several half-sent large bodies cost, and the answers."""
    head = request("POST", "/api/login/", JSON, f"Content-Length: {BODY}")
    chunked = request("POST", "/api/login/", JSON, "Transfer-Encoding: chunked")
    server.count_anew()
    before = server.memory()

    async def one(number: int) -> bytes:
        client = await connected(server.url)
        with client:
            reading = asyncio.create_task(answer(client))
            if number % 2:
                await send(client, iter((chunked, b"%x\r\n" % BODY)))
            else:
                await send(client, iter((head,)))
            await send(client, _zeros(HALF))
            return await reading

    answers = await asyncio.gather(*map(one, range(BODIES)))
    return (server.most_memory() - before) / MiB, answers


async def statuses(server: DrillServer, cookie: str) -> dict[str, int]:
    """R19: what becomes of each hostile request, all at once."""
    asked = hostile(cookie)
    answers = await asyncio.gather(*(exchange(server.url, *one) for one in asked.values()))
    return dict(zip(asked, map(status_of, answers), strict=True))


async def stalls(server: DrillServer, cookie: str) -> dict[str, float]:
    """R19: how late the loop was of its own by each of them, in milliseconds."""
    found = {}
    for name, pieces in hostile(cookie).items():
        server.count_anew()
        await exchange(server.url, *pieces)
        found[name] = (await server.lateness())["own"]
    return found


async def closed_after(server: DrillServer, *pieces: bytes) -> float:
    """R20: seconds until the server closes a connection that brings this and then nothing."""
    client = await connected(server.url)
    with client:
        began = time.monotonic()
        await send(client, iter(pieces))
        await answer(client)
        return time.monotonic() - began


async def unread(site: WorkSite, server: DrillServer) -> tuple[float, bool]:
    """R21: MiB that an answer of 100 MB costs whose client does not read, and whether the server
    gives that client up by its setting."""
    picture = site.parts.media.thumbnail(1)
    with picture.open("wb") as file:
        file.truncate(LARGE)
    path = f"/media/thumbnails/{picture.name}"
    # What a first request loads is not of this answer.
    await exchange(server.url, request("HEAD", path, "Connection: close"))
    descriptors = server.descriptors()
    server.count_anew()
    before = server.memory()
    reader = await connected(server.url, little=True)
    with reader:
        await send(reader, iter((request("GET", path),)))
        await asyncio.get_running_loop().sock_recv(reader, 1)
        try:
            await until_true(lambda: server.descriptors() <= descriptors)
            is_given_up = True
        except TimeoutError:
            is_given_up = False
    return (server.most_memory() - before) / MiB, is_given_up


def cookie_of(client: httpx.AsyncClient) -> str:
    return f"access_token={client.cookies['access_token']}"


HALF_HEADER = b"GET /api/video/ HTTP/1.1\r\nHost: 127"
STALLED = request("POST", "/api/login/", JSON, "Content-Length: 100") + b"{"
LATER = request("GET", "/api/video/") + HALF_HEADER
SLOW = {"half a header": HALF_HEADER, "a stalled body": STALLED, "half a second header": LATER}


def accepted(found: Mapping[str, int]) -> list[str]:
    """Names of those that were not refused as they have to be."""
    return [name for name, status in found.items() if status and not 400 <= status < 500]


async def drill(folder: Path) -> Outcome:
    outcome = Outcome("Large, hostile and slow requests, and a client who does not read.")
    with services_for_tests(folder / "services") as services:
        chosen = {"server": {"write_timeout": 5}}
        async with (
            work_site(folder, services, **chosen) as site,
            drill_server(site) as (server, client),
        ):
            grown, answers = await half_sent(server)
            found = await statuses(server, cookie_of(client))
            late = await stalls(server, cookie_of(client))
            closed = await asyncio.gather(*(closed_after(server, text) for text in SLOW.values()))
            held, is_given_up = await unread(site, server)
    right = sum(status_of(one) == 400 for one in answers)
    outcome.figures += [
        at_most(
            f"R18 memory for {BODIES} half-sent bodies of 90 MB", grown, MOST_FOR_BODIES, "MiB"
        ),
        all_of("R18 of those were answered with 400", right, BODIES),
        *(
            at_most(f"R19 loop late by 1 MB: {name}", ms, MOST_LATE, "ms")
            for name, ms in late.items()
        ),
        all_of("R19 of those were refused", len(found) - len(accepted(found)), len(found)),
        *(
            at_most(f"R20 closed after: {name}", seconds, CLOSED_SECONDS, "s")
            for name, seconds in zip(SLOW, closed, strict=True)
        ),
        at_most("R21 memory for 100 MB that nobody reads", held, MOST_FOR_ANSWER, "MiB"),
        all_of("R21 such clients were given up", int(is_given_up), 1),
    ]
    return outcome
