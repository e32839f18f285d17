"""Own pictures of films that are there, whatever their encode does meanwhile."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.videoflix.encoding.jobs import add, claimed, encoder_started, record, run
from tests.videoflix.parts import Parts, open_parts
from tests.videoflix.uploads.pictures import write_picture
from videoflix.adapters.mongo.video_edits import MongoVideoEdits
from videoflix.errors import FieldErrors, NotFound, PayloadTooLarge
from videoflix.models import Video
from videoflix.offload import Offload
from videoflix.settings import Settings
from videoflix.uploads.thumbnails import OwnThumbnails

MAX_BYTES = 1024 * 1024
JPEG = b"\xff\xd8\xff"


@pytest.fixture
async def parts(settings: Settings) -> AsyncIterator[Parts]:
    async with open_parts(settings) as opened:
        yield opened


@pytest.fixture
def thumbnails(parts: Parts) -> OwnThumbnails:
    return OwnThumbnails(
        parts.videos,
        MongoVideoEdits(parts.database),
        parts.media,
        max_bytes=MAX_BYTES,
        offload=Offload(parts.disk),
    )


@pytest.fixture
def picture(tmp_path: Path) -> bytes:
    return write_picture(tmp_path / "own", "png", 320, 180).read_bytes()


async def put(thumbnails: OwnThumbnails, video_id: int, data: bytes) -> Video:
    async with thumbnails.receive(video_id, len(data)) as incoming:
        await incoming.write(data[:100])
        await incoming.write(data[100:])
        return await incoming.accept()


def shown(parts: Parts, video_id: int) -> bytes:
    path = parts.media.thumbnail(video_id)
    return path.read_bytes() if path.exists() else b""


def received(parts: Parts) -> list[Path]:
    return list((parts.settings.storage.root / "uploads").iterdir())


async def test_an_own_picture_is_kept_by_encodes_and_given_back(
    parts: Parts, thumbnails: OwnThumbnails, picture: bytes
) -> None:
    video_id = await add(parts, "ready")
    video = await put(thumbnails, video_id, picture)
    assert (video.has_own_thumbnail, video.thumbnail_version) == (True, 1)
    own = shown(parts, video_id)
    assert own.startswith(JPEG)
    await run(parts)
    assert shown(parts, video_id) == own
    video = await thumbnails.remove(video_id)
    assert (video.has_own_thumbnail, video.thumbnail_version) == (False, 2)
    assert shown(parts, video_id) == b"picture of run 0"
    await put(thumbnails, video_id, picture)
    assert shown(parts, video_id) == own
    assert received(parts) == []


async def test_before_there_is_another_picture_there_is_none(
    parts: Parts, thumbnails: OwnThumbnails, picture: bytes
) -> None:
    video_id = await add(parts, "ready")
    await put(thumbnails, video_id, picture)
    await thumbnails.remove(video_id)
    assert shown(parts, video_id) == b""
    await run(parts)
    assert shown(parts, video_id) == b"picture of run 0"


async def test_a_picture_that_comes_or_goes_during_the_encode_counts(
    parts: Parts, thumbnails: OwnThumbnails, picture: bytes
) -> None:
    for is_own in (True, False):
        video_id = await add(parts, "wait")
        if not is_own:
            await put(thumbnails, video_id, picture)
        job = asyncio.create_task(parts.encoding.run(await claimed(parts), asyncio.Event()))
        await encoder_started(parts, video_id)
        await (put(thumbnails, video_id, picture) if is_own else thumbnails.remove(video_id))
        parts.media.source(video_id).with_name("go").touch()
        await job
        assert (await record(parts, video_id)).generation is not None
        assert shown(parts, video_id).startswith(JPEG) is is_own


async def test_what_is_no_picture_changes_nothing(parts: Parts, thumbnails: OwnThumbnails) -> None:
    video_id = await add(parts, "ready")
    before = await run(parts)
    with pytest.raises(FieldErrors) as caught:
        await put(thumbnails, video_id, b"no picture" * 100)
    assert list(caught.value.fields) == ["thumbnail"]
    with pytest.raises(PayloadTooLarge):
        await put(thumbnails, video_id, bytes(MAX_BYTES + 1))
    async with thumbnails.receive(video_id, None) as incoming:
        await incoming.write(bytes(MAX_BYTES))
        with pytest.raises(PayloadTooLarge):
            await incoming.write(b"x")
    assert shown(parts, video_id) == b"picture of run 0"
    assert await record(parts, video_id) == before
    assert received(parts) == []


async def test_r47_a_film_that_is_deleted_meanwhile_keeps_no_picture(
    parts: Parts, thumbnails: OwnThumbnails, picture: bytes
) -> None:
    """R47"""
    video_id = await add(parts, "ready")
    async with thumbnails.receive(video_id, len(picture)) as incoming:
        await incoming.write(picture)
        await parts.removal.delete(video_id)
        with pytest.raises(NotFound):
            await incoming.accept()
    assert shown(parts, video_id) == b""
    assert received(parts) == []
    with pytest.raises(NotFound):
        await thumbnails.remove(video_id)
    with pytest.raises(NotFound):
        await put(thumbnails, 99, picture)
