"""What is deleted, and when: sources that were given up, generations that were replaced, what dead
attempts left behind. And what is not."""

import asyncio
import json
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
from tests.videoflix.waiting import until
from videoflix.encoding.leftovers import Leftovers
from videoflix.errors import Conflict
from videoflix.models import ProcessingStatus, VideoDetails
from videoflix.offload import Offload
from videoflix.settings import Settings


@pytest.fixture
async def parts(settings: Settings) -> AsyncIterator[Parts]:
    async with open_parts(settings) as opened:
        yield opened


def without_sources(settings: Settings) -> Settings:
    media = settings.media.model_copy(update={"keep_source": False})
    return settings.model_copy(update={"media": media})


def leftovers(parts: Parts) -> Leftovers:
    return Leftovers(parts.leftovers, parts.media, parts.cache, Offload(parts.disk))


async def test_sources_stay_unless_the_settings_say_otherwise(parts: Parts) -> None:
    """R46"""
    video_id = await add(parts, "ready")
    assert (await run(parts)).has_source
    await parts.encoding.tidy()
    assert parts.media.source(video_id).exists()


async def test_a_source_goes_once_its_film_is_ready_and_never_before(settings: Settings) -> None:
    """R46"""
    async with open_parts(without_sources(settings)) as parts:
        failed, ready = await add(parts, "refuse"), await add(parts, "trouble", "ready")
        await run(parts)
        video = await run(parts)
        await parts.encoding.tidy()
        assert (video.status, video.has_source) == (ProcessingStatus.PENDING, True)
        assert parts.media.source(failed).exists()
        assert parts.media.source(ready).exists()
        video = await run(parts)
        assert (video.status, video.has_source) == (ProcessingStatus.READY, False)
        assert not parts.media.source(ready).parent.exists()
        assert titles(parts, ready) == [video.generation]
        assert parts.media.source(failed).exists()
        await parts.control.retry(failed)


async def test_a_crash_between_publication_and_deletion_is_made_good_later(
    settings: Settings,
) -> None:
    """R46: the record was written, then the worker died."""
    async with open_parts(without_sources(settings)) as parts:
        published, waiting = await add(parts, "ready"), await add(parts, "ready")
        lease = await claimed(parts)
        await parts.videos.publish(lease, lease.token, keep_source=False)
        assert parts.media.source(published).exists()
        assert await parts.encoding.tidy() == 1
        assert not parts.media.source(published).exists()
        assert parts.media.source(waiting).exists()
        assert await parts.encoding.tidy() == 0


async def test_films_that_were_ready_before_the_setting_changed_keep_their_sources(
    parts: Parts, settings: Settings
) -> None:
    """R46"""
    old = await add(parts, "ready")
    await run(parts)
    async with open_parts(without_sources(settings)) as later:
        new = await add(later, "ready")
        await run(later)
        await later.encoding.tidy()
        assert later.media.source(old).exists()
        assert not later.media.source(new).exists()


async def test_without_its_source_a_film_is_not_tried_again(settings: Settings) -> None:
    async with open_parts(without_sources(settings)) as parts:
        video_id = await add(parts, "ready")
        await run(parts)
        await parts.database.collection("videos").update_one(
            {"_id": video_id}, {"$set": {"status": "failed"}}
        )
        with pytest.raises(Conflict, match="no longer kept"):
            await parts.control.retry(video_id)


async def test_a_replaced_generation_can_be_played_for_a_while(parts: Parts) -> None:
    video_id = await add(parts, "ready")
    old = (await run(parts)).generation
    await parts.control.encode_again(video_id)
    new = (await run(parts)).generation
    assert old is not None
    assert new is not None
    assert titles(parts, video_id) == sorted([old, new])
    await parts.encoding.tidy()
    assert titles(parts, video_id) == sorted([old, new])
    # Also when the film is encoded once more within that time.
    await parts.control.encode_again(video_id)
    newest = (await run(parts)).generation
    assert newest is not None
    assert titles(parts, video_id) == sorted([old, new, newest])

    async def swept() -> bool:
        await leftovers(parts).sweep(0.01)
        return titles(parts, video_id) == [newest]

    await until(swept)
    assert await leftovers(parts).sweep(0.01) == 0


async def test_no_sweep_touches_what_another_worker_is_making(parts: Parts) -> None:
    """R39: a worker that published is done with the video; another one is at it again."""
    video_id = await add(parts, "ready", "wait", "ready")
    await run(parts)
    await parts.control.encode_again(video_id)
    lease = await claimed(parts)
    job = asyncio.create_task(parts.encoding.run(lease, asyncio.Event()))
    await encoder_started(parts, video_id, 1)
    await leftovers(parts).sweep(0)
    await leftovers(parts).clear(video_id)
    parts.media.source(video_id).with_name("go").touch()
    await job
    video = await record(parts, video_id)
    assert (video.status, video.generation, video.attempts) == (
        ProcessingStatus.READY,
        lease.token,
        1,
    )


async def test_a_worker_that_wakes_up_late_deletes_nothing_that_is_published(
    parts: Parts,
) -> None:
    """R39: it was stopped right after its claim, and others have published since."""
    video_id = await add(parts, "ready")
    late = await claimed(parts)
    await parts.database.collection("videos").update_one(
        {"_id": video_id}, {"$set": {"claimable_at": await parts.database.now()}}
    )
    video = await run(parts)
    assert video.generation is not None
    await parts.encoding.run(late, asyncio.Event())
    assert titles(parts, video_id) == [video.generation]
    assert await record(parts, video_id) == video


async def test_what_a_killed_worker_left_of_a_cancelled_film_goes(parts: Parts) -> None:
    """R46: nobody will be at it again; a published encode and the source stay."""
    video_id = await add(parts, "ready")
    published = (await run(parts)).generation
    assert published is not None
    await parts.control.encode_again(video_id)
    first = await claimed(parts)
    parts.media.open_workspace(video_id, first.token)
    output = parts.media.open_workspace(video_id, "f" * 32) / "output"
    output.mkdir()
    parts.media.install_title(output, video_id, "f" * 32)
    await parts.encoding.tidy()
    assert len(titles(parts, video_id)) == 4  # somebody may be at it: its next claim clears them
    await parts.videos.fail(first, "No.")
    assert await parts.encoding.tidy() == 2
    assert titles(parts, video_id) == [published]
    assert parts.media.source(video_id).exists()
    assert await parts.encoding.tidy() == 0


async def test_titles_without_a_record_are_left_alone(parts: Parts) -> None:
    """R46: a database that lost its records is not to cost the films as well."""
    video_id = await add(parts, "ready")
    published = (await run(parts)).generation
    await parts.database.collection("videos").delete_one({"_id": video_id})
    assert await parts.encoding.tidy() == 0
    assert titles(parts, video_id) == [published]


async def test_a_source_of_a_film_that_is_not_ready_is_never_deleted(parts: Parts) -> None:
    """R46: whatever else its record says."""
    video_id = await parts.videos.next_id()
    await parts.videos.add(video_id, VideoDetails("A"), source_size=1, has_own_thumbnail=False)
    parts.media.source(video_id).parent.mkdir()
    parts.media.source(video_id).write_text(json.dumps({"acts": ["ready"]}))
    await parts.database.collection("videos").update_one(
        {"_id": video_id}, {"$set": {"has_source": False, "source_to_delete": True}}
    )
    await parts.encoding.tidy()
    assert parts.media.source(video_id).exists()
