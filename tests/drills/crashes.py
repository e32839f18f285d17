"""D2: the encoder dies of SIGSEGV, each time it is tried."""

import os
import signal
import time
from contextlib import suppress
from pathlib import Path

from tests.drills.report import Outcome, all_of
from tests.drills.work import WorkSite, film, silent_worker, work_site
from tests.services import services_for_tests
from tests.videoflix.waiting import is_running, until, until_true
from videoflix.models import ProcessingStatus, Video

ATTEMPTS = 5
LONGEST_PAUSE = 80.0


async def crash(site: WorkSite, video_id: int, attempt: int) -> float:
    """Let attempt number ``attempt`` begin, and end its encoder with SIGSEGV; returns when."""

    async def begun() -> bool:
        video = await site.video(video_id)
        return video.attempts == attempt and video.status is ProcessingStatus.PROCESSING

    try:
        await until(begun, seconds=LONGEST_PAUSE * 2)
    except TimeoutError as error:
        raise AssertionError(
            f"attempt {attempt} does not begin: {await site.video(video_id)}"
        ) from error

    async def running() -> list[int]:
        return site.encoders()

    # One look: a process that is becoming another program has no command line for a moment.
    for pid in await until(running):
        with suppress(ProcessLookupError):
            os.kill(pid, signal.SIGSEGV)
    await until_true(lambda: not site.encoders())
    return time.monotonic()


def _misses(video: Video, *, same_worker: bool, left: list[str]) -> list[str]:
    checks = {
        "the worker is the same process": same_worker,
        f"failed ({video.status})": video.status is ProcessingStatus.FAILED,
        f"{ATTEMPTS} attempts ({video.attempts})": video.attempts == ATTEMPTS,
        f"the reason says so: {video.error}": "crashed (SIGSEGV)" in video.error,
        f"nothing left behind: {left}": not left,
    }
    return [text for text, holds in checks.items() if not holds]


async def drill(folder: Path) -> Outcome:
    outcome = Outcome(
        "SIGSEGV in the encoder, five times; the pauses between are real.",
        ("attempt", "pause before s"),
    )
    clip = film(folder, width=960, height=540, seconds=40)
    with services_for_tests(folder / "services") as services:
        async with (
            work_site(folder, services, media={"preset": "medium"}) as site,
            silent_worker(site.parts.settings) as worker,
        ):
            video_id = await site.ingest(clip)
            before = time.monotonic()
            for attempt in range(1, ATTEMPTS + 1):
                now = await crash(site, video_id, attempt)
                outcome.rows.append((str(attempt), f"{now - before:.1f}"))
                before = now
            video = await site.ended(video_id)
            same = worker.returncode is None and is_running(worker.pid)
            outcome.misses = _misses(video, same_worker=same, left=site.left_over(video))
    outcome.figures = [
        all_of("D2 attempts with a crash each", video.attempts, ATTEMPTS),
        all_of("D2 then failed with a reason, the worker alive", int(not outcome.misses), 1),
    ]
    outcome.title += f" Then: {video.status}, {video.error!r}; worker's pid unchanged: {same}."
    return outcome
