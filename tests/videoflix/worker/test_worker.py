"""Worker processes that are killed, stopped, cut off from Redis and from the database."""

import json
import os
import signal
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack

import pytest

from tests.videoflix.parts import Parts, open_parts, with_worker
from tests.videoflix.relay import relayed
from tests.videoflix.waiting import is_running, until, until_true
from tests.videoflix.worker.processes import own_redis, stop, worker_process
from videoflix.models import ProcessingStatus, Video, VideoDetails
from videoflix.settings import Settings

SHORT = {"lease": 1.5, "poll": 0.2}
NEVER_POLLS = {"lease": 30.0, "poll": 60.0}


@pytest.fixture
async def parts(settings: Settings) -> AsyncIterator[Parts]:
    async with open_parts(with_worker(settings, **SHORT)) as opened:
        yield opened


async def add(parts: Parts, *acts: str) -> int:
    async with parts.uploads.receive() as incoming:
        await incoming.write(json.dumps({"acts": acts}).encode())
        return (await incoming.accept(VideoDetails("A film"))).id


async def ended(parts: Parts, video_id: int) -> Video:
    """The record once it is ready or failed."""

    async def look() -> Video | None:
        video = await parts.videos.find(video_id)
        assert video is not None
        is_over = video.status in (ProcessingStatus.READY, ProcessingStatus.FAILED)
        return video if is_over else None

    return await until(look)


async def encoders(parts: Parts, video_id: int, count: int = 1) -> list[int]:
    """Ids of the encoder processes of a video so far, once there are ``count``."""
    runs = parts.media.source(video_id).with_name("runs")

    async def look() -> list[int] | None:
        pids = [int(line) for line in runs.read_text().split()] if runs.exists() else []
        return pids if len(pids) >= count else None

    return await until(look)


def titles(parts: Parts, video_id: int) -> list[str]:
    folder = parts.settings.storage.root / "titles" / str(video_id)
    return sorted(path.name for path in folder.iterdir())


async def test_films_are_encoded_one_after_the_other(parts: Parts) -> None:
    ids = [await add(parts, "ready") for _ in range(3)]
    async with worker_process(parts.settings):
        for video_id in ids:
            video = await ended(parts, video_id)
            assert (video.status, video.attempts) == (ProcessingStatus.READY, 1)


async def test_killed_worker_takes_its_encoder_along_and_the_film_is_ready_once(
    parts: Parts,
) -> None:
    """R38 R43"""
    video_id = await add(parts, "hang", "ready")
    async with worker_process(parts.settings) as first:
        [encoder] = await encoders(parts, video_id)
        first.kill()
        await first.wait()
        await until_true(lambda: not is_running(encoder))
        async with worker_process(parts.settings):
            video = await ended(parts, video_id)
    assert (video.status, video.attempts) == (ProcessingStatus.READY, 2)
    assert titles(parts, video_id) == [video.generation]
    assert len(await encoders(parts, video_id)) == 2


async def test_stopped_worker_gives_its_job_back(settings: Settings) -> None:
    """R43: with a lease so long that only giving it back lets another worker begin."""
    async with open_parts(with_worker(settings, lease=3600, poll=0.2)) as parts:
        video_id = await add(parts, "hang", "ready")
        async with worker_process(parts.settings) as first:
            [encoder] = await encoders(parts, video_id)
            assert await stop(first, seconds=10) == 0
            assert not is_running(encoder)
        video = await parts.videos.find(video_id)
        assert video is not None
        assert (video.status, video.attempts) == (ProcessingStatus.PENDING, 0)
        assert await parts.encoding.live_workers() == []
        async with worker_process(parts.settings):
            assert (await ended(parts, video_id)).attempts == 1


async def test_r47_deleted_midway_a_film_leaves_the_worker_to_others(parts: Parts) -> None:
    """R47"""
    deleted = await add(parts, "hang")
    async with worker_process(parts.settings) as worker:
        [encoder] = await encoders(parts, deleted)
        await parts.removal.delete(deleted)
        await until_true(lambda: not is_running(encoder))
        other = await add(parts, "ready")
        assert (await ended(parts, other)).status is ProcessingStatus.READY
        assert worker.returncode is None
    root = parts.settings.storage.root
    left = {path.name for name in ("sources", "titles") for path in (root / name).iterdir()}
    assert left == {str(other)}


async def test_idle_worker_stops_at_once(parts: Parts) -> None:
    async with worker_process(parts.settings) as worker:
        await until(parts.encoding.live_workers)
        assert await stop(worker, seconds=10) == 0
    assert await parts.encoding.live_workers() == []


async def test_encoder_that_crashes_five_times_costs_the_worker_nothing(parts: Parts) -> None:
    """R36 R42"""
    bad, good = await add(parts, "crash"), await add(parts, "ready")
    async with worker_process(parts.settings) as worker:
        video = await ended(parts, bad)
        assert (video.status, video.attempts) == (ProcessingStatus.FAILED, 5)
        assert video.error == "The encoder crashed (SIGSEGV). Given up after 5 attempts."
        assert (await ended(parts, good)).status is ProcessingStatus.READY
        [seen] = await parts.encoding.live_workers()
        assert (seen.pid, worker.returncode) == (worker.pid, None)
    assert len(await encoders(parts, bad, 5)) == 5


