"""D10: workers whose clock is wrong (libfaketime). Leases go by the database's clock."""

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.benchmarks.rows import at_most
from tests.clips.spec import ClipFacts
from tests.drills.report import Outcome, all_of
from tests.drills.serving import drill_server
from tests.drills.work import MINUTES, WorkSite, film, silent_worker, work_site
from tests.services import Services, services_for_tests
from tests.videoflix.waiting import until, until_true
from videoflix.models import ProcessingStatus, Video

OFFSETS = ("+5m", "-5m", "+2h", "-2h")
LONGEST = 35.0  # seconds until another worker has the job: the lease and a poll
SLOW = {"preset": "medium"}
PATIENT = {"timeout": 20.0}  # encodes beside it may leave the database no core for a while
EXPIRES_MINUTES = 0.05


@dataclass(frozen=True)
class Taken:
    """One film, whose worker was killed. ``before``: attempts until then; ``seconds`` until the
    other worker had taken it up."""

    before: int
    seconds: float
    video: Video
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
    async with silent_worker(site.parts.settings, fake) as process:
        yield process


async def taken_over(
    site: WorkSite,
    clip: ClipFacts,
    first: AbstractAsyncContextManager[asyncio.subprocess.Process],
    second: AbstractAsyncContextManager[asyncio.subprocess.Process],
    longest: float = LONGEST,
) -> Taken:
    """One worker encodes, and another one comes and looks for work; then the first is killed."""
    async with first as killed:
        video_id = await site.ingest(clip)

        async def encoding() -> bool:
            return bool(site.encoders()) and (await site.video(video_id)).attempts == 1

        await until(encoding)
        async with second:

            async def both_look() -> bool:
                return len(await site.parts.workers.alive(MINUTES)) > 1

            await until(both_look)
            before = (await site.video(video_id)).attempts
            killed.kill()
            began = time.monotonic()
            await until_true(lambda: not site.encoders())

            async def taken_up() -> bool:
                return (await site.video(video_id)).attempts > before

            await until(taken_up, seconds=longest * 4)
            seconds = time.monotonic() - began
            video = await site.ended(video_id)
            await until_true(lambda: not site.left_over(video))
    return Taken(before, seconds, video, site.left_over(video))


def misses(name: str, found: Taken, longest: float = LONGEST) -> list[str]:
    checks = {
        f"ready: {found.video.error}": found.video.status is ProcessingStatus.READY,
        f"nobody took it from who had it: {found.before}": found.before == 1,
        f"published once, {found.video.attempts}": found.video.attempts == 2,
        f"taken up within {longest:g} s: {found.seconds:.1f}": found.seconds <= longest,
        f"nothing left behind: {found.left}": not found.left,
    }
    return [f"{name}: {text}" for text, holds in checks.items() if not holds]


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
        "One worker's clock is wrong, another one's is right. One of them is killed over a film "
        "while the other one looks for work: first the one whose clock is right, then the other.",
        ("clock", "killed", "status", "attempts", "taken up after s", "left behind"),
    )
    clip = film(folder, width=960, height=540, seconds=20)

    async def one(offset: str, killed: str, services: Services) -> Taken:
        place = folder / f"{offset}-{killed}"
        async with work_site(place, services, media=SLOW, mongo=PATIENT) as site:
            right, wrong = silent_worker(site.parts.settings), wrong_worker(site, offset)
            first, second = (right, wrong) if killed == "right" else (wrong, right)
            return await taken_over(site, clip, first, second)

    cases = [(offset, killed) for killed in ("right", "wrong") for offset in OFFSETS]
    with services_for_tests(folder / "services") as services:
        found: list[Taken] = []
        for start in range(0, len(cases), len(OFFSETS)):  # all clocks at the same time
            some = cases[start : start + len(OFFSETS)]
            found += await asyncio.gather(*(one(*case, services) for case in some))
        is_refused = await expires(folder / "tokens", services)
    for (offset, killed), taken in zip(cases, found, strict=True):
        outcome.rows.append(
            (
                offset,
                killed,
                str(taken.video.status),
                str(taken.video.attempts),
                f"{taken.seconds:.1f}",
                str(len(taken.left)),
            )
        )
        outcome.misses += misses(f"{offset}, {killed}", taken)
    once = sum((taken.before, taken.video.attempts) == (1, 2) for taken in found)
    ready = sum(taken.video.status is ProcessingStatus.READY for taken in found)
    outcome.figures = [
        all_of("D10 films ready, by workers of wrong clocks and right ones", ready, len(cases)),
        all_of("D10 published once, and not taken away before", once, len(cases)),
        at_most("D10 taken up after, at most", max(one.seconds for one in found), LONGEST, "s"),
        all_of("D10 expired tokens refused", int(is_refused), 1),
    ]
    return outcome
