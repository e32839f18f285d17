"""D10: workers whose clock is wrong (libfaketime). Leases go by the database's clock."""

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.benchmarks.rows import at_most
from tests.clips.spec import ClipFacts
from tests.drills.report import Outcome, all_of
from tests.drills.serving import drill_server
from tests.drills.work import REPOSITORY, WorkSite, film, silent_worker, work_site
from tests.processes import leashed
from tests.services import Services, services_for_tests
from tests.videoflix.waiting import until, until_true
from tests.videoflix.worker.processes import REAL_WORKER, environment
from videoflix.models import ProcessingStatus, Video

OFFSETS = ("+5m", "-5m", "+2h", "-2h")
LONGEST = 35.0  # seconds until another worker has the job: the lease and a poll
SLOW = {"preset": "medium"}
EXPIRES_MINUTES = 0.05


@dataclass(frozen=True)
class Figures:
    """``kept`` is a film that another worker was encoding all the time; ``lost`` one whose worker,
    with the wrong clock, was killed; ``found`` one that a worker with the wrong clock took up from
    one that was killed. ``seconds``: until those two were taken up."""

    kept: Video
    lost: Video
    found: Video
    seconds: tuple[float, float]
    left: list[str]


def library() -> Path:
    """libfaketime for programs with threads. Skips the test, saying what to install, where it is
    missing."""
    found = sorted(Path("/usr/lib").glob("*/faketime/libfaketimeMT.so.1"))
    if not found:
        pytest.skip("needs libfaketime (Debian: apt-get install faketime)")
    return found[0]


@asynccontextmanager
async def wrong_worker(site: WorkSite, offset: str) -> AsyncIterator[asyncio.subprocess.Process]:
    """A worker whose clock is off by so much, such as ``-2h``; killed when the block ends."""
    # The time of day alone: the clock that counts since the start nobody can set.
    fake = {"LD_PRELOAD": str(library()), "FAKETIME": offset, "FAKETIME_DONT_FAKE_MONOTONIC": "1"}
    process = await asyncio.create_subprocess_exec(
        *leashed(*REAL_WORKER),
        cwd=REPOSITORY,
        env={**environment(site.parts.settings), **fake},
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.DEVNULL,
        stderr=asyncio.subprocess.DEVNULL,
    )
    try:
        yield process
    finally:
        with suppress(ProcessLookupError):
            process.kill()
        await process.wait()


async def _begun(site: WorkSite, video_id: int) -> None:
    async def encoding() -> bool:
        return bool(site.encoders()) and (await site.video(video_id)).attempts == 1

    await until(encoding)


async def _taken_up(site: WorkSite, video_id: int, killed: float, longest: float) -> float:
    async def again() -> bool:
        return (await site.video(video_id)).attempts == 2

    await until(again, seconds=longest * 4)
    return time.monotonic() - killed


async def go_through(site: WorkSite, clip: ClipFacts, offset: str, longest: float) -> Figures:
    """With a right worker and a wrong one: who has a job keeps it, who is killed loses it."""
    async with silent_worker(site.parts.settings) as right:
        kept_id = await site.ingest(clip)
        await _begun(site, kept_id)
        async with wrong_worker(site, offset) as wrong:
            kept = await site.ended(kept_id)
            right.kill()
            await right.wait()
            lost_id = await site.ingest(clip)
            await _begun(site, lost_id)
            async with silent_worker(site.parts.settings) as next_right:
                await site.at_percent(lost_id, 20)  # it has let him work
                wrong.kill()
                killed = time.monotonic()
                await until_true(lambda: not site.encoders())
                first = await _taken_up(site, lost_id, killed, longest)
                lost = await site.ended(lost_id)
                found_id = await site.ingest(clip)
                await _begun(site, found_id)
                async with wrong_worker(site, offset):
                    next_right.kill()
                    killed = time.monotonic()
                    await until_true(lambda: not site.encoders())
                    second = await _taken_up(site, found_id, killed, longest)
                    found = await site.ended(found_id)
                    videos = (kept, lost, found)
                    await until_true(lambda: not any(map(site.left_over, videos)))
    left = [line for video in videos for line in site.left_over(video)]
    return Figures(kept, lost, found, (first, second), left)


def misses(name: str, found: Figures, longest: float = LONGEST) -> list[str]:
    videos = (found.kept, found.lost, found.found)
    checks = {
        f"all ready: {[video.error for video in videos]}": all(
            video.status is ProcessingStatus.READY for video in videos
        ),
        f"each published once: {attempts(found)}": attempts(found) == [1, 2, 2],
        f"taken up within {longest:g} s: {found.seconds}": max(found.seconds) <= longest,
        f"nothing left behind: {found.left}": not found.left,
    }
    return [f"{name}: {text}" for text, holds in checks.items() if not holds]


def attempts(found: Figures) -> list[int]:
    return [video.attempts for video in (found.kept, found.lost, found.found)]


async def expires(folder: Path, services: Services) -> bool:
    """Whether a server refuses a token that has expired, beside a worker whose clock is two hours
    behind."""
    async with (
        work_site(folder, services, auth={"access_minutes": EXPIRES_MINUTES}) as site,
        wrong_worker(site, "-2h"),
        drill_server(site) as (_, client),
    ):
        taken = (await client.get("video/")).status_code

        async def is_refused() -> bool:
            return (await client.get("video/")).status_code == 401

        return taken == 200 and await until(is_refused)


async def drill(folder: Path) -> Outcome:
    outcome = Outcome(
        "One worker's clock is wrong, another one's is right; three films each. The first is being "
        "encoded when the wrong one comes; it is killed over the second, and takes up the third.",
        ("clock", "ready", "attempts", "taken up after s", "left behind"),
    )
    clip = film(folder, width=960, height=540, seconds=20)

    async def one(offset: str, services: Services) -> Figures:
        async with work_site(folder / offset, services, media=SLOW) as site:
            return await go_through(site, clip, offset, LONGEST)

    with services_for_tests(folder / "services") as services:
        everything = await asyncio.gather(*(one(offset, services) for offset in OFFSETS))
        is_refused = await expires(folder / "tokens", services)
    ready = 0
    for offset, found in zip(OFFSETS, everything, strict=True):
        statuses = [str(video.status) for video in (found.kept, found.lost, found.found)]
        ready += statuses.count("ready")
        outcome.rows.append(
            (
                offset,
                ", ".join(statuses),
                str(attempts(found)),
                ", ".join(f"{seconds:.1f}" for seconds in found.seconds),
                str(len(found.left)),
            )
        )
        outcome.misses += misses(offset, found)
    once = sum(attempts(found) == [1, 2, 2] for found in everything)
    slowest = max(seconds for found in everything for seconds in found.seconds)
    outcome.figures = [
        all_of("D10 films ready", ready, 3 * len(OFFSETS)),
        all_of("D10 clocks by which none was published twice or taken away", once, len(OFFSETS)),
        at_most("D10 taken up after, at most", slowest, LONGEST, "s"),
        all_of("D10 expired tokens refused", int(is_refused), 1),
    ]
    return outcome
