"""From an uploaded film to a published title with the real encoder and the real command line,
through everything that can happen on the way."""

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from pathlib import Path

import av
import pytest

from media_pipeline.titles.manifest import Manifest
from tests.clips.fixtures import ClipCache
from tests.clips.read import read_pictures
from tests.clips.spec import ClipFacts
from tests.videoflix.parts import Parts, open_parts, with_worker
from tests.videoflix.waiting import processes_naming, until, until_true
from tests.videoflix.worker.films import MINUTES, ended, ingest, record
from tests.videoflix.worker.processes import REAL_WORKER, own_redis, stop, worker_process
from videoflix.models import ProcessingStatus, TitleFacts, Video
from videoflix.settings import Settings


@pytest.fixture(scope="session")
def film(clip_cache: ClipCache) -> ClipFacts:
    """Long enough for something to happen while it is encoded."""
    return clip_cache.clip(width=960, height=540, seconds=20)


@pytest.fixture
async def parts(settings: Settings) -> AsyncIterator[Parts]:
    changed = with_worker(settings, lease=3.0, poll=0.2)
    async with open_parts(changed, encoder=None) as opened:
        yield opened


async def progressed(parts: Parts, video_id: int, percent: int) -> None:
    async def look() -> bool:
        return (await record(parts, video_id)).progress >= percent

    await until(look, seconds=MINUTES)
    assert (await record(parts, video_id)).status is ProcessingStatus.PROCESSING


def assert_published(parts: Parts, video: Video, film: ClipFacts) -> None:
    """One whole generation, nothing beside it, every picture of the source in its order."""
    assert (video.status, video.progress, video.error) == (ProcessingStatus.READY, 100, "")
    assert video.generation is not None
    assert video.facts is not None
    title = parts.media.title(video.id, video.generation)
    assert [path.name for path in title.parent.iterdir()] == [video.generation]
    numbers = [picture.number for picture in read_pictures(title / "480p.mp4")]
    assert numbers == list(film.numbers)
    assert video.facts == TitleFacts(
        round(Manifest.load(title).grid.duration * 1000),
        tuple(facts.name for facts in Manifest.load(title).renditions),
        sum(path.stat().st_size for path in title.iterdir()),
    )
    with av.open(str(parts.media.thumbnail(video.id))) as picture:
        assert next(picture.decode(video=0)).width == 640
    assert parts.media.source(video.id).read_bytes() == film.path.read_bytes()


def encoders(parts: Parts) -> list[int]:
    return processes_naming(f"{parts.settings.storage.root}/titles")


@pytest.mark.parametrize("percent", [3, 30])
async def test_worker_killed_during_an_encode_and_the_film_is_ready_once(
    parts: Parts, film: ClipFacts, percent: int
) -> None:
    """R38 R43 R46"""
    video_id = await ingest(parts, film.path)
    async with worker_process(parts.settings, REAL_WORKER) as first:
        await progressed(parts, video_id, percent)
        assert len(encoders(parts)) == 1
        first.kill()
        await first.wait()
        await until_true(lambda: not encoders(parts))
    async with worker_process(parts.settings, REAL_WORKER):
        video = await ended(parts, video_id)
    assert video.attempts == 2
    assert_published(parts, video, film)
    assert encoders(parts) == []


async def test_stopped_during_an_encode_it_gives_the_job_back(
    settings: Settings, film: ClipFacts
) -> None:
    """R43"""
    changed = with_worker(settings, lease=3600, poll=0.2)
    async with open_parts(changed, encoder=None) as parts:
        video_id = await ingest(parts, film.path)
        async with worker_process(changed, REAL_WORKER) as first:
            await progressed(parts, video_id, 3)
            await stop(first, seconds=10)
            assert encoders(parts) == []
        video = await record(parts, video_id)
        assert (video.status, video.attempts) == (ProcessingStatus.PENDING, 0)
        async with worker_process(changed, REAL_WORKER):
            assert_published(parts, await ended(parts, video_id), film)


async def test_a_text_file_fails_at_once_in_plain_words_and_the_worker_goes_on(
    parts: Parts, tmp_path: Path, clip_cache: ClipCache
) -> None:
    """R34 R42"""
    text = tmp_path / "film.mp4"
    text.write_text("This is no film.\n" * 100)
    playlist = tmp_path / "other.mp4"
    playlist.write_text("#EXTM3U\n#EXTINF:1,\nhttp://127.0.0.1:9/a.ts\n#EXT-X-ENDLIST\n")
    short = clip_cache.clip(width=320, height=180, seconds=2)
    bad = [await ingest(parts, path) for path in (text, playlist)]
    good = await ingest(parts, short.path)
    async with worker_process(parts.settings, REAL_WORKER) as worker:
        for video_id in bad:
            video = await ended(parts, video_id)
            assert (video.status, video.attempts) == (ProcessingStatus.FAILED, 1)
            assert "No known video format was recognised" in video.error
            assert not list(parts.settings.storage.root.glob(f"titles/{video_id}/*"))
        assert_published(parts, await ended(parts, good), short)
        assert worker.returncode is None


async def test_without_redis_from_upload_to_ready(
    settings: Settings, clip_cache: ClipCache
) -> None:
    """R40 R41"""
    short = clip_cache.clip(width=320, height=180, seconds=2)
    async with AsyncExitStack() as stack:
        redis = await stack.enter_async_context(own_redis())
        await redis.kill()
        changed = with_worker(
            settings.model_copy(update={"redis": redis.settings}), lease=3.0, poll=0.2
        )
        parts = await stack.enter_async_context(open_parts(changed, encoder=None))
        await stack.enter_async_context(worker_process(changed, REAL_WORKER))
        assert_published(parts, await ended(parts, await ingest(parts, short.path)), short)
