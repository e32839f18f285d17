"""D11: clients who send half a header, and clients who do not read, beside healthy ones.

Nothing is cached, so that segments are lent from memory, and made again beyond what is lent."""

import asyncio
import statistics
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from itertools import chain, cycle, repeat
from pathlib import Path

import httpx

from media_pipeline.packages.playlists import segment_name
from media_pipeline.titles.title import Title
from tests.benchmarks.rows import at_least, at_most
from tests.drills.cache_site import long_title
from tests.drills.limits import HALF_HEADER, LARGE, MiB, cookie_of
from tests.drills.raw import answer, connected, request, send
from tests.drills.report import Outcome, all_of
from tests.drills.serving import DrillServer, drill_server
from tests.drills.work import WorkSite, work_site
from tests.handlers.films import publish
from tests.services import services_for_tests
from videoflix.container import open_container

HALF_HEADERS = 500
READERS = 200
SECONDS = 120.0
HEALTHY = 4
PAUSE_SECONDS = 0.05
MOST_GROWN = 100.0  # MiB
MOST_SECONDS = 0.5
CLOSED_SECONDS = 20.0
SEGMENTS = 20
CACHE = {"max_bytes": 0}


@dataclass
class Figures:
    """``closed``: seconds until the server closed each half header. ``healthy``: seconds of each
    answer to the healthy clients. ``unread``: requests whose answers nobody read. ``grown``:
    MiB."""

    closed: list[float] = field(default_factory=list)
    healthy: list[float] = field(default_factory=list)
    statuses: set[int] = field(default_factory=set)
    unread: int = 0
    grown: float = 0.0

    @property
    def p99(self) -> float:
        return statistics.quantiles(self.healthy, n=100)[98]


async def _half_header(url: str, until: float, found: Figures) -> None:
    """Again and again: each closed connection is followed by another one."""
    while True:
        client = await connected(url)
        with client:
            began = time.monotonic()
            await send(client, iter((HALF_HEADER,)))
            await answer(client, seconds=CLOSED_SECONDS * 3)
            found.closed.append(time.monotonic() - began)
        if time.monotonic() > until:
            return


async def _asks_and_does_not_read(
    url: str, paths: Iterator[str], cookie: str, held: float, found: Figures
) -> None:
    """Again and again: who does not read does not hear that the server gave him up, but knows
    that it does after ``held`` seconds."""
    while True:
        client = await connected(url, little=True)
        with client:
            await send(client, iter((request("GET", next(paths), f"Cookie: {cookie}"),)))
            found.unread += 1
            await asyncio.sleep(held)


async def _healthy(url: str, cookie: str, until: float, found: Figures) -> None:
    async with httpx.AsyncClient(
        base_url=url, headers={"Cookie": cookie}, trust_env=False, timeout=60
    ) as client:
        while time.monotonic() < until:
            began = time.monotonic()
            found.statuses.add((await client.get("/api/video/")).status_code)
            found.healthy.append(time.monotonic() - began)
            await asyncio.sleep(PAUSE_SECONDS)


async def paths_of_film(site: WorkSite, encoded: Path) -> list[list[str]]:
    """Of a film that is ready from now on: its segments by MPEG-TS, by CMAF, its playlists."""
    async with open_container(site.parts.settings) as container:
        folder = f"/api/video/{(await publish(container, encoded)).id}"
    title = Title(encoded)
    indexes = range(title.grid.segment_count)
    return [
        [f"{folder}/{name}/{segment_name(index)}" for index in indexes for name in title.names],
        [
            f"{folder}/cmaf/{name}/{segment_name(index, 'm4s')}"
            for index in indexes
            for name in title.names
        ],
        [f"{folder}/{name}/index.m3u8" for name in title.names],
    ]


async def attack(
    site: WorkSite,
    server: DrillServer,
    client: httpx.AsyncClient,
    paths: Sequence[Sequence[str]],
    *,
    half_headers: int,
    readers: int,
    seconds: float,
) -> Figures:
    """Those who do not read ask for a picture of 100 MB and, as often, for each kind of
    ``paths``."""
    picture = site.parts.media.thumbnail(1000)
    with picture.open("wb") as file:
        file.truncate(LARGE)
    kinds = [repeat(f"/media/thumbnails/{picture.name}"), *map(cycle, paths)]
    unread = chain.from_iterable(zip(*kinds, strict=True))
    cookie, found = cookie_of(client), Figures()
    held = site.parts.settings.server.write_timeout + 1
    until = time.monotonic() + seconds
    server.count_anew()
    before = server.memory()
    stuck = [
        asyncio.create_task(_asks_and_does_not_read(server.url, unread, cookie, held, found))
        for _ in range(readers)
    ]
    try:
        await asyncio.gather(
            *(_half_header(server.url, until, found) for _ in range(half_headers)),
            *(_healthy(server.url, cookie, until, found) for _ in range(HEALTHY)),
        )
        assert not any(task.done() for task in stuck)
        found.grown = (server.most_memory() - before) / MiB
    finally:
        for task in stuck:
            task.cancel()
        await asyncio.gather(*stuck, return_exceptions=True)
    return found


async def drill(folder: Path) -> Outcome:
    outcome = Outcome(
        f"{HALF_HEADERS} connections with half a header, opened again each time that they are "
        f"closed, and {READERS} clients who do not read, and come again when they are given up, "
        f"for {SECONDS:g} s. Nothing is cached."
    )
    encoded = await asyncio.to_thread(long_title, folder, SEGMENTS)
    with services_for_tests(folder / "services") as services:
        async with (
            work_site(folder / "site", services, cache=CACHE) as site,
            drill_server(site) as (server, client),
        ):
            paths = await paths_of_film(site, encoded)
            found = await attack(
                site,
                server,
                client,
                paths,
                half_headers=HALF_HEADERS,
                readers=READERS,
                seconds=SECONDS,
            )
    in_time = sum(seconds <= CLOSED_SECONDS for seconds in found.closed)
    outcome.figures = [
        at_most("D11 memory", found.grown, MOST_GROWN, "MiB more"),
        at_most(
            "D11 p99 of healthy clients",
            1000 * found.p99,
            1000 * MOST_SECONDS,
            "ms",
            f"{len(found.healthy):,} answers, all of them {found.statuses}",
        ),
        all_of("D11 healthy answers are 200", int(found.statuses == {200}), 1),
        at_least("D11 answers that nobody read", found.unread, 2 * READERS, ""),
        all_of("D11 half headers closed within 20 s", in_time, len(found.closed)),
    ]
    return outcome
