"""A long film, encoded in chunks by real workers: shared out, joined, and what a loss costs."""

import asyncio
import shutil
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack

import pytest

from media_pipeline.job import EncodeSettings
from media_pipeline.titles.title import Title
from tests.clips.fixtures import ClipCache
from tests.clips.spec import ClipFacts
from tests.media_pipeline.joined import assert_same_title
from tests.media_pipeline.titles import cached_title
from tests.videoflix.parts import Parts, open_parts, with_worker
from tests.videoflix.waiting import processes_naming, until, until_true
from tests.videoflix.worker.films import MINUTES, ended, ingest, record
from tests.videoflix.worker.processes import REAL_WORKER, worker_process
from videoflix.adapters.mongo.chunks import CHUNKS
from videoflix.adapters.mongo.database import Document
from videoflix.models import ProcessingStatus, Video
from videoflix.settings import Settings

PARTS = 5  # the sound and four chunks of the pictures


@pytest.fixture(scope="session")
def film(clip_cache: ClipCache) -> ClipFacts:
    return clip_cache.clip(width=640, height=360, seconds=16, b_frames=2, gop=40)


@pytest.fixture
async def parts(settings: Settings) -> AsyncIterator[Parts]:
    media = settings.media.model_copy(update={"preset": "superfast", "rungs": ("480p=480x270",)})
    changed = with_worker(
        settings.model_copy(update={"media": media}), lease=3.0, poll=0.2, chunk_seconds=4
    )
    async with open_parts(changed, encoder=None) as opened:
        yield opened


async def records(parts: Parts, video_id: int, **fields: str) -> list[Document]:
    found = parts.database.collection(CHUNKS).find({"video": video_id, **fields})
    return [record async for record in found.sort("index", 1)]


async def some_records(parts: Parts, video_id: int, **fields: str) -> list[Document]:
    return await until(lambda: records(parts, video_id, **fields), seconds=MINUTES)


def pid_of(record: Document) -> int:
    return int(record["holder"].split(":")[1])


def files(parts: Parts, video_id: int) -> list[str]:
    """What lies on the disk for a film beside its source and picture."""
    root = parts.settings.storage.root
    kept = (root / "titles" / str(video_id), root / "parts")
    return [str(path.relative_to(root)) for folder in kept for path in folder.glob("*")]


async def assert_published(parts: Parts, video: Video, film: ClipFacts, cache: ClipCache) -> None:
    """Ready, like a whole encode, and nothing beside it."""
    assert (video.status, video.progress, video.error) == (ProcessingStatus.READY, 100, "")
    assert video.frames == film.frames
    assert video.generation is not None
    settings = parts.settings.media.model_dump(exclude={"keep_source"})
    whole = cached_title(cache, film.path, EncodeSettings.from_json(settings))
    title = Title(parts.media.title(video.id, video.generation))
    assert_same_title(whole, title)
    await until_true(lambda: files(parts, video.id) == [f"titles/{video.id}/{video.generation}"])
    assert processes_naming(str(parts.settings.storage.root / "parts")) == []


async def test_two_workers_share_a_film_and_the_title_equals_a_whole_encode(
    parts: Parts, film: ClipFacts, clip_cache: ClipCache
) -> None:
    async with AsyncExitStack() as stack:
        workers = [
            await stack.enter_async_context(worker_process(parts.settings, REAL_WORKER))
            for _ in range(2)
        ]

        async def both() -> bool:
            return len(await parts.encoding.live_workers()) == 2

        await until(both)
        video_id = await ingest(parts, film.path)
        video = await ended(parts, video_id)
        await assert_published(parts, video, film, clip_cache)
        found = await records(parts, video_id)
        assert {pid_of(record) for record in found} == {worker.pid for worker in workers}
    assert [(record["status"], record["attempts"]) for record in found] == [("done", 1)] * PARTS
    assert [record["kind"] for record in found] == ["side"] + ["pictures"] * (PARTS - 1)
    assert video.attempts == 1


async def test_a_killed_helper_costs_one_chunk(
    parts: Parts, film: ClipFacts, clip_cache: ClipCache
) -> None:
    """R38"""
    video_id = await ingest(parts, film.path)
    async with worker_process(parts.settings, REAL_WORKER):
        await some_records(parts, video_id)
        lost: list[Document] = []
        while not lost:  # it may end a part in the moment in which it is killed
            async with worker_process(parts.settings, REAL_WORKER) as helper:

                async def is_at_work(pid: int = helper.pid) -> bool:
                    running = await records(parts, video_id, status="running")
                    return any(pid_of(record) == pid for record in running)

                await until(is_at_work, seconds=MINUTES)
                helper.kill()
                await helper.wait()
                running = await records(parts, video_id, status="running")
                lost = [record for record in running if pid_of(record) == helper.pid]
        video = await ended(parts, video_id)
        await assert_published(parts, video, film, clip_cache)
    again = [record["index"] for record in await records(parts, video_id) if record["attempts"] > 1]
    assert again == [record["index"] for record in lost]
    assert video.attempts == 1


