"""The jobs' state in the database: one lease at a time, fenced, by the database's clock."""

import asyncio
from collections.abc import AsyncIterator
from datetime import datetime

import pytest

from tests.videoflix.parts import Parts, open_parts
from tests.videoflix.waiting import until
from videoflix.errors import DatabaseUnavailable, LeaseLost
from videoflix.models import Lease, ProcessingStatus, VideoDetails
from videoflix.settings import Settings

LONG = 600.0


@pytest.fixture
async def parts(settings: Settings) -> AsyncIterator[Parts]:
    async with open_parts(settings) as opened:
        yield opened


async def add(parts: Parts, title: str = "A film") -> int:
    video_id = await parts.videos.next_id()
    details = VideoDetails(title, "About it", "Drama")
    await parts.videos.add(video_id, details, source_size=7, has_own_thumbnail=False)
    return video_id


async def claimed(parts: Parts, seconds: float = LONG, attempts: int = 5) -> Lease:
    lease = await parts.videos.claim("tester", seconds, attempts)
    assert lease is not None
    return lease


async def past(parts: Parts, moment: datetime) -> None:
    """Wait until the database's clock is past the moment."""

    async def is_past() -> bool:
        return await parts.database.now() > moment

    await until(is_past)


async def test_ids_count_from_one_and_are_given_once(parts: Parts) -> None:
    ids = await asyncio.gather(*(parts.videos.next_id() for _ in range(30)))
    assert sorted(ids) == list(range(1, 31))


async def test_record_as_it_was_added(parts: Parts) -> None:
    video_id = await add(parts)
    video = await parts.videos.find(video_id)
    assert video is not None
    assert (video.title, video.description, video.category) == ("A film", "About it", "Drama")
    assert video.status is ProcessingStatus.PENDING
    assert (video.progress, video.attempts, video.error) == (0, 0, "")
    assert video.generation is None
    assert video.created_at.utcoffset() is not None
    assert await parts.videos.find(video_id + 1) is None


async def test_twenty_parallel_claims_of_one_video_give_one_lease(parts: Parts) -> None:
    """R39"""
    video_id = await add(parts)
    claims = await asyncio.gather(*(parts.videos.claim(f"w{n}", LONG, 5) for n in range(20)))
    leases = [lease for lease in claims if lease is not None]
    assert [lease.video_id for lease in leases] == [video_id]
    video = await parts.videos.find(video_id)
    assert video is not None
    assert (video.status, video.attempts) == (ProcessingStatus.PROCESSING, 1)


async def test_no_two_parallel_claims_get_the_same_video(parts: Parts) -> None:
    """R39"""
    ids = {await add(parts) for _ in range(8)}
    taken: list[int] = []
    while len(taken) < len(ids):
        claims = await asyncio.gather(*(parts.videos.claim(f"w{n}", LONG, 5) for n in range(8)))
        found = [lease.video_id for lease in claims if lease is not None]
        assert found
        taken += found
    assert sorted(taken) == sorted(ids)
    assert await parts.videos.claim("late", LONG, 5) is None


async def test_the_oldest_video_is_claimed_first(parts: Parts) -> None:
    first, second = await add(parts), await add(parts)
    assert [(await claimed(parts)).video_id for _ in range(2)] == [first, second]


async def test_lease_that_ran_out_is_claimed_again_and_the_old_one_is_fenced_off(
    parts: Parts,
) -> None:
    """R38 R39"""
    video_id = await add(parts)
    old = await claimed(parts, seconds=0.05)
    new = await until(lambda: parts.videos.claim("second", LONG, 5))
    assert new.video_id == video_id
    assert (new.attempt, new.token == old.token) == (2, False)
    with pytest.raises(LeaseLost):
        await parts.videos.renew(old, LONG, 50)
    with pytest.raises(LeaseLost):
        await parts.videos.publish(old, old.token)
    with pytest.raises(LeaseLost):
        await parts.videos.fail(old, "No.")
    with pytest.raises(LeaseLost):
        await parts.videos.give_back(old, "", pause=0, spent=True)
    await parts.videos.publish(new, new.token)
    video = await parts.videos.find(video_id)
    assert video is not None
    assert (video.status, video.generation) == (ProcessingStatus.READY, new.token)


