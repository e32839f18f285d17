"""D11: clients who send half a header, and clients who do not read, beside healthy ones."""

import asyncio
import statistics
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import httpx

from tests.benchmarks.rows import at_most
from tests.drills.limits import HALF_HEADER, LARGE, MiB, cookie_of
from tests.drills.raw import answer, connected, request, send
from tests.drills.report import Outcome, all_of
from tests.drills.serving import DrillServer, drill_server
from tests.drills.work import WorkSite, work_site
from tests.services import services_for_tests

HALF_HEADERS = 500
READERS = 200
SECONDS = 120.0
HEALTHY = 4
PAUSE_SECONDS = 0.05
MOST_GROWN = 100.0  # MiB
MOST_SECONDS = 0.5
CLOSED_SECONDS = 20.0


@dataclass
class Figures:
    """``closed``: seconds until the server closed each half header. ``healthy``: seconds of each
    answer to the healthy clients. ``grown``: MiB."""

    closed: list[float] = field(default_factory=list)
    healthy: list[float] = field(default_factory=list)
    statuses: set[int] = field(default_factory=set)
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


async def _asks_and_does_not_read(url: str, path: str, cookie: str) -> None:
    client = await connected(url, little=True)
    with client:
        await send(client, iter((request("GET", path, f"Cookie: {cookie}"),)))
        await asyncio.Event().wait()


async def _healthy(url: str, cookie: str, until: float, found: Figures) -> None:
    async with httpx.AsyncClient(
        base_url=url, headers={"Cookie": cookie}, trust_env=False, timeout=60
    ) as client:
        while time.monotonic() < until:
            began = time.monotonic()
            found.statuses.add((await client.get("/api/video/")).status_code)
            found.healthy.append(time.monotonic() - began)
            await asyncio.sleep(PAUSE_SECONDS)


async def attack(
    site: WorkSite,
    server: DrillServer,
    client: httpx.AsyncClient,
    paths: Sequence[str] = (),
    *,
    half_headers: int,
    readers: int,
    seconds: float,
) -> Figures:
    """``paths`` are asked for by those who do not read, beside a picture of 100 MB."""
    picture = site.parts.media.thumbnail(1000)
    with picture.open("wb") as file:
        file.truncate(LARGE)
    unread = [f"/media/thumbnails/{picture.name}", *paths]
    cookie, found = cookie_of(client), Figures()
    until = time.monotonic() + seconds
    server.count_anew()
    before = server.memory()
    stuck = [
        asyncio.create_task(
            _asks_and_does_not_read(server.url, unread[number % len(unread)], cookie)
        )
        for number in range(readers)
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
        f"closed, and {READERS} clients who do not read, for {SECONDS:g} s."
    )
    with services_for_tests(folder / "services") as services:
        async with (
            work_site(folder, services) as site,
            drill_server(site) as (server, client),
        ):
            found = await attack(
                site, server, client, half_headers=HALF_HEADERS, readers=READERS, seconds=SECONDS
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
        all_of("D11 half headers closed within 20 s", in_time, len(found.closed)),
    ]
    return outcome
