"""Uploads: nothing is promised that is not on the disk and in the database."""

import asyncio
import os
import resource
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path

import pytest

from tests.videoflix.parts import Parts, open_parts
from tests.videoflix.relay import Relay, relayed
from tests.videoflix.uploads.pictures import read_pixels, write_picture
from tests.videoflix.waiting import until
from videoflix.adapters.mongo.video_records import VIDEOS
from videoflix.details import BLANK
from videoflix.errors import (
    DatabaseUnavailable,
    FieldErrors,
    InsufficientStorage,
    PayloadTooLarge,
)
from videoflix.models import ProcessingStatus, Video, VideoDetails
from videoflix.settings import RedisSettings, Settings
from videoflix.uploads.incoming import EMPTY, INCOMPLETE

DETAILS = VideoDetails("A film", "About it", "Drama")
MiB = 1024 * 1024


@pytest.fixture
async def parts(settings: Settings) -> AsyncIterator[Parts]:
    async with open_parts(settings) as opened:
        yield opened


def with_upload(settings: Settings, **changes: int) -> Settings:
    return settings.model_copy(update={"upload": settings.upload.model_copy(update=changes)})


def with_room_for(settings: Settings, size: int) -> Settings:
    """A floor that leaves this much to uploads."""
    disk = os.statvfs(settings.storage.root.parent)
    floor = disk.f_bavail * disk.f_frsize - size
    if floor < 0:
        pytest.skip("the disk has less than 3 GB free")
    return settings.model_copy(
        update={"storage": settings.storage.model_copy(update={"free_floor": floor})}
    )


def temporary(parts: Parts) -> list[Path]:
    return list((parts.settings.storage.root / "uploads").iterdir())


def sources(parts: Parts) -> list[Path]:
    return list((parts.settings.storage.root / "sources").iterdir())


async def upload(
    parts: Parts,
    *chunks: bytes,
    details: VideoDetails = DETAILS,
    promise: int | None = None,
    before_accept: Callable[[], Awaitable[None]] | None = None,
) -> Video:
    """``promise`` is the film's exact size; without it nobody knows."""
    async with parts.uploads.receive(promise, is_exact=promise is not None) as incoming:
        for chunk in chunks:
            await incoming.write(chunk)
        if before_accept is not None:
            await before_accept()
        return await incoming.accept(details)


async def begin(parts: Parts, promise: int, *, is_exact: bool = False) -> None:
    async with parts.uploads.receive(promise, is_exact=is_exact):
        pass


async def test_received_film_is_on_disk_recorded_and_announced(parts: Parts) -> None:
    """R28"""
    data = os.urandom(3 * MiB + 17)
    async with parts.uploads.receive(len(data) + 500) as incoming:
        for start in range(0, len(data), 65_521):
            await incoming.write(memoryview(data)[start : start + 65_521])
        assert incoming.size == len(data)
        video = await incoming.accept(VideoDetails(" A film ", "About it", "Drama"))
    assert video == await parts.videos.find(1)
    assert (video.title, video.status) == ("A film", ProcessingStatus.PENDING)
    assert (video.source_size, video.has_own_thumbnail) == (len(data), False)
    assert parts.media.source(1).read_bytes() == data
    assert [path.name for path in parts.media.source(1).parent.iterdir()] == ["source"]
    assert temporary(parts) == []
    lease = await parts.encoding.claim("tester")
    assert lease is not None
    assert lease.video_id == 1


async def test_leaving_without_accept_leaves_nothing(parts: Parts) -> None:
    async with parts.uploads.receive() as incoming:
        await incoming.write(b"x" * (2 * MiB))
        await incoming.write_thumbnail(b"y" * 1000)
        assert len(temporary(parts)) == 2
    assert temporary(parts) == []

    async def break_off() -> None:
        raise RuntimeError("broken")

    with pytest.raises(RuntimeError, match="broken"):
        await upload(parts, b"x" * (2 * MiB), before_accept=break_off)
    assert temporary(parts) == []
    assert sources(parts) == []


async def test_cancelled_upload_leaves_nothing(parts: Parts) -> None:
    written = asyncio.Event()

    async def endless() -> None:
        async with parts.uploads.receive() as incoming:
            while True:
                await incoming.write(b"x" * MiB)
                written.set()

    task = asyncio.create_task(endless())
    await written.wait()
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
    assert temporary(parts) == []


