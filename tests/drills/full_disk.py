"""D6: a file of the title cannot become larger than a share of its size (RLIMIT_FSIZE)."""

import resource
from pathlib import Path

from tests.benchmarks.rows import at_most
from tests.clips.spec import ClipFacts
from tests.drills.report import Outcome, all_of
from tests.drills.work import WorkSite, film, silent_worker, work_site
from tests.services import services_for_tests
from videoflix.models import ProcessingStatus, Video

SHARES = (0.02, 0.1, 0.5, 0.97, 0.999)
FIELDS = {"width": 640, "height": 360, "seconds": 6}


async def limited(site: WorkSite, clip: ClipFacts, worker: int, largest: int) -> Video:
    """Encode with the limit on the worker, whose children inherit it; lifted afterwards."""
    _, hard = resource.prlimit(worker, resource.RLIMIT_FSIZE)
    resource.prlimit(worker, resource.RLIMIT_FSIZE, (largest, hard))
    try:
        return await site.ended(await site.ingest(clip))
    finally:
        resource.prlimit(worker, resource.RLIMIT_FSIZE, (hard, hard))


def largest_file(site: WorkSite, video: Video) -> int:
    return max(path.stat().st_size for path in site.title(video).iterdir())


def misses(share: float, video: Video, left: list[str]) -> list[str]:
    checks = {
        f"failed ({video.status})": video.status is ProcessingStatus.FAILED,
        "nothing is published": video.generation is None,
        f"the reason is plain: {video.error}": "larg" in video.error,
        f"nothing left behind: {left}": not left,
    }
    return [f"{share:.1%}: {text}" for text, holds in checks.items() if not holds]


async def drill(folder: Path) -> Outcome:
    outcome = Outcome(
        "The largest file of an encode stops at a share of its size.",
        ("share", "bytes", "status", "published", "left behind", "reason"),
    )
    clip = film(folder, **FIELDS)
    with services_for_tests(folder / "services") as services:
        async with (
            work_site(folder, services, worker={"max_attempts": 1}) as site,
            silent_worker(site.parts.settings) as worker,
        ):
            whole = largest_file(site, await site.ended(await site.ingest(clip)))
            for share in SHARES:
                bound = int(whole * share)
                video = await limited(site, clip, worker.pid, bound)
                left = site.left_over(video)
                published = "no" if video.generation is None else "yes"
                outcome.rows.append(
                    (
                        f"{share:.1%}",
                        f"{bound}",
                        video.status,
                        published,
                        str(len(left)),
                        video.error,
                    )
                )
                outcome.misses += misses(share, video, left)
            cut_off = sum(row[3] == "yes" for row in outcome.rows)
            outcome.figures = [
                at_most(f"D6 cut-off files published, of {len(SHARES)}", cut_off, 0, ""),
                all_of("D6 failed in plain words", len(SHARES) - len(outcome.misses), len(SHARES)),
            ]
            last = await site.ended(await site.ingest(clip))
            if last.status is not ProcessingStatus.READY:
                outcome.misses.append(f"without the limit it is ready: {last.error}")
    return outcome