async def test_renewal_keeps_the_lease_and_progress_never_goes_back(parts: Parts) -> None:
    await add(parts)
    lease = await claimed(parts, seconds=0.2)
    renewed = await parts.videos.renew(lease, LONG, 40)
    assert renewed.expires_at > lease.expires_at
    await parts.videos.renew(renewed, LONG, 30)
    await past(parts, lease.expires_at)
    assert await parts.videos.claim("second", LONG, 5) is None
    video = await parts.videos.find(lease.video_id)
    assert video is not None
    assert video.progress == 40


async def test_publication_may_be_repeated_when_its_answer_was_lost(parts: Parts) -> None:
    await add(parts)
    lease = await claimed(parts)
    await parts.videos.publish(lease, "generation")
    await parts.videos.publish(lease, "generation")
    with pytest.raises(LeaseLost):
        await parts.videos.publish(lease, "another")
    video = await parts.videos.find(lease.video_id)
    assert video is not None
    assert (video.status, video.generation, video.progress, video.error) == (
        ProcessingStatus.READY,
        "generation",
        100,
        "",
    )


async def test_given_back_after_a_failure_waits_and_counts(parts: Parts) -> None:
    """R42"""
    await add(parts)
    await parts.videos.give_back(await claimed(parts), "Trouble.", pause=LONG, spent=True)
    video = await parts.videos.find(1)
    assert video is not None
    assert (video.status, video.error, video.attempts) == (
        ProcessingStatus.PENDING,
        "Trouble.",
        1,
    )
    assert await parts.videos.claim("second", LONG, 5) is None


async def test_given_back_by_a_stop_is_free_at_once_and_does_not_count(parts: Parts) -> None:
    """R43"""
    await add(parts)
    await parts.videos.give_back(await claimed(parts), "", pause=0, spent=False)
    assert (await claimed(parts)).attempt == 1


async def test_attempts_used_up_by_lost_workers_end_as_failed(parts: Parts) -> None:
    """R42"""
    video_id = await add(parts)
    for _ in range(2):
        await until(lambda: parts.videos.claim("killed", 0.01, 2))

    async def failed() -> bool:
        assert await parts.videos.claim("next", LONG, 2) is None
        video = await parts.videos.find(video_id)
        assert video is not None
        return video.status is ProcessingStatus.FAILED and "lost" in video.error

    assert await until(failed)


async def test_retry_gives_a_failed_video_all_its_attempts_again(parts: Parts) -> None:
    """R42"""
    video_id = await add(parts)
    assert await parts.videos.retry(video_id) is None
    await parts.videos.fail(await claimed(parts), "No video in it.")
    video = await parts.videos.find(video_id)
    assert video is not None
    assert (video.status, video.error) == (ProcessingStatus.FAILED, "No video in it.")
    assert await parts.videos.claim("w", LONG, 5) is None
    again = await parts.videos.retry(video_id)
    assert again is not None
    assert (again.status, again.error, again.attempts) == (ProcessingStatus.PENDING, "", 0)
    assert (await claimed(parts)).attempt == 1


async def test_ready_videos_are_listed_newest_first(parts: Parts) -> None:
    ids = [await add(parts) for _ in range(4)]
    for _ in ids[:3]:
        lease = await claimed(parts)
        await parts.videos.publish(lease, lease.token)
    assert [video.id for video in await parts.videos.list_ready()] == [3, 2, 1]


async def test_a_database_that_is_away_is_said_so(settings: Settings) -> None:
    async with open_parts(settings) as parts:
        dead = "mongodb://127.0.0.1:9/?directConnection=true"
        mongo = type(settings.mongo).model_validate({"uri": dead, "timeout": 0.2})
        with pytest.raises(DatabaseUnavailable):
            async with open_parts(settings.model_copy(update={"mongo": mongo})):
                pass
        assert await parts.videos.find(1) is None


async def test_workers_are_alive_until_they_say_goodbye(parts: Parts) -> None:
    await parts.workers.seen("host:1:a", "host", 1)
    await parts.workers.seen("host:1:a", "host", 1)
    await parts.workers.seen("host:2:b", "host", 2)
    assert {worker.pid for worker in await parts.workers.alive(LONG)} == {1, 2}
    await parts.workers.gone("host:1:a")
    assert [worker.holder for worker in await parts.workers.alive(LONG)] == ["host:2:b"]

    async def nobody_lately() -> bool:
        return not await parts.workers.alive(0.01)

    assert await until(nobody_lately)