async def test_wrong_fields_are_told_all_at_once_and_nothing_is_kept(parts: Parts) -> None:
    with pytest.raises(FieldErrors) as caught:
        await upload(parts, b"", details=VideoDetails(""))
    assert caught.value.fields == {"title": [BLANK], "file": [EMPTY]}
    assert temporary(parts) == []
    assert sources(parts) == []


async def test_film_of_another_size_than_promised_is_refused(parts: Parts) -> None:
    """R28"""
    with pytest.raises(FieldErrors) as caught:
        await upload(parts, b"x" * 99, promise=100)
    assert caught.value.fields == {"file": [INCOMPLETE]}
    assert sources(parts) == []


async def test_too_large_is_refused_by_promise_and_by_count(settings: Settings) -> None:
    async with open_parts(with_upload(settings, max_bytes=1000)) as parts:
        with pytest.raises(PayloadTooLarge):
            await begin(parts, 1001, is_exact=True)
        with pytest.raises(PayloadTooLarge):
            await begin(parts, 100 * MiB)
        with pytest.raises(PayloadTooLarge):
            await upload(parts, b"x" * 1000, b"x")
        assert temporary(parts) == []
        assert (await upload(parts, b"x" * 1000)).source_size == 1000


async def test_no_byte_is_taken_that_would_go_below_the_floor(settings: Settings) -> None:
    """R29"""
    free = os.statvfs(settings.storage.root.parent)
    most = free.f_bavail * free.f_frsize
    storage = settings.storage.model_copy(update={"free_floor": most + 64 * 1024 * MiB})
    async with open_parts(settings.model_copy(update={"storage": storage})) as parts:
        with pytest.raises(InsufficientStorage):
            await begin(parts, 1)
        assert temporary(parts) == []
        assert await parts.encoding.claim("tester") is None  # encodes wait as well


