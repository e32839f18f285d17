"""The drills of encoding in small, with real processes, in every test run."""

from pathlib import Path

from tests.clips.fixtures import ClipCache
from tests.drills import full_disk, lost_queue, lost_worker, wrong_clock
from tests.drills.work import silent_worker, work_site
from tests.services import Services
from tests.videoflix.worker.processes import own_redis
from videoflix.models import ProcessingStatus

LEASE = 3.0


async def test_d1_a_worker_is_killed_and_another_one_takes_over(
    tmp_path: Path, services: Services, clip_cache: ClipCache
) -> None:
    clip = clip_cache.clip(width=960, height=540, seconds=20)
    worker = {"lease": LEASE, "poll": 0.2}
    async with work_site(tmp_path, services, worker=worker) as site:
        found = await lost_worker.kill_at(site, clip, 10)
    assert lost_worker.misses(10, found, clip, longest=3 * LEASE) == []


async def test_d3_redis_goes_away_and_comes_back_empty(
    tmp_path: Path, services: Services, clip_cache: ClipCache
) -> None:
    clip = clip_cache.clip(width=320, height=180, seconds=2)
    async with (
        own_redis() as redis,
        work_site(tmp_path, services, redis=lost_queue.address_of(redis)) as site,
    ):
        found = await lost_queue.go_through(site, tmp_path, redis, clip, films=2, seconds=1.0)
    assert found.answers == {201: 2}
    assert [video.status for video in found.videos] == [ProcessingStatus.READY] * 2
    assert [video.attempts for video in found.videos] == [1, 1]
    assert found.left == []


async def test_d6_no_truncated_file_is_published(
    tmp_path: Path, services: Services, clip_cache: ClipCache
) -> None:
    clip = clip_cache.clip(width=320, height=180, seconds=2)
    worker = {"max_attempts": 1, "poll": 0.2}
    async with (
        work_site(tmp_path, services, worker=worker) as site,
        silent_worker(site.parts.settings) as process,
    ):
        whole = full_disk.largest_file(site, await site.ended(await site.ingest(clip)))
        for share in (0.1, 0.999):
            video = await full_disk.limited(site, clip, process.pid, int(whole * share))
            assert full_disk.misses(share, video, site.left_over(video)) == []


async def test_d10_a_clock_that_is_wrong_takes_no_film_away_and_finds_those_that_are_lost(
    tmp_path: Path, services: Services, clip_cache: ClipCache
) -> None:
    clip = clip_cache.clip(width=960, height=540, seconds=20)
    worker = {"lease": LEASE, "poll": 0.2}
    async with work_site(tmp_path, services, worker=worker) as site:
        right, wrong = silent_worker(site.parts.settings), wrong_clock.wrong_worker(site, "+2h")
        found = await wrong_clock.taken_over(site, clip, right, wrong)
    assert wrong_clock.misses("small", found) == []
