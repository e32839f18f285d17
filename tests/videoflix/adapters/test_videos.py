"""The jobs' state in the database: one lease at a time, fenced, by the database's clock."""

import asyncio
from collections.abc import AsyncIterator
from datetime import datetime

import pytest

from tests.videoflix.parts import Parts, open_parts
from tests.videoflix.waiting import until
from videoflix.adapters.mongo.migrations import MIGRATIONS, migrate, rewind
from videoflix.errors import DatabaseUnavailable, LeaseLost
from videoflix.models import (
    EncodeProgress,
    Lease,
    ProcessingStatus,
    VideoDetails,
    VideoQuery,
)
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
        await parts.videos.renew(old, LONG, EncodeProgress(percent=50))
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


async def test_the_next_job_is_due_when_its_lease_or_its_pause_ends(parts: Parts) -> None:
    assert await parts.videos.due_in() is None
    await add(parts)
    assert await parts.videos.due_in() == 0
    first = await claimed(parts, 900)
    await add(parts)
    second = await claimed(parts, LONG)
    due = await parts.videos.due_in()
    assert due is not None
    assert LONG - 60 < due <= LONG
    await parts.videos.give_back(second, "once more", pause=300, spent=True)
    due = await parts.videos.due_in()
    assert due is not None
    assert 240 < due <= 300
    await parts.videos.fail(first, "no")
    await parts.videos.cancel(second.video_id, "no")
    assert await parts.videos.due_in() is None


async def test_renewal_keeps_the_lease_and_progress_never_goes_back(parts: Parts) -> None:
    await add(parts)
    lease = await claimed(parts, seconds=0.2)
    renewed = await parts.videos.renew(lease, LONG, EncodeProgress("encode", 40.9, 500, 2.0, 60))
    assert renewed.expires_at > lease.expires_at
    await parts.videos.renew(renewed, LONG, EncodeProgress("encode", 30, 400, 1.5, 50))
    await past(parts, lease.expires_at)
    assert await parts.videos.claim("second", LONG, 5) is None
    video = await parts.videos.find(lease.video_id)
    assert video is not None
    assert (video.progress, video.frames) == (40, 500)
    assert (video.stage, video.speed, video.seconds_left) == ("encode", 1.5, 50)


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


@pytest.mark.parametrize("is_replaced", [False, True])
async def test_publication_may_be_repeated_whatever_has_become_of_the_film_since(
    parts: Parts, *, is_replaced: bool
) -> None:
    """Its answer was lost, and somebody has had the film encoded again meanwhile."""
    await add(parts)
    lease = await claimed(parts)
    await parts.videos.publish(lease, "generation")
    assert await parts.videos.encode_again(lease.video_id)
    if is_replaced:
        await parts.videos.publish(await claimed(parts), "newer")
    await parts.videos.publish(lease, "generation")
    with pytest.raises(LeaseLost):
        await parts.videos.publish(lease, "another")
    video = await parts.videos.find(lease.video_id)
    assert video is not None
    assert video.generation == ("newer" if is_replaced else "generation")


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


async def reencoding(parts: Parts, video_id: int) -> Lease:
    """What an encode of a film that is ready begins with."""
    await parts.database.collection("videos").update_one(
        {"_id": video_id},
        {"$set": {"status": "pending", "claimable_at": await parts.database.now()}},
    )
    return await claimed(parts)


async def test_a_cancelled_job_is_failed_and_fenced_off(parts: Parts) -> None:
    """R39 R43"""
    video_id = await add(parts)
    lease = await claimed(parts)
    video = await parts.videos.cancel(video_id, "No more.")
    assert video is not None
    assert (video.status, video.error) == (ProcessingStatus.FAILED, "No more.")
    with pytest.raises(LeaseLost):
        await parts.videos.renew(lease, LONG, EncodeProgress())
    with pytest.raises(LeaseLost):
        await parts.videos.publish(lease, lease.token)
    with pytest.raises(LeaseLost):
        await parts.videos.give_back(lease, "", pause=0, spent=False)
    assert await parts.videos.claim("w", LONG, 5) is None
    assert await parts.videos.cancel(video_id, "Again.") is None
    assert await parts.videos.cancel(99, "Nobody.") is None


async def test_a_waiting_job_is_cancelled_too(parts: Parts) -> None:
    video_id = await add(parts)
    video = await parts.videos.cancel(video_id, "No more.")
    assert video is not None
    assert video.status is ProcessingStatus.FAILED
    assert await parts.videos.claim("w", LONG, 5) is None
    again = await parts.videos.retry(video_id)
    assert again is not None
    assert (await claimed(parts)).video_id == video_id


async def test_a_cancelled_encode_of_a_published_film_leaves_what_is_published(
    parts: Parts,
) -> None:
    video_id = await add(parts)
    await parts.videos.publish(await claimed(parts), "old")
    lease = await reencoding(parts, video_id)
    video = await parts.videos.cancel(video_id, "No more.")
    assert video is not None
    assert (video.status, video.generation, video.error, video.progress) == (
        ProcessingStatus.READY,
        "old",
        "",
        100,
    )
    with pytest.raises(LeaseLost):
        await parts.videos.publish(lease, "new")
    assert await parts.videos.cancel(video_id, "Again.") is None


