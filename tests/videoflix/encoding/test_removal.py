"""Films that are deleted, at whatever moment, leave nothing behind, also where who deletes them, or
who is at work on them, is killed in between."""

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
from videoflix.adapters.mongo.positions import MongoPositionStore
from videoflix.adapters.mongo.removals import MongoRemovalStore
from videoflix.errors import NotFound
from videoflix.models import ChunkSpec, DeletedVideo
from videoflix.ports import SegmentKey
from videoflix.settings import Settings

SECONDS = 10.0  # a renewal comes every 2 s at the latest


@pytest.fixture
async def parts(settings: Settings) -> AsyncIterator[Parts]:
    async with open_parts(settings) as opened:
        yield opened


def left(parts: Parts) -> list[str]:
    """Everything under the storage root but empty folders and the cache's locks."""
    root = parts.settings.storage.root
    files = [path for path in root.rglob("*") if path.is_file() and ".locks" not in path.parts]
    return sorted(str(path.relative_to(root)) for path in files)


def fill(parts: Parts, video_id: int) -> None:
    """What many a process may leave of a film."""
    output = parts.media.open_workspace(video_id, "a" * 32) / "output"
    output.mkdir()
    (output / "480p.mp4").write_bytes(b"track")
    parts.media.install_title(output, video_id, "a" * 32)
    (parts.media.open_workspace(video_id, "b" * 32) / "half").write_bytes(b"track")
    parts.media.install_thumbnail(parts.media.title(video_id, "a" * 32) / "480p.mp4", video_id)
    plan = parts.settings.storage.root / "plan"
    plan.mkdir()
    (plan / "plan.json").write_bytes(b"plan")
    parts.part_store.install_plan(plan, video_id, "plan")
    parts.cache.put(SegmentKey(video_id, "a" * 32, "480p", 0), b"segment")


async def test_r47_deleted_midway_it_leaves_no_child_and_no_file(parts: Parts) -> None:
    """R47"""
    video_id = await add(parts, "hang")
    job = asyncio.create_task(parts.encoding.run(await claimed(parts), asyncio.Event()))
    pid = await encoder_started(parts, video_id)
    await parts.removal.delete(video_id)
    assert await parts.videos.find(video_id) is None
    await asyncio.wait_for(job, SECONDS)
    assert not is_running(pid)
    assert left(parts) == []
    assert await parts.encoding.claim("tester") is None
    with pytest.raises(NotFound):
        await parts.removal.delete(video_id)


async def test_r47_whatever_there_is_of_a_film_goes_and_others_stay(parts: Parts) -> None:
    """R47"""
    other, video_id = await add(parts, "ready"), await add(parts, "ready")
    kept = await run(parts)
    before = left(parts)
    positions = MongoPositionStore(parts.database)
    await run(parts)
    fill(parts, video_id)
    await parts.chunks.begin(video_id, "plan", [ChunkSpec("side", 0, 1)])
    for film in (other, video_id):
        await positions.put(7, film, 1000)
    assert len(left(parts)) > len(before) + 5
    await parts.removal.delete(video_id)
    assert left(parts) == [name for name in before if not name.startswith(f"sources/{video_id}/")]
    assert await parts.chunks.list(video_id, "plan") == []
    assert await positions.find(7, video_id) is None
    assert await positions.find(7, other) == 1000
    assert await record(parts, other) == kept
    assert titles(parts, other) == [kept.generation]


async def test_r47_a_deletion_that_was_interrupted_is_completed(parts: Parts) -> None:
    """R47: killed right after the one write that counts."""
    video_id = await add(parts, "ready")
    await run(parts)
    fill(parts, video_id)
    assert await MongoRemovalStore(parts.database).delete(video_id)
    assert await parts.videos.list_ready() == []
    assert len(left(parts)) > 5
    await parts.encoding.tidy()
    assert left(parts) == []


async def test_r47_what_comes_late_goes_with_the_next_sweep(parts: Parts) -> None:
    """R47: of a worker that was stopped in the middle, or a server that still cut a segment."""
    video_id = await add(parts, "ready")
    await parts.removal.delete(video_id)
    fill(parts, video_id)
    await parts.encoding.tidy()
    assert left(parts) == []
    assert await parts.removal.sweep(0.0) == 1
    assert await parts.removal.sweep(0.0) == 0
    # Without a note nobody is sure that the film was deleted: it may be the database.
    fill(parts, video_id)
    await parts.encoding.tidy()
    assert parts.media.title(video_id, "a" * 32).exists()


async def test_a_published_film_is_deleted_while_it_is_encoded_again(parts: Parts) -> None:
    """R39 R47: what was made under the lost lease is not published, and not kept."""
    video_id = await add(parts, "ready", "wait", "ready")
    await run(parts)
    await parts.control.encode_again(video_id)
    before = await parts.lists.now()
    job = asyncio.create_task(parts.encoding.run(await claimed(parts), asyncio.Event()))
    pid = await encoder_started(parts, video_id, 1)
    await parts.removal.delete(video_id)
    await asyncio.wait_for(job, SECONDS)
    assert not is_running(pid)
    assert left(parts) == []
    [change] = await parts.lists.changed_since(before)
    assert isinstance(change, DeletedVideo)
    assert change.id == video_id
