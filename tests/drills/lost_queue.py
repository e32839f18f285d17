"""D3: Redis is killed, and comes back empty, while films are uploaded and encoded."""

import asyncio
import time
from collections import Counter
from collections.abc import AsyncIterator, Mapping
from contextlib import ExitStack, asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
from redis.asyncio import Redis

from tests.benchmarks.rows import at_most
from tests.clips.spec import ClipFacts
from tests.commands import Running, run, running
from tests.drills.report import Outcome, all_of
from tests.drills.work import WorkSite, film, silent_worker, work_site
from tests.handlers.site import PASSWORD, login
from tests.services import services_for_tests
from tests.videoflix.waiting import until
from tests.videoflix.worker.processes import OwnRedis, environment, own_redis
from videoflix.adapters.doorbell import QUEUE, ArqDoorbell
from videoflix.models import ProcessingStatus, Video

FILMS = 20
AWAY_SECONDS = 60.0
BACK_SECONDS = 5.0
ADMIN = "admin@example.com"


@dataclass
class Figures:
    """``back_after``: seconds from Redis's return until the worker heard a ring."""

    answers: Counter[int] = field(default_factory=Counter)
    back_after: float = 0.0
    videos: list[Video] = field(default_factory=list)
    left: list[str] = field(default_factory=list)


def address_of(redis: OwnRedis) -> Mapping[str, Any]:
    """The settings of section redis."""
    return {"url": redis.settings.url, "timeout": redis.settings.timeout}


def _serve(site: WorkSite, folder: Path, stack: ExitStack) -> Running:
    settings = environment(site.parts.settings)
    made = run("createadmin", "--password-stdin", ADMIN, root=folder / "admin", extra=settings,
               stdin=PASSWORD + "\n")  # fmt: skip
    assert made.returncode == 0, made.stderr
    return stack.enter_context(running("serve", root=folder / "serve", extra=settings))


@asynccontextmanager
async def admin_client(site: WorkSite, folder: Path) -> AsyncIterator[httpx.AsyncClient]:
    """An admin who has signed in at a server process of its own."""
    with ExitStack() as stack:
        serve = await asyncio.to_thread(_serve, site, folder, stack)
        url = (await asyncio.to_thread(serve.line, r"^Videoflix listens on (http://\S+)"))[1]
        async with httpx.AsyncClient(base_url=f"{url}/api/", trust_env=False, timeout=60) as client:
            await login(client, ADMIN)
            yield client


async def upload(client: httpx.AsyncClient, clip: ClipFacts, number: int) -> httpx.Response:
    with clip.path.open("rb") as file:
        return await client.post(
            "admin/videos/",
            data={"title": f"Film {number}", "category": "Drama"},
            files={"file": ("film.mp4", file, "video/mp4")},
            headers={"X-CSRFToken": client.cookies["csrftoken"]},
        )


async def heard(site: WorkSite) -> None:
    """Ring, and wait until a worker has taken the ring from the queue."""
    redis_settings = site.parts.settings.redis
    doorbell = ArqDoorbell(redis_settings)
    try:
        await doorbell.ring(0)
        async with Redis.from_url(redis_settings.url.get_secret_value()) as redis:

            async def taken() -> bool:
                return bool(await redis.zcard(QUEUE) == 0)

            await until(taken)
    finally:
        await doorbell.aclose()


async def go_through(
    site: WorkSite, folder: Path, redis: OwnRedis, clip: ClipFacts, *, films: int, seconds: float
) -> Figures:
    """Upload films evenly over ``seconds`` without Redis; it comes back; all are encoded."""
    found = Figures()
    ids: list[int] = []
    async with admin_client(site, folder) as client, silent_worker(site.parts.settings):
        await heard(site)
        await redis.kill()
        began = time.monotonic()
        for number in range(films):
            await asyncio.sleep(max(0, began + number * seconds / films - time.monotonic()))
            response = await upload(client, clip, number)
            found.answers[response.status_code] += 1
            ids.append(response.json()["id"])
        await asyncio.sleep(max(0, began + seconds - time.monotonic()))
        await redis.start()
        back = time.monotonic()
        await heard(site)
        found.back_after = time.monotonic() - back
        found.videos = [await site.ended(video_id) for video_id in ids]
        found.left = [line for video in found.videos for line in site.left_over(video)]
    return found


def misses(found: Figures, films: int) -> list[str]:
    ready = [video for video in found.videos if video.status is ProcessingStatus.READY]
    checks = {
        f"every upload is 201: {dict(found.answers)}": found.answers == {201: films},
        f"{films} of {films} ready: {len(ready)}": len(ready) == films,
        "each in one attempt": all(video.attempts == 1 for video in ready),
        f"the worker is back within {BACK_SECONDS:g} s": found.back_after <= BACK_SECONDS,
        f"nothing left behind: {found.left}": not found.left,
    }
    return [text for text, holds in checks.items() if not holds]


async def drill(folder: Path) -> Outcome:
    outcome = Outcome(
        f"Redis is away for {AWAY_SECONDS:g} s and comes back empty; films are uploaded meanwhile.",
        ("uploads", "answers", "ready", "in one attempt", "worker back after s"),
    )
    clip = film(folder, width=320, height=180, seconds=2)
    with services_for_tests(folder / "services") as services:
        async with (
            own_redis() as redis,
            work_site(folder, services, redis=address_of(redis)) as site,
        ):
            found = await go_through(site, folder, redis, clip, films=FILMS, seconds=AWAY_SECONDS)
    ready = [video for video in found.videos if video.status is ProcessingStatus.READY]
    once = sum(1 for video in ready if video.attempts == 1)
    outcome.rows.append(
        (
            str(FILMS),
            str(dict(found.answers)),
            str(len(ready)),
            str(once),
            f"{found.back_after:.1f}",
        )
    )
    outcome.misses = misses(found, FILMS)
    outcome.figures = [
        all_of("D3 uploads answered with 201 without Redis", found.answers[201], FILMS),
        all_of("D3 ready once", once, FILMS),
        at_most("D3 worker hears Redis again after", found.back_after, BACK_SECONDS, "s"),
    ]
    return outcome
