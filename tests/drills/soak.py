"""``python -m tests.drills.soak [--minutes N]``: viewers, uploads and encodes for half an hour.

Two server processes and a worker, with a cache that is too small for the film. Prints a line a
minute, and at the end whether there was an error, and whether memory and descriptors stayed as
they were. Exit status 1 when not; the table is in ``build/drills/soak.md``, too.
"""

import argparse
import asyncio
import math
import os
import random
import statistics
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

import httpx

from media_pipeline.packages.playlists import segment_name
from tests.benchmarks import rows
from tests.benchmarks.machine import machine
from tests.clips.padding import padded
from tests.commands import descendants, running
from tests.drills.cache_site import EMAIL, CacheSite, cache_site, long_title
from tests.drills.serving import memory_of
from tests.drills.work import film
from tests.handlers.site import PASSWORD
from tests.services import services_for_tests

RESULTS = Path("build/drills")
MINUTES = 30.0
VIEWERS = 50
SEGMENTS = 100
PROCESSES = 2
MiB = 1024 * 1024
CACHE = 64 * MiB
UPLOAD = 20 * MiB
UPLOAD_RATE = 2 * MiB  # a second
PIECE = 256 * 1024
MOST_WAITING = 2  # films that are not ready, before another one is uploaded
MOST_KEPT = 4  # of them that are ready
ACCESS_MINUTES = 3.0
MOST_GROWN = 16.0  # MiB, of all server processes together, or of the worker
# MiB an hour, of the same, in runs of ``LONG_MINUTES`` or more, in which 16 MiB from one third to
# the next would let 2 GB a day through. A process that leaks nothing takes a block now and then:
# one of 2.5 MiB in the middle of the twenty minutes that count makes a slope of 11. Ten quiet
# minutes had 2.4 (server) and 1.7 (worker).
MOST_SLOPE = 12.0
LONG_MINUTES = 30.0
MOST_DESCRIPTORS = 10


@dataclass(frozen=True)
class Load:
    minutes: float = MINUTES
    viewers: int = VIEWERS
    pace: float = 1.0  # how fast films are watched
    upload: int = UPLOAD
    looks: int = 30  # at memory and the rest, over all the time


@dataclass(frozen=True)
class Look:
    """Bytes and descriptors of the server's processes together, and of the worker; what was seen
    since the look before."""

    minute: float
    server: int
    server_descriptors: int
    worker: int
    worker_descriptors: int
    cache: int
    segments: int
    p99: float
    ready: int
    errors: int

    @property
    def cells(self) -> tuple[str, ...]:
        return (
            f"{self.minute:.1f}",
            f"{self.server / MiB:.1f}",
            str(self.server_descriptors),
            f"{self.worker / MiB:.1f}",
            str(self.worker_descriptors),
            f"{self.cache / MiB:.1f}",
            str(self.segments),
            f"{self.p99:.0f}",
            str(self.ready),
            str(self.errors),
        )


COLUMNS = (
    *("minute", "server MiB", "its fds", "worker MiB", "its fds", "cache MiB"),
    *("segments", "p99 ms", "films ready", "errors"),
)


@dataclass
class Seen:
    """By all clients. ``errors`` in words."""

    times: list[float] = field(default_factory=list)
    errors: list[str] = field(default_factory=list)
    segments: int = 0
    ready: int = 0
    looks: list[Look] = field(default_factory=list)

    @contextmanager
    def asking(self, what: str) -> Iterator[None]:
        try:
            yield
        except (httpx.HTTPError, AssertionError) as error:
            self.errors.append(f"{what}: {error!r}")


class Visitor:
    """Somebody who has signed in, and stays so."""

    def __init__(self, client: httpx.AsyncClient) -> None:
        self._client = client
        self._refresh_at = 0.0

    async def request(
        self, method: str, path: str, status: int = 200, **options: object
    ) -> httpx.Response:
        """Raises AssertionError for another status."""
        if time.monotonic() > self._refresh_at:
            await self._sign_in()
        response = await self._client.request(method, f"/api/{path}", **options)  # type: ignore[arg-type] # what it takes
        assert response.status_code == status, f"{response.status_code} {response.text[:200]}"
        return response

    async def _sign_in(self) -> None:
        if self._refresh_at:
            json = {"Content-Type": "application/json"}
            answer = await self._client.post("/api/token/refresh/", headers=json)
        else:
            body = {"email": EMAIL, "password": PASSWORD}
            answer = await self._client.post("/api/login/", json=body)
        assert answer.status_code == 200, f"{answer.status_code} {answer.text[:200]}"
        self._refresh_at = time.monotonic() + ACCESS_MINUTES * 60 * 0.6


