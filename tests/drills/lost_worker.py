"""D1: the worker is killed at a tenth, at half and at nine tenths of an encode."""

import asyncio
import time
from dataclasses import dataclass
from pathlib import Path

from tests.benchmarks.rows import at_most
from tests.clips.spec import ClipFacts
from tests.drills.report import Outcome, all_of
from tests.drills.work import WorkSite, film, pictures, silent_worker, work_site
from tests.services import Services, services_for_tests
from tests.videoflix.waiting import until, until_true
from videoflix.models import ProcessingStatus, Video

PERCENT = (10, 50, 90)
SLOW = {"preset": "medium"}  # so that there is time to kill it
LONGEST = 35.0  # seconds until another worker has the job: the lease and a poll


@dataclass(frozen=True)
class Figures:
    """``taken_up`` in seconds after the kill, ``counts`` pictures of each rendition."""

    killed_at: int
    taken_up: float
    video: Video
    counts: dict[str, int]
    left: list[str]


async def kill_at(site: WorkSite, clip: ClipFacts, percent: int) -> Figures:
    """Encode; kill the worker there; a second worker, which ran all the time, takes over."""
    settings = site.parts.settings
    video_id = await site.ingest(clip)
    async with silent_worker(settings) as first:
        await site.at_percent(video_id, percent)
        killed_at = (await site.video(video_id)).progress
        async with silent_worker(settings):
            first.kill()
            killed = time.monotonic()
            await until_true(lambda: not site.encoders())

            async def taken_up() -> bool:
                return (await site.video(video_id)).attempts == 2

            await until(taken_up, seconds=LONGEST * 3)
            seconds = time.monotonic() - killed
            video = await site.ended(video_id)
            counts = {}
            if video.status is ProcessingStatus.READY:
                counts = await asyncio.to_thread(pictures, site.title(video))
            await until_true(lambda: not site.left_over(video))
    return Figures(killed_at, seconds, video, counts, site.left_over(video))


def misses(percent: int, found: Figures, clip: ClipFacts, *, longest: float = LONGEST) -> list[str]:
    checks = {
        f"ready ({found.video.status}: {found.video.error})": found.video.status
        is ProcessingStatus.READY,
        "killed before the end": found.killed_at < 100,
        f"taken up within {longest:g} s": found.taken_up <= longest,
        f"{clip.frames} pictures in every rendition": set(found.counts.values()) == {clip.frames},
        f"nothing left behind: {found.left}": not found.left,
    }
    return [f"{percent} %: {text}" for text, holds in checks.items() if not holds]


async def _in_a_site(folder: Path, services: Services, clip: ClipFacts, percent: int) -> Figures:
    async with work_site(folder / str(percent), services, media=SLOW) as site:
        return await kill_at(site, clip, percent)


async def drill(folder: Path) -> Outcome:
    outcome = Outcome(
        "kill -9 of the worker during an encode; three encodes at the same time.",
        ("killed at %", "ready", "attempts", "taken up after s", "pictures", "left behind"),
    )
    clip = film(folder, width=960, height=540, seconds=30)
    with services_for_tests(folder / "services") as services:
        found = await asyncio.gather(
            *(_in_a_site(folder, services, clip, percent) for percent in PERCENT)
        )
    for percent, figures in zip(PERCENT, found, strict=True):
        outcome.rows.append(
            (
                f"{figures.killed_at}",
                str(figures.video.status),
                str(figures.video.attempts),
                f"{figures.taken_up:.1f}",
                ", ".join(f"{name} {count}" for name, count in figures.counts.items()),
                str(len(figures.left)),
            )
        )
        outcome.misses += misses(percent, figures, clip)
    whole = sum(set(figures.counts.values()) == {clip.frames} for figures in found)
    outcome.figures = [
        all_of("D1 ready with all pictures after kill -9 of the worker", whole, len(PERCENT)),
        at_most("D1 taken up after, at most", max(f.taken_up for f in found), LONGEST, "s"),
        at_most("D1 temporary files left", sum(len(f.left) for f in found), 0, ""),
    ]
    return outcome
