"""The records of a film's parts: one lease at a time, fenced, by the database's clock; and the
folders of parts."""

from collections.abc import AsyncIterator
from datetime import datetime
from pathlib import Path

import pytest

from tests.videoflix.parts import Parts, open_parts
from tests.videoflix.waiting import until
from videoflix.adapters.part_store import LocalPartStore
from videoflix.errors import LeaseLost
from videoflix.models import Chunk, ChunkLease, ChunkSpec, ChunkStatus, VideoDetails
from videoflix.settings import Settings

LONG = 600.0
PLAN = "plan-a"
SIDE, FIRST, LAST = (
    ChunkSpec("side", 0, 1),
    ChunkSpec("pictures", 0, 9),
    ChunkSpec("pictures", 1, 9, waits=True),
)
SPECS = (SIDE, FIRST, LAST)


@pytest.fixture
async def parts(settings: Settings) -> AsyncIterator[Parts]:
    async with open_parts(settings) as opened:
        yield opened


async def film(parts: Parts) -> int:
    """A film that is being encoded in parts."""
    video_id = await parts.videos.next_id()
    await parts.videos.add(video_id, VideoDetails("A film"), source_size=7, has_own_thumbnail=False)
    assert await parts.videos.claim("owner", LONG, 5) is not None
    await parts.chunks.begin(video_id, PLAN, SPECS)
    return video_id


async def claimed(parts: Parts, seconds: float = LONG, attempts: int = 5) -> ChunkLease:
    lease = await parts.chunks.claim("helper", seconds, attempts)
    assert lease is not None
    return lease


async def chunk(parts: Parts, video_id: int, index: int) -> Chunk:
    return (await parts.chunks.list(video_id, PLAN))[index]


async def renew(parts: Parts, lease: ChunkLease) -> None:
    await parts.chunks.renew(lease, LONG, share=0.5, frames=40, speed=2.0)


async def past(parts: Parts, moment: datetime) -> None:
    async def is_past() -> bool:
        return await parts.database.now() > moment

    await until(is_past)


async def test_parts_are_claimed_once_in_order_and_what_waits_is_not(parts: Parts) -> None:
    """R39"""
    video_id = await film(parts)
    leases = [await claimed(parts), await claimed(parts)]
    assert [(lease.index, lease.spec, lease.attempt) for lease in leases] == [
        (0, SIDE, 1),
        (1, FIRST, 1),
    ]
    assert await parts.chunks.claim("third", LONG, 5) is None
    await parts.chunks.release(video_id, PLAN, 450)
    last = await claimed(parts)
    assert (last.spec, last.frames) == (LAST, 450)
    assert await parts.chunks.claim("owner", LONG, 5, video_id) is None


async def test_progress_and_the_end_of_a_part_are_recorded(parts: Parts) -> None:
    video_id = await film(parts)
    lease = await claimed(parts)
    await renew(parts, lease)
    found = await chunk(parts, video_id, 0)
    assert (found.status, found.holder, found.share) == (ChunkStatus.RUNNING, "helper", 0.5)
    assert (found.frames, found.speed) == (40, 2.0)
    await parts.chunks.finish(lease, "folder")
    await parts.chunks.finish(lease, "folder")
    found = await chunk(parts, video_id, 0)
    assert (found.status, found.share, found.folder) == (ChunkStatus.DONE, 1.0, "folder")
    # The same plan again: an owner that was lost is followed by another.
    await parts.chunks.begin(video_id, PLAN, SPECS)
    assert await chunk(parts, video_id, 0) == found
    await parts.chunks.reset(video_id, PLAN, 0)
    assert (await claimed(parts)).attempt == 2


async def test_a_part_that_failed_is_tried_anew_with_the_film(parts: Parts) -> None:
    """R42: nobody may have come to clear it away before an admin tries the film again."""
    video_id = await film(parts)
    lease = await claimed(parts)
    await parts.chunks.fail(lease, "No.")
    assert (await chunk(parts, video_id, 0)).status is ChunkStatus.FAILED
    await parts.chunks.begin(video_id, PLAN, SPECS)
    again = await claimed(parts)
    assert (again.index, again.attempt) == (0, 1)