async def test_the_next_owner_adopts_what_a_killed_one_has_finished(
    parts: Parts, film: ClipFacts, clip_cache: ClipCache
) -> None:
    """R38"""
    video_id = await ingest(parts, film.path)
    async with worker_process(parts.settings, REAL_WORKER) as owner:
        await some_records(parts, video_id, status="done", kind="pictures")
        owner.kill()
        await owner.wait()
    done = await records(parts, video_id, status="done")
    running = await records(parts, video_id, status="running")
    async with worker_process(parts.settings, REAL_WORKER):
        video = await ended(parts, video_id)
        await assert_published(parts, video, film, clip_cache)
    found = {record["index"]: record for record in await records(parts, video_id)}
    assert [found[record["index"]] for record in done] == done
    assert {found[record["index"]]["attempts"] for record in running} <= {2}
    assert video.attempts == 2


async def test_cancelled_midway_it_leaves_no_child_and_no_file(
    parts: Parts, film: ClipFacts
) -> None:
    """R43"""
    video_id = await ingest(parts, film.path)
    async with AsyncExitStack() as stack:
        workers = [
            await stack.enter_async_context(worker_process(parts.settings, REAL_WORKER))
            for _ in range(2)
        ]

        async def both_at_work() -> bool:
            running = await records(parts, video_id, status="running")
            return {pid_of(record) for record in running} == {worker.pid for worker in workers}

        await until(both_at_work, seconds=MINUTES)
        await parts.control.cancel(video_id)
        root = str(parts.settings.storage.root)
        await until_true(lambda: not processes_naming(f"{root}/parts"), seconds=MINUTES)
        await until_true(lambda: files(parts, video_id) == [], seconds=MINUTES)
        assert [worker.returncode for worker in workers] == [None, None]
    assert await records(parts, video_id) == []
    assert (await record(parts, video_id)).status is ProcessingStatus.FAILED
    assert parts.media.source(video_id).exists()


async def test_r47_deleted_midway_it_leaves_no_child_and_no_file(
    parts: Parts, film: ClipFacts
) -> None:
    """R47"""
    video_id = await ingest(parts, film.path)
    async with worker_process(parts.settings, REAL_WORKER) as worker:
        await some_records(parts, video_id, status="running", kind="pictures")
        await parts.removal.delete(video_id)
        root = parts.settings.storage.root
        await until_true(lambda: not processes_naming(f"{root}/parts"), seconds=MINUTES)
        await until_true(lambda: not list((root / "parts").iterdir()), seconds=MINUTES)

        async def forgotten() -> bool:
            return await records(parts, video_id) == []

        await until(forgotten, seconds=MINUTES)
        assert worker.returncode is None
    for name in ("sources", "titles", "thumbnails"):
        assert list((root / name).iterdir()) == []


@pytest.mark.parametrize("is_whole_only", [True, False])
async def test_a_chunk_that_cannot_be_made(
    parts: Parts, film: ClipFacts, is_whole_only: bool, clip_cache: ClipCache
) -> None:
    """R42: the film fails for its reason, unless it can still be encoded in one piece."""
    video_id = await ingest(parts, film.path)
    async with worker_process(parts.settings, REAL_WORKER):
        waiting = await some_records(parts, video_id, status="blocked")
        await parts.database.collection(CHUNKS).update_one(
            {"_id": waiting[0]["_id"]},
            {"$set": {"status": "failed", "reason": "No.", "is_whole_only": is_whole_only}},
        )
        video = await ended(parts, video_id)
        if is_whole_only:
            await assert_published(parts, video, film, clip_cache)
        else:
            assert (video.status, video.error) == (ProcessingStatus.FAILED, "No.")
            await until_true(lambda: files(parts, video_id) == [])
    assert await records(parts, video_id) == []


async def test_parts_whose_records_are_gone_are_not_waited_for(
    parts: Parts, film: ClipFacts
) -> None:
    """R42: the attempt ends, instead of lasting as long as a job may."""
    video_id = await ingest(parts, film.path)
    lease = await parts.encoding.claim("tester")
    assert lease is not None
    job = asyncio.create_task(parts.encoding.run(lease, asyncio.Event()))
    await some_records(parts, video_id, status="running")
    await parts.chunks.drop(video_id, keep_finished=False)
    async with asyncio.timeout(MINUTES):
        await job
    video = await record(parts, video_id)
    assert (video.status, video.error) == (
        ProcessingStatus.PENDING,
        "Records of this film's parts are gone.",
    )


async def test_a_finished_part_that_is_lost_is_made_again(
    parts: Parts, film: ClipFacts, clip_cache: ClipCache
) -> None:
    """R38: a finished part that is gone from the disk is encoded again."""
    video_id = await ingest(parts, film.path)
    async with worker_process(parts.settings, REAL_WORKER) as owner:
        [first, *_] = await some_records(parts, video_id, status="done", kind="pictures")
        owner.kill()
        await owner.wait()
    part = parts.part_store.part(video_id, first["plan"], first["folder"])
    shutil.rmtree(part)
    async with worker_process(parts.settings, REAL_WORKER):
        video = await ended(parts, video_id)
        await assert_published(parts, video, film, clip_cache)
    [again] = [r for r in await records(parts, video_id) if r["_id"] == first["_id"]]
    assert (again["attempts"], again["folder"] == first["folder"]) == (2, False)