async def test_two_workers_make_each_film_once(parts: Parts) -> None:
    """R39"""
    ids = [await add(parts, "ready") for _ in range(10)]
    async with worker_process(parts.settings), worker_process(parts.settings):
        videos = [await ended(parts, video_id) for video_id in ids]
    assert {(video.status, video.attempts) for video in videos} == {(ProcessingStatus.READY, 1)}
    assert [len(await encoders(parts, video_id)) for video_id in ids] == [1] * len(ids)


async def test_suspended_worker_finds_its_lease_gone_and_publishes_nothing(parts: Parts) -> None:
    """R38 R39: SIGSTOP for longer than the lease is what a frozen machine looks like."""
    video_id = await add(parts, "hang", "ready")
    async with worker_process(parts.settings) as first:
        [encoder] = await encoders(parts, video_id)
        first.send_signal(signal.SIGSTOP)
        async with worker_process(parts.settings):
            video = await ended(parts, video_id)
            first.send_signal(signal.SIGCONT)
            await until_true(lambda: not is_running(encoder))
            assert await parts.videos.find(video_id) == video
            assert titles(parts, video_id) == [video.generation]
            assert first.returncode is None


async def test_a_worker_that_would_not_look_for_a_minute_is_there_when_a_pause_ends(
    settings: Settings,
) -> None:
    """Nobody rings for it, and the next poll is far away (R38: a lost lease is the same)."""
    changed = with_worker(settings, **NEVER_POLLS)
    async with open_parts(changed) as parts:
        video_id = await add(parts, "ready")
        lease = await parts.videos.claim("somebody else", 600, 5)
        assert lease is not None
        await parts.videos.give_back(lease, "later", pause=4, spent=True)
        async with worker_process(changed):
            video = await ended(parts, video_id)
            assert (video.status, video.attempts) == (ProcessingStatus.READY, 2)


async def test_the_doorbell_wakes_a_worker_that_would_not_look_for_a_minute(
    settings: Settings,
) -> None:
    changed = with_worker(settings, **NEVER_POLLS)
    async with open_parts(changed) as parts, worker_process(changed):
        await until(parts.encoding.live_workers)
        for _ in range(2):
            video = await ended(parts, await add(parts, "ready"))
            assert video.status is ProcessingStatus.READY


async def test_redis_down_at_upload_and_at_work_costs_only_the_poll(settings: Settings) -> None:
    """R40 R41"""
    async with AsyncExitStack() as stack:
        redis = await stack.enter_async_context(own_redis())
        changed = with_worker(settings.model_copy(update={"redis": redis.settings}), **SHORT)
        parts = await stack.enter_async_context(open_parts(changed))
        worker = await stack.enter_async_context(worker_process(changed))
        await until(parts.encoding.live_workers)
        await redis.kill()
        first = await add(parts, "ready")
        assert (await ended(parts, first)).status is ProcessingStatus.READY
        await redis.start()
        second = await add(parts, "ready")
        assert (await ended(parts, second)).status is ProcessingStatus.READY
        assert worker.returncode is None


async def test_worker_hears_again_after_redis_was_killed_and_started_empty(
    settings: Settings,
) -> None:
    """R40: without any help of the poll."""
    async with AsyncExitStack() as stack:
        redis = await stack.enter_async_context(own_redis())
        changed = with_worker(settings.model_copy(update={"redis": redis.settings}), **NEVER_POLLS)
        parts = await stack.enter_async_context(open_parts(changed))
        worker = await stack.enter_async_context(worker_process(changed))
        await until(parts.encoding.live_workers)
        await redis.kill()
        await redis.start()
        video_id = await add(parts, "ready")
        assert (await ended(parts, video_id)).status is ProcessingStatus.READY
        assert worker.returncode is None


async def test_worker_outlives_its_database(settings: Settings) -> None:
    """R49"""
    async with relayed(settings.mongo.uri) as (relay, uri), open_parts(settings) as parts:
        mongo = settings.mongo.model_copy(update={"uri": uri, "timeout": 0.5})
        theirs = with_worker(settings.model_copy(update={"mongo": mongo}), **SHORT)
        async with worker_process(theirs) as worker:
            await until(parts.encoding.live_workers)
            await relay.cut()
            video_id = await add(parts, "ready")
            await relay.mend()
            assert (await ended(parts, video_id)).status is ProcessingStatus.READY
            assert worker.returncode is None


async def test_stop_is_quick_also_when_the_database_is_away(settings: Settings) -> None:
    """R43"""
    async with relayed(settings.mongo.uri) as (relay, uri), open_parts(settings) as parts:
        mongo = settings.mongo.model_copy(update={"uri": uri})
        theirs = with_worker(settings.model_copy(update={"mongo": mongo}), **SHORT)
        video_id = await add(parts, "hang")
        async with worker_process(theirs) as worker:
            [encoder] = await encoders(parts, video_id)
            await relay.cut()
            assert await stop(worker, seconds=10) == 0
            assert not is_running(encoder)


async def test_worker_sweeps_abandoned_uploads(parts: Parts) -> None:
    """R30"""
    abandoned = parts.settings.storage.root / "uploads" / "abandoned"
    abandoned.write_bytes(b"half a film")
    os.utime(abandoned, (1, 1))
    async with parts.uploads.receive() as incoming:
        await incoming.write(b"x")
        async with worker_process(parts.settings):
            await until_true(lambda: not abandoned.exists())
    assert list(abandoned.parent.iterdir()) == []