async def test_a_part_whose_lease_ran_out_is_claimed_again_and_the_old_one_fenced_off(
    parts: Parts,
) -> None:
    """R38 R39"""
    video_id = await film(parts)
    old = await claimed(parts, seconds=0.1)
    await past(parts, old.expires_at)
    new = await claimed(parts)
    assert (new.index, new.attempt) == (0, 2)
    for call in (
        renew(parts, old),
        parts.chunks.finish(old, "old"),
        parts.chunks.fail(old, "No."),
        parts.chunks.give_back(old, "", pause=0, spent=False),
    ):
        with pytest.raises(LeaseLost):
            await call
    await parts.chunks.finish(new, "new")
    assert (await chunk(parts, video_id, 0)).folder == "new"


async def test_attempts_are_counted_and_used_up(parts: Parts) -> None:
    """R42"""
    video_id = await film(parts)
    await parts.chunks.give_back(await claimed(parts), "", pause=0, spent=False)
    lease = await claimed(parts)
    assert lease.attempt == 1
    await parts.chunks.give_back(lease, "Trouble.", pause=LONG, spent=True)
    found = await chunk(parts, video_id, 0)
    assert (found.status, found.reason, found.attempts) == (ChunkStatus.WAITING, "Trouble.", 1)
    lost = await claimed(parts, seconds=0.1, attempts=1)
    assert lost.index == 1
    await past(parts, lost.expires_at)
    assert await parts.chunks.claim("helper", LONG, 1) is None
    found = await chunk(parts, video_id, 1)
    assert found.status is ChunkStatus.FAILED
    assert "lost" in found.reason


async def test_only_parts_of_films_that_are_encoded_are_worked_on(parts: Parts) -> None:
    """R43"""
    first, second = await film(parts), await film(parts)
    lease = await claimed(parts)
    assert lease.video_id == first
    await parts.videos.cancel(first, "No more.")
    with pytest.raises(LeaseLost):
        await renew(parts, lease)
    assert (await claimed(parts)).video_id == second
    await parts.chunks.withdraw(second)
    assert {found.status for found in await parts.chunks.list(second, PLAN)} == {
        ChunkStatus.WAITING,
        ChunkStatus.BLOCKED,
    }


async def test_records_go_with_their_plan_and_finished_ones_may_stay(parts: Parts) -> None:
    video_id = await film(parts)
    await parts.chunks.begin(video_id, "plan-b", SPECS[:1])
    assert await parts.chunks.list(video_id, PLAN) == []
    await parts.chunks.finish(await claimed(parts), "folder")
    await parts.chunks.drop(video_id, keep_finished=True)
    assert len(await parts.chunks.list(video_id, "plan-b")) == 1
    await parts.chunks.drop(video_id, keep_finished=False)
    assert await parts.chunks.list(video_id, "plan-b") == []


def test_folders_of_parts(tmp_path: Path) -> None:
    store = LocalPartStore(tmp_path)
    assert not store.films()
    with pytest.raises(FileNotFoundError):
        store.open_workspace(3, PLAN, "a")  # not without its plan
    (tmp_path / "made").mkdir()
    (tmp_path / "again").mkdir()
    store.install_plan(tmp_path / "made", 3, PLAN)
    (store.plan(3, PLAN) / "plan.json").touch()
    store.install_plan(tmp_path / "again", 3, PLAN)
    assert (store.plan(3, PLAN) / "plan.json").exists()
    workspace = store.open_workspace(3, PLAN, "a")
    (workspace / "output").mkdir()
    store.install_part(workspace / "output", 3, PLAN, "part-a")
    store.close_workspace(3, PLAN, "a")
    assert not workspace.exists()
    assert store.part(3, PLAN, "part-a").is_dir()
    assert not store.is_whole(3, PLAN)
    store.mark_whole(3, PLAN)
    assert store.is_whole(3, PLAN)
    assert not store.part(3, PLAN, "part-a").exists()
    (tmp_path / "parts" / "3" / "plan-b").mkdir()
    store.discard(3, keep=PLAN)
    assert [path.name for path in (tmp_path / "parts" / "3").iterdir()] == [PLAN]
    assert set(store.films()) == {3}
    store.discard(3)
    store.discard(3)
    assert list((tmp_path / "parts").iterdir()) == []
