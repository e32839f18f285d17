"""Jobs from claim to end: ready once, failed with a reason, given back, or lost without a trace."""

import asyncio
import json
import sys
from collections.abc import AsyncIterator

import pytest

from tests.videoflix.encoding.jobs import add, claimed, encoder_started, record, run, titles
from tests.videoflix.parts import Parts, open_parts, with_worker
from tests.videoflix.relay import relayed
from tests.videoflix.waiting import is_running, until, until_true
from videoflix.encoding.service import growing_pause
from videoflix.errors import Conflict, NotFound
from videoflix.models import ProcessingStatus, VideoDetails
from videoflix.settings import Settings


@pytest.fixture
async def parts(settings: Settings) -> AsyncIterator[Parts]:
    async with open_parts(settings) as opened:
        yield opened


async def test_published_title_has_its_folder_its_picture_and_its_record(parts: Parts) -> None:
    """R46"""
    video_id = await add(parts, "ready")
    source = parts.media.source(video_id).read_bytes()
    video = await run(parts)
    assert (video.status, video.progress, video.error) == (ProcessingStatus.READY, 100, "")
    assert video.frames == 5  # as the encoder said last, however soon it ended
    assert video.generation is not None
    assert titles(parts, video_id) == [video.generation]
    title = parts.media.title(video_id, video.generation)
    assert sorted(path.name for path in title.iterdir()) == ["manifest.json", "thumbnail.jpg"]
    assert parts.media.thumbnail(video_id).read_bytes() == b"picture of run 0"
    assert parts.media.source(video_id).read_bytes() == source
    assert await parts.encoding.claim("tester") is None


async def test_own_thumbnail_stays(parts: Parts) -> None:
    video_id = await parts.videos.next_id()
    own = VideoDetails("Own picture")
    await parts.videos.add(video_id, own, source_size=1, has_own_thumbnail=True)
    parts.media.source(video_id).parent.mkdir()
    parts.media.source(video_id).write_text(json.dumps({"acts": ["ready"]}))
    parts.media.thumbnail(video_id).write_bytes(b"own")
    assert (await run(parts)).status is ProcessingStatus.READY
    assert parts.media.thumbnail(video_id).read_bytes() == b"own"


async def test_what_cannot_be_encoded_fails_at_once_with_the_reason(parts: Parts) -> None:
    """R42 R46"""
    video_id = await add(parts, "refuse")
    video = await run(parts)
    assert (video.status, video.error) == (ProcessingStatus.FAILED, "It says refuse.")
    assert video.attempts == 1
    assert titles(parts, video_id) == []
    assert parts.media.source(video_id).exists()
    assert await parts.encoding.claim("tester") is None


async def test_r48_encodes_wait_below_the_floor(settings: Settings, parts: Parts) -> None:
    """R48: no attempt is used up by it, and they begin when there is room."""
    video_id = await add(parts, "ready")
    floor = settings.storage.model_copy(update={"free_floor": 1 << 60})
    async with open_parts(settings.model_copy(update={"storage": floor})) as full:
        assert await full.encoding.claim("tester") is None
        assert await full.encoding.claim_chunk("tester") is None
    video = await record(parts, video_id)
    assert (video.status, video.attempts) == (ProcessingStatus.PENDING, 0)
    assert (await run(parts)).status is ProcessingStatus.READY


async def test_trouble_is_tried_again_and_told_meanwhile(parts: Parts) -> None:
    """R42"""
    video_id = await add(parts, "trouble", "crash", "ready")
    for reason in ("It says trouble.", "The encoder crashed (SIGSEGV)."):
        video = await run(parts)
        assert (video.status, video.error) == (ProcessingStatus.PENDING, reason)
    video = await run(parts)
    assert (video.status, video.error, video.attempts) == (ProcessingStatus.READY, "", 3)
    assert titles(parts, video_id) == [video.generation]


async def test_five_crashes_end_as_failed_and_the_admin_can_retry(parts: Parts) -> None:
    """R36 R42"""
    video_id = await add(parts, *["crash"] * 5, "ready")
    for _ in range(4):
        assert (await run(parts)).status is ProcessingStatus.PENDING
    with pytest.raises(Conflict):
        await parts.control.retry(video_id)
    video = await run(parts)
    assert (video.status, video.attempts) == (ProcessingStatus.FAILED, 5)
    assert video.error == "The encoder crashed (SIGSEGV). Given up after 5 attempts."
    assert (await parts.control.retry(video_id)).status is ProcessingStatus.PENDING
    assert (await run(parts)).status is ProcessingStatus.READY
    with pytest.raises(NotFound):
        await parts.control.retry(99)


def test_pauses_grow_and_end_somewhere() -> None:
    """R42"""
    assert [growing_pause(attempt) for attempt in (1, 2, 3, 4, 100)] == [10, 20, 40, 80, 3600]


async def test_a_failed_attempt_rests_before_the_next(settings: Settings) -> None:
    """R42"""
    async with open_parts(settings, pause=growing_pause) as parts:
        await add(parts, "trouble")
        assert (await run(parts)).status is ProcessingStatus.PENDING
        assert await parts.encoding.claim("tester") is None