async def watch(site: CacheSite, visitor: Visitor, seen: Seen, load: Load, number: int) -> None:
    """One viewer, from somewhere in the film on, over and over: half of them by MPEG-TS."""
    chance = random.Random(number)  # noqa: S311 -- the same in every run
    grid, name = site.title.grid, chance.choice(site.title.names)
    seconds = float(grid.segment_seconds(0)) / load.pace
    index = chance.randrange(grid.segment_count)
    await asyncio.sleep(chance.random() * seconds)
    folder = f"video/{site.video_id}/"
    ending = "ts" if number % 2 else "m4s"
    track = f"{folder}{name}/" if number % 2 else f"{folder}cmaf/{name}/"
    due = time.monotonic()
    while True:
        with seen.asking("viewer"):
            if chance.random() < 0.1:
                await visitor.request("GET", "video/")
                await visitor.request("GET", f"{track}index.m3u8")
            began = time.monotonic()
            await visitor.request("GET", track + segment_name(index, ending))
            seen.times.append(time.monotonic() - began)
            seen.segments += 1
        index = (index + 1) % grid.segment_count
        due += seconds
        await asyncio.sleep(max(0.0, due - time.monotonic()))


async def upload(visitor: Visitor, seen: Seen, data: bytes) -> None:
    """One film after the other at the pace of a line, as fast as they are encoded; old ones are
    deleted."""
    unfinished: list[int] = []
    ready: list[int] = []
    while True:
        with seen.asking("upload"):
            unfinished.append(await _send(visitor, data))
            while True:
                for video_id in [*unfinished]:
                    record = (await visitor.request("GET", f"admin/videos/{video_id}/")).json()
                    if record["processing_status"] == "ready":
                        unfinished.remove(video_id)
                        ready.append(video_id)
                        seen.ready += 1
                    assert record["processing_status"] != "failed", record["processing_error"]
                if len(unfinished) < MOST_WAITING:
                    break
                await asyncio.sleep(1)
            while len(ready) > MOST_KEPT:
                await visitor.request("DELETE", f"admin/videos/{ready.pop(0)}/", 204, json={})
        await asyncio.sleep(0)


async def _send(visitor: Visitor, data: bytes) -> int:
    tus = {"Tus-Resumable": "1.0.0"}
    size = {"Upload-Length": str(len(data)), "Upload-Metadata": "title QQ=="}
    made = await visitor.request("POST", "admin/uploads/", 201, headers={**tus, **size})

    async def pieces() -> AsyncIterator[bytes]:
        for start in range(0, len(data), PIECE):
            yield data[start : start + PIECE]
            await asyncio.sleep(PIECE / UPLOAD_RATE)

    headers = {**tus, "Upload-Offset": "0", "Content-Type": "application/offset+octet-stream"}
    path = made.headers["Location"].removeprefix("/api/")
    sent = await visitor.request("PATCH", path, 204, content=pieces(), headers=headers)
    return int(sent.headers["Videoflix-Video-Id"])


def _processes(parent: int, word: bytes) -> list[int]:
    found = []
    for pid in (parent, *descendants(parent)):
        with suppress(FileNotFoundError, ProcessLookupError):
            if word in Path(f"/proc/{pid}/cmdline").read_bytes():
                found.append(pid)
    return found


def _held(pids: Sequence[int]) -> tuple[int, int]:
    """Bytes and descriptors."""
    memory = sum(memory_of(pid, "VmRSS") for pid in pids)
    return memory, sum(len(os.listdir(f"/proc/{pid}/fd")) for pid in pids)  # noqa: PTH208 -- names


def look(site: CacheSite, worker: int, seen: Seen, minute: float) -> Look:
    server = _held(_processes(site.serve.process.pid, b"http-child"))
    cached = 0
    for path in site.cached().values():
        with suppress(FileNotFoundError):  # evicted at this moment
            cached += path.stat().st_size
    times, seen.times = seen.times, []
    p99 = 1000 * statistics.quantiles(times, n=100)[98] if len(times) > 1 else 0.0
    return Look(
        minute, *server, *_held([worker]), cached, len(times), p99, seen.ready, len(seen.errors)
    )


async def soak(site: CacheSite, worker: int, data: bytes, load: Load) -> Seen:
    """Prints a line each time that it looks."""
    seen = Seen()
    began = time.monotonic()
    url = site.client.base_url
    clients = [
        httpx.AsyncClient(base_url=url, trust_env=False, timeout=60)
        for _ in range(load.viewers + 1)
    ]
    visitors = [Visitor(client) for client in clients]
    tasks = [
        asyncio.create_task(watch(site, visitor, seen, load, number))
        for number, visitor in enumerate(visitors[:-1])
    ]
    tasks.append(asyncio.create_task(upload(visitors[-1], seen, data)))
    print_line(COLUMNS)
    try:
        for number in range(1, load.looks + 1):
            due = began + load.minutes * 60 * number / load.looks
            await asyncio.wait(tasks, timeout=due - time.monotonic())
            for task in tasks:
                if task.done():
                    task.result()
            minute = (time.monotonic() - began) / 60
            seen.looks.append(await asyncio.to_thread(look, site, worker, seen, minute))
            print_line(seen.looks[-1].cells)
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        for client in clients:
            await client.aclose()
    return seen