async def test_the_reason_of_the_last_failure_stays_until_an_attempt_succeeds(
    parts: Parts,
) -> None:
    """R42"""
    video_id = await add(parts)
    await parts.videos.give_back(await claimed(parts), "Trouble.", pause=0, spent=True)
    video = await parts.videos.find(video_id)
    assert video is not None
    assert (video.error, video.last_failure) == ("Trouble.", "Trouble.")
    assert video.next_attempt_at is not None
    lease = await claimed(parts)
    video = await parts.videos.find(video_id)
    assert video is not None
    assert (video.error, video.last_failure, video.next_attempt_at) == ("", "Trouble.", None)
    await parts.videos.publish(lease, lease.token)
    video = await parts.videos.find(video_id)
    assert video is not None
    assert video.last_failure == ""


async def test_a_replaced_generation_is_remembered_until_it_is_forgotten(parts: Parts) -> None:
    video_id = await add(parts)
    await parts.videos.publish(await claimed(parts), "old")
    assert await parts.leftovers.replaced(0) == []
    lease = await reencoding(parts, video_id)
    assert set(await parts.leftovers.generations_of(video_id)) == {"old", lease.token}
    await parts.videos.publish(lease, "new")
    await parts.videos.publish(lease, "new")
    assert set(await parts.leftovers.generations_of(video_id)) == {"old", "new"}
    assert await parts.leftovers.replaced(LONG) == []

    async def is_due() -> bool:
        return list(await parts.leftovers.replaced(0.01)) == [(video_id, "old")]

    await until(is_due)
    await parts.leftovers.forget_replaced(video_id, "old")
    assert await parts.leftovers.replaced(0) == []
    assert set(await parts.leftovers.generations_of(video_id)) == {"new"}
    assert set(await parts.leftovers.generations_of(99)) == set()


async def test_a_source_is_given_up_by_the_write_that_publishes(parts: Parts) -> None:
    """R46"""
    kept, given_up, failed = await add(parts), await add(parts), await add(parts)
    await parts.videos.publish(await claimed(parts), "a")
    lease = await claimed(parts)
    assert await parts.leftovers.given_up_sources() == []
    await parts.videos.publish(lease, "b", keep_source=False)
    await parts.videos.fail(await claimed(parts), "No.")
    assert await parts.leftovers.given_up_sources() == [given_up]
    found = {id_: await parts.videos.find(id_) for id_ in (kept, given_up, failed)}
    assert {id_: video and video.has_source for id_, video in found.items()} == {
        kept: True,
        given_up: False,
        failed: True,
    }
    await parts.leftovers.forget_source(given_up)
    assert await parts.leftovers.given_up_sources() == []
    # However it came to fail, without its source it is not tried again.
    await parts.database.collection("videos").update_one(
        {"_id": given_up}, {"$set": {"status": "failed"}}
    )
    assert await parts.videos.retry(given_up) is None


async def test_lists_for_admins(parts: Parts) -> None:
    ids = [await add(parts) for _ in range(5)]
    before = await parts.lists.now()
    await parts.videos.publish(await claimed(parts), "a")
    await parts.videos.fail(await claimed(parts), "No.")
    await claimed(parts)
    everything = await parts.lists.page(VideoQuery(), skip=0, limit=3)
    assert (everything.count, [video.id for video in everything.videos]) == (5, [5, 4, 3])
    rest = await parts.lists.page(VideoQuery(), skip=3, limit=3)
    assert (rest.count, [video.id for video in rest.videos]) == (5, [2, 1])
    failed = VideoQuery(status=ProcessingStatus.FAILED)
    assert (await parts.lists.page(failed, skip=0, limit=3)).count == 1
    assert await parts.lists.ids(failed, limit=9) == [2]
    assert await parts.lists.ids(VideoQuery(), limit=2) == ids[:2]
    assert [video.id for video in await parts.lists.unfinished()] == [3, 4, 5]
    changed = await parts.lists.changed_since(before, limit=9)
    assert [video.id for video in changed if video.updated_at > before] == [1, 2, 3]
    assert len(await parts.lists.changed_since(before, limit=1)) == 1


async def test_a_record_from_before_there_were_more_fields_is_read(parts: Parts) -> None:
    video_id = await add(parts)
    new = ("stage", "frames", "speed", "seconds_left", "last_failure", "has_source")
    await parts.database.collection("videos").update_one(
        {"_id": video_id}, {"$unset": dict.fromkeys(new, "")}
    )
    await rewind(parts.database, 1)
    await migrate(parts.database, MIGRATIONS)
    video = await parts.videos.find(video_id)
    assert video is not None
    assert (video.stage, video.seconds_left, video.has_source) == ("", None, True)
    await parts.videos.fail(await claimed(parts), "No.")
    assert await parts.videos.retry(video_id) is not None