async def test_stop_kills_the_encoder_and_gives_the_job_back(parts: Parts) -> None:
    """R43"""
    video_id = await add(parts, "hang", "ready")
    lease, stop = await claimed(parts), asyncio.Event()
    job = asyncio.create_task(parts.encoding.run(lease, stop))
    pid = await encoder_started(parts, video_id)
    stop.set()
    await job
    assert not is_running(pid)
    video = await record(parts, video_id)
    assert (video.status, video.attempts, video.error) == (ProcessingStatus.PENDING, 0, "")
    assert titles(parts, video_id) == []
    assert (await run(parts)).status is ProcessingStatus.READY


async def test_progress_is_recorded_while_it_goes_on_and_never_goes_back(
    settings: Settings,
) -> None:
    async with open_parts(with_worker(settings, lease=1)) as parts:
        video_id = await add(parts, "hang")
        lease, stop = await claimed(parts), asyncio.Event()
        job = asyncio.create_task(parts.encoding.run(lease, stop))

        async def has_progress() -> bool:
            return (await record(parts, video_id)).progress > 0

        await until(has_progress)
        assert (await record(parts, video_id)).progress == 40
        # The lease has been renewed for longer than it was given.
        moment = lease.expires_at

        async def is_past() -> bool:
            return await parts.database.now() > moment

        await until(is_past)
        assert await parts.encoding.claim("second") is None
        stop.set()
        await job


async def test_worker_that_lost_its_lease_is_stopped_and_leaves_nothing(
    settings: Settings,
) -> None:
    """R39"""
    async with open_parts(with_worker(settings, lease=1)) as parts:
        video_id = await add(parts, "hang")
        lease = await claimed(parts)
        job = asyncio.create_task(parts.encoding.run(lease, asyncio.Event()))
        pid = await encoder_started(parts, video_id)
        # What a claim after a long pause of this worker does.
        await parts.database.collection("videos").update_one(
            {"_id": video_id}, {"$set": {"token": "another's", "holder": "another"}}
        )
        await job
        assert not is_running(pid)
        assert titles(parts, video_id) == []
        assert (await record(parts, video_id)).status is ProcessingStatus.PROCESSING


async def test_two_workers_with_one_job_publish_once(settings: Settings) -> None:
    """R39: the second claims while the first, which did not renew, still encodes."""
    async with open_parts(with_worker(settings, lease=3600)) as parts:
        video_id = await add(parts, "hang", "ready")
        first = await claimed(parts)
        late = asyncio.create_task(parts.encoding.run(first, asyncio.Event()))
        pid = await encoder_started(parts, video_id)
        await parts.database.collection("videos").update_one(
            {"_id": video_id}, {"$set": {"claimable_at": await parts.database.now()}}
        )
        video = await run(parts)
        assert (video.status, video.attempts) == (ProcessingStatus.READY, 2)
        await late
        assert not is_running(pid)
        assert titles(parts, video_id) == [video.generation]
        assert await record(parts, video_id) == video


async def test_deleted_during_its_encode_leaves_nothing(settings: Settings) -> None:
    """R47"""
    async with open_parts(with_worker(settings, lease=1)) as parts:
        video_id = await add(parts, "hang")
        job = asyncio.create_task(parts.encoding.run(await claimed(parts), asyncio.Event()))
        await encoder_started(parts, video_id)
        await parts.database.collection("videos").delete_one({"_id": video_id})
        await job
        assert titles(parts, video_id) == []


async def test_leftovers_of_dead_attempts_go_with_the_next_claim(parts: Parts) -> None:
    """R38"""
    video_id = await add(parts, "ready")
    dead = parts.media.open_workspace(video_id, "dead")
    (dead / "output").mkdir()
    parts.media.open_workspace(video_id, "unpublished")
    parts.media.title(video_id, "unpublished").mkdir()
    video = await run(parts)
    assert titles(parts, video_id) == [video.generation]


async def test_an_encoder_that_promises_what_it_did_not_write_fails(settings: Settings) -> None:
    liar = (sys.executable, "-c", """print('{"event": "done"}')""")
    async with open_parts(settings, encoder=liar) as parts:
        video_id = await add(parts, "ready")
        video = await run(parts)
        assert video.status is ProcessingStatus.PENDING
        assert "could not be read or written" in video.error
        assert titles(parts, video_id) == []


async def test_database_away_at_the_end_of_an_encode_costs_nothing(settings: Settings) -> None:
    """R49"""
    async with relayed(settings.mongo.uri) as (relay, uri):
        mongo = settings.mongo.model_copy(update={"uri": uri, "timeout": 0.5})
        changed = with_worker(settings.model_copy(update={"mongo": mongo}), lease=1)
        async with open_parts(changed) as parts:
            video_id = await add(parts, "wait", "ready")
            job = asyncio.create_task(parts.encoding.run(await claimed(parts), asyncio.Event()))
            await encoder_started(parts, video_id)
            await relay.cut()
            parts.media.source(video_id).with_name("go").touch()
            title = parts.settings.storage.root / "titles" / str(video_id)
            await until_true(lambda: any(not p.name.startswith(".") for p in title.iterdir()))
            assert not job.done()
            await relay.mend()
            await job
            video = await record(parts, video_id)
            assert (video.status, video.attempts) == (ProcessingStatus.READY, 1)
            assert titles(parts, video_id) == [video.generation]