def print_line(cells: Sequence[str]) -> None:
    columns = zip(cells, COLUMNS, strict=True)
    text = "  ".join(cell.rjust(len(column)) for cell, column in columns)
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()


def _grown(values: Sequence[float]) -> float:
    """From the second third of the time to the last one, by their medians."""
    third = max(1, len(values) // 3)
    return statistics.median(values[-third:]) - statistics.median(
        values[third : 2 * third] or values
    )


def slope(minutes: Sequence[float], values: Sequence[float]) -> float:
    """By how much the values grow in an hour: least squares over the last two thirds."""
    first = len(values) // 3
    if len(values) - first < 2:  # a line takes two
        return 0.0
    return 60 * statistics.linear_regression(minutes[first:], values[first:]).slope


def _slopes(looks: Sequence[Look], load: Load) -> list[rows.Row]:
    """Shown of each run; short ones say too little to be judged by it."""
    bar = MOST_SLOPE if load.minutes >= LONG_MINUTES else math.inf
    minutes = [one.minute for one in looks]
    return [
        rows.at_most(f"soak: {who} memory, slope", slope(minutes, values), bar, "MiB an hour")
        for who, values in (
            ("server", [one.server / MiB for one in looks]),
            ("worker", [one.worker / MiB for one in looks]),
        )
    ]


def verdict(seen: Seen, load: Load) -> list[rows.Row]:
    looks = seen.looks
    return [
        rows.at_most("soak: errors", len(seen.errors), 0, "", *seen.errors[:5]),
        rows.at_least("soak: segments watched", seen.segments, load.viewers, ""),
        rows.at_least("soak: films uploaded and encoded", seen.ready, 1, ""),
        rows.at_most(
            "soak: server memory, more in the last third",
            _grown([one.server / MiB for one in looks]),
            MOST_GROWN,
            "MiB",
        ),
        rows.at_most(
            "soak: worker memory, more in the last third",
            _grown([one.worker / MiB for one in looks]),
            MOST_GROWN,
            "MiB",
        ),
        *_slopes(looks, load),
        rows.at_most(
            "soak: descriptors of the server, more in the last third",
            _grown([one.server_descriptors for one in looks]),
            MOST_DESCRIPTORS,
            "",
        ),
        rows.at_most(
            "soak: descriptors of the worker, more in the last third",
            _grown([one.worker_descriptors for one in looks]),
            MOST_DESCRIPTORS,
            "",
        ),
    ]


SETTINGS = {
    "VIDEOFLIX_LOG__LEVEL": "warning",
    "VIDEOFLIX_AUTH__ACCESS_MINUTES": f"{ACCESS_MINUTES:g}",
    "VIDEOFLIX_CACHE__MAX_BYTES": str(CACHE),
}


async def _go(folder: Path, load: Load) -> list[rows.Row]:
    encoded = await asyncio.to_thread(long_title, folder, SEGMENTS)
    clip = await asyncio.to_thread(film, folder, width=640, height=360, seconds=20)
    data = padded(clip.path.read_bytes(), load.upload)
    with services_for_tests(folder / "services") as services:
        async with cache_site(
            folder / "root",
            services,
            encoded,
            processes=PROCESSES,
            settings=SETTINGS,
            is_staff=True,
        ) as site:
            with running("worker", root=folder / "worker", extra=site.environment) as worker:
                seen = await soak(site, worker.process.pid, data, load)
                warnings = site.warnings()
    found = verdict(seen, load)
    lines = [COLUMNS, ["---"] * len(COLUMNS), *(one.cells for one in seen.looks)]
    table = "\n".join(f"| {' | '.join(line)} |" for line in lines)
    facts = ", ".join(f"{name} {value}" for name, value in machine().items())
    RESULTS.mkdir(parents=True, exist_ok=True)
    (RESULTS / "soak.md").write_text(f"{table}\n\n{rows.markdown(found)}\n\n{facts}\n", "utf-8")
    sys.stdout.write(f"\n{rows.text(found)}\nwarnings of the server: {len(warnings)}\n")
    for warning in sorted(set(warnings)):
        sys.stdout.write(f"    {warnings.count(warning)} × {warning}\n")
    return found


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.drills.soak")
    parser.add_argument("--minutes", type=float, default=MINUTES)
    parser.add_argument("--viewers", type=int, default=VIEWERS)
    chosen = parser.parse_args(arguments)
    load = Load(chosen.minutes, chosen.viewers, looks=max(6, round(chosen.minutes)))
    with tempfile.TemporaryDirectory(prefix="videoflix-soak-") as folder:
        found = asyncio.run(_go(Path(folder), load))
    return 0 if all(row.is_met for row in found) else 1


if __name__ == "__main__":
    sys.exit(main())