async def test_running_uploads_count_against_free_space(settings: Settings) -> None:
    """R29: two that fit one by one do not fit together."""
    size = 2 * 1024 * MiB
    async with open_parts(with_room_for(settings, size * 3 // 2)) as parts:
        async with parts.uploads.receive(size):
            with pytest.raises(InsufficientStorage):
                await begin(parts, size)
        await begin(parts, size)


async def test_r29_promises_count_where_no_blocks_can_be_reserved(settings: Settings) -> None:
    """R29: for other processes too, by what stands on the disk."""
    size = 2 * 1024 * MiB
    full = with_room_for(settings, size * 3 // 2)
    async with open_parts(full) as parts, open_parts(full) as others:
        async with parts.uploads.receive(size):
            for path in temporary(parts):
                os.truncate(path, 0)  # gives the blocks back, as if there had been none
            with pytest.raises(InsufficientStorage):
                await begin(others, size)
        await begin(others, size)


async def test_names_in_the_store_come_from_nobody_outside(parts: Parts, tmp_path: Path) -> None:
    """R31"""
    name = "x" * 200 + " 🎬 \\ ..mp4"
    film = tmp_path / name
    film.write_bytes(b"film")
    await parts.uploads.ingest_file(film, VideoDetails("../../etc/passwd"))
    names = {path.name for path in parts.settings.storage.root.rglob("*")}
    assert names == {"sources", "titles", "thumbnails", "uploads", "1", "source"}


async def test_own_thumbnail_is_made_anew_and_kept(parts: Parts, tmp_path: Path) -> None:
    picture = write_picture(tmp_path / "in.png", "png", 800, 400)
    async with parts.uploads.receive() as incoming:
        await incoming.write(b"film")
        data = picture.read_bytes()
        await incoming.write_thumbnail(data[:100])
        await incoming.write_thumbnail(data[100:])
        video = await incoming.accept(DETAILS)
    assert video.has_own_thumbnail
    assert read_pixels(parts.media.thumbnail(video.id)).shape == (320, 640, 3)
    assert temporary(parts) == []


async def test_bad_thumbnail_refuses_the_whole_upload(parts: Parts, tmp_path: Path) -> None:
    film, picture = tmp_path / "film", tmp_path / "picture.jpg"
    film.write_bytes(b"film")
    picture.write_bytes(b"no picture")
    with pytest.raises(FieldErrors) as caught:
        await parts.uploads.ingest_file(film, DETAILS, thumbnail=picture)
    assert list(caught.value.fields) == ["thumbnail"]
    assert temporary(parts) == []
    assert sources(parts) == []
    assert picture.exists()


async def test_thumbnail_has_its_own_limit(settings: Settings) -> None:
    async with (
        open_parts(with_upload(settings, thumbnail_max_bytes=10)) as parts,
        parts.uploads.receive() as incoming,
    ):
        await incoming.write_thumbnail(b"x" * 10)
        with pytest.raises(PayloadTooLarge):
            await incoming.write_thumbnail(b"x")


async def test_ingest_copies_a_file_and_tells_how_far_it_is(parts: Parts, tmp_path: Path) -> None:
    film = tmp_path / "film.mp4"
    film.write_bytes(os.urandom(9 * MiB))
    told: list[tuple[int, int]] = []
    video = await parts.uploads.ingest_file(
        film, DETAILS, progress=lambda done, size: told.append((done, size))
    )
    assert parts.media.source(video.id).read_bytes() == film.read_bytes()
    assert told[-1] == (9 * MiB, 9 * MiB)
    assert told == sorted(told)
    assert len(told) > 1


@pytest.mark.parametrize("kind", ["missing", "folder", "pipe", "empty"])
async def test_ingest_of_what_is_no_file_is_a_field_error(
    parts: Parts, tmp_path: Path, kind: str
) -> None:
    path = tmp_path / kind
    if kind == "folder":
        path.mkdir()
    elif kind == "pipe":
        os.mkfifo(path)
    elif kind == "empty":
        path.touch()
    with pytest.raises(FieldErrors) as caught:
        await parts.uploads.ingest_file(path, DETAILS)
    assert list(caught.value.fields) == ["file"]


async def test_a_dead_doorbell_is_not_fatal(settings: Settings) -> None:
    """R41"""
    redis = RedisSettings.model_validate({"url": "redis://127.0.0.1:9/0", "timeout": 0.5})
    async with open_parts(settings.model_copy(update={"redis": redis})) as parts:
        video = await upload(parts, b"film")
        assert await parts.videos.find(video.id) == video


async def refused_while_cut(parts: Parts, relay: Relay) -> None:
    with pytest.raises(DatabaseUnavailable):
        await upload(parts, b"film", before_accept=relay.cut)
    assert temporary(parts) == []
    assert sources(parts) == []


async def test_a_dead_database_promises_nothing(settings: Settings) -> None:
    """R28"""
    async with relayed(settings.mongo.uri) as (relay, uri):
        mongo = settings.mongo.model_copy(update={"uri": uri, "timeout": 0.5})
        async with open_parts(settings.model_copy(update={"mongo": mongo})) as parts:
            await refused_while_cut(parts, relay)
            await relay.mend()

            async def look() -> Video | None:
                try:
                    return await upload(parts, b"film")
                except DatabaseUnavailable:
                    return None

            assert (await until(look)).source_size == 4


async def test_leftovers_of_a_crash_are_never_overwritten(parts: Parts) -> None:
    """R46: also when the database has forgotten its films."""
    await upload(parts, b"old film")
    await parts.database.collection("counters").delete_many({})
    await parts.database.collection(VIDEOS).delete_many({})
    video = await upload(parts, b"new film")
    assert video.id == 2
    assert parts.media.source(1).read_bytes() == b"old film"
    assert parts.media.source(2).read_bytes() == b"new film"


async def test_sweep_settles_what_a_crash_left_between_disk_and_database(parts: Parts) -> None:
    """R30 R46: without a record it goes, with one it stays."""
    kept, lost = await upload(parts, b"kept"), await upload(parts, b"lost")
    confirmed = await upload(parts, b"confirmed long ago, then forgotten by the database")
    for video in (kept, lost):
        parts.media.source(video.id).with_name("unconfirmed").touch()
    await parts.database.collection(VIDEOS).delete_many({"_id": {"$in": [lost.id, confirmed.id]}})
    assert await parts.uploads.sweep(3600) == 0
    assert await parts.uploads.sweep(-1) == 1
    assert [path.name for path in parts.media.source(kept.id).parent.iterdir()] == ["source"]
    assert not parts.media.source(lost.id).exists()
    assert parts.media.source(confirmed.id).exists()


async def test_memory_stays_flat_while_a_large_film_arrives(parts: Parts) -> None:
    """R32, in small."""
    chunk = os.urandom(MiB)
    async with parts.uploads.receive(400 * MiB) as incoming:
        for _ in range(20):
            await incoming.write(chunk)
        before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        for _ in range(380):
            await incoming.write(chunk)
        after = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    assert (after - before) * 1024 <= 64 * MiB
