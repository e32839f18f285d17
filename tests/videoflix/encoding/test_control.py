"""What admins do with jobs: cancelled ones stop, failed ones are tried again."""

import asyncio
from collections.abc import AsyncIterator

import pytest

from tests.videoflix.encoding.jobs import (
    add,
    claimed,
    encoder_started,
    record,
    run,
    titles,
)
from tests.videoflix.parts import Parts, open_parts
from tests.videoflix.waiting import is_running
from videoflix.encoding.control import BULK_MAX, Refusal
from videoflix.errors import Conflict, NotFound
from videoflix.models import ProcessingStatus, VideoDetails
from videoflix.settings import Settings

CANCEL_SECONDS = 10.0  # a renewal comes every 2 s at the latest


@pytest.fixture
async def parts(settings: Settings) -> AsyncIterator[Parts]:
    async with open_parts(settings) as opened:
        yield opened


async def test_cancelling_kills_the_encoder_and_leaves_nothing(parts: Parts) -> None:
    """R43"""
    video_id = await add(parts, "hang", "ready")
    job = asyncio.create_task(parts.encoding.run(await claimed(parts), asyncio.Event()))
    pid = await encoder_started(parts, video_id)
    video = await parts.control.cancel(video_id)
    assert (video.status, video.error) == (ProcessingStatus.FAILED, "Cancelled by an admin.")
    await asyncio.wait_for(job, CANCEL_SECONDS)
    assert not is_running(pid)
    assert titles(parts, video_id) == []
    assert await record(parts, video_id) == video
    assert await parts.encoding.claim("tester") is None
    await parts.control.retry(video_id)
    assert (await run(parts)).status is ProcessingStatus.READY


async def test_cancelling_an_encode_of_a_ready_film_leaves_it_playing(parts: Parts) -> None:
    video_id = await add(parts, "ready", "hang")
    generation = (await run(parts)).generation
    await parts.control.encode_again(video_id)
    job = asyncio.create_task(parts.encoding.run(await claimed(parts), asyncio.Event()))
    pid = await encoder_started(parts, video_id, 1)
    video = await parts.control.cancel(video_id)
    assert (video.status, video.generation) == (ProcessingStatus.READY, generation)
    await asyncio.wait_for(job, CANCEL_SECONDS)
    assert not is_running(pid)
    assert titles(parts, video_id) == [generation]


async def test_only_what_waits_or_is_encoded_can_be_cancelled(parts: Parts) -> None:
    ready, failed = await add(parts, "ready"), await add(parts, "refuse")
    waiting = await add(parts, "ready")
    await run(parts)
    await run(parts)
    for video_id in (ready, failed):
        before = await record(parts, video_id)
        with pytest.raises(Conflict):
            await parts.control.cancel(video_id)
        assert await record(parts, video_id) == before
    with pytest.raises(NotFound):
        await parts.control.cancel(99)
    assert (await parts.control.cancel(waiting)).status is ProcessingStatus.FAILED
    assert await parts.encoding.claim("tester") is None


async def test_all_that_failed_are_tried_again_and_those_that_cannot_are_named(
    parts: Parts,
) -> None:
    ids = [await add(parts, "refuse", "ready") for _ in range(3)]
    ready = await add(parts, "ready")
    for _ in range(4):
        await run(parts)
    parts.media.source(ids[1]).unlink()
    answer = await parts.control.retry_many()
    assert answer.video_ids == (ids[0], ids[2])
    gone = "The film as it was uploaded is no longer kept; upload it again."
    assert answer.refused == (Refusal(ids[1], gone),)
    assert answer.remaining == 0
    named = await parts.control.retry_many([ready, ids[1], 99, 99])
    assert named.video_ids == ()
    assert {refusal.video_id: refusal.reason for refusal in named.refused} == {
        ready: "Only a video that has failed can be tried again.",
        ids[1]: gone,
        99: "There is no such video.",
    }
    assert (await record(parts, ids[1])).status is ProcessingStatus.FAILED
    for _ in range(2):
        assert (await run(parts)).status is ProcessingStatus.READY


async def test_a_queue_that_is_away_does_not_matter(settings: Settings) -> None:
    """R40 R41"""
    redis = type(settings.redis).model_validate({"url": "redis://127.0.0.1:9", "timeout": 0.2})
    async with open_parts(settings.model_copy(update={"redis": redis})) as parts:
        ids = [await add(parts, "refuse", "ready") for _ in range(2)]
        for _ in ids:
            await run(parts)
        assert (await parts.control.retry_many()).video_ids == tuple(ids)
        for _ in ids:
            assert (await run(parts)).status is ProcessingStatus.READY


async def test_more_than_fit_one_request_are_said_to_remain(parts: Parts) -> None:
    for _ in range(BULK_MAX + 1):
        video_id = await parts.videos.next_id()
        await parts.videos.add(video_id, VideoDetails("A"), source_size=1, has_own_thumbnail=False)
        parts.media.source(video_id).parent.mkdir()
        parts.media.source(video_id).touch()
    await parts.database.collection("videos").update_many({}, {"$set": {"status": "failed"}})
    first = await parts.control.retry_many()
    assert (len(first.video_ids), first.remaining) == (BULK_MAX, 1)
    second = await parts.control.retry_many()
    assert (second.video_ids, second.remaining) == ((BULK_MAX + 1,), 0)
