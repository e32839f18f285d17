"""What is cut out of a title's files is checked at every read; texts are made once."""

import asyncio
import random
from pathlib import Path

import numpy as np
import pytest
from structlog.testing import capture_logs

from media_pipeline.errors import DamagedTitle
from media_pipeline.tables import (
    FRAGMENT,
    SAMPLE,
    Table,
    fragments_file,
    samples_file,
    write_table,
)
from tests.clips.fixtures import ClipCache
from tests.handlers.films import publish
from tests.media_pipeline.damage import flip
from tests.media_pipeline.titles import rich_title
from videoflix.container import Container
from videoflix.errors import MediaDamaged, NotFound
from videoflix.models import Video
from videoflix.streaming.documents import Document, DocumentShelf
from videoflix.streaming.packages import Resource


@pytest.fixture(scope="module")
def encoded(clip_cache: ClipCache) -> Path:
    return rich_title(clip_cache).folder


@pytest.fixture
async def video(container: Container, encoded: Path) -> Video:
    return await publish(container, encoded)


def folder_of(container: Container, video: Video) -> Path:
    assert video.generation is not None
    return container.media.title(video.id, video.generation)


async def content(resource: Resource, first: int = 0, end: int | None = None) -> bytes:
    end = resource.size if end is None else end
    async with resource.open(first, end) as file:
        return file.read(end - first)


async def test_r53_d8_every_flip_in_a_mezzanine_is_found_at_the_next_read(
    container: Container, video: Video
) -> None:
    """D8: 20 bytes at 60 places of a track file, each read that covers one is an error."""
    packages = container.packages
    path = folder_of(container, video) / "480p.mp4"
    right = path.read_bytes()
    init = await packages.cmaf_init(video.id, "480p", None)
    segments = [await packages.cmaf_segment(video.id, "480p", n, None) for n in range(3)]
    parts = [init, *segments]
    assert b"".join([await content(part) for part in parts]) == right
    places = random.Random(8).sample(range(len(right) - 20), 60)  # noqa: S311 -- reproducible
    for place in places:
        wrong = bytearray(right)
        for offset in range(20):
            wrong[place + offset] ^= 0x55
        path.write_bytes(wrong)
        start, found = 0, 0
        for part in parts:
            touched = start < place + 20 and start + part.size > place
            start += part.size
            if touched:
                with capture_logs() as logs, pytest.raises(MediaDamaged):
                    await content(part)
                assert [entry["event"] for entry in logs] == ["damaged title"]
                found += 1
            else:
                assert len(await content(part)) == part.size
        assert found
    path.write_bytes(right[:-1])
    with pytest.raises(MediaDamaged):
        await content(segments[-1])


async def test_r53_a_range_is_checked_with_its_whole_fragment(
    container: Container, video: Video
) -> None:
    segment = await container.packages.cmaf_segment(video.id, "720p", 0, None)
    right = await content(segment)
    path = folder_of(container, video) / "720p.mp4"
    init = await container.packages.cmaf_init(video.id, "720p", None)
    flip(path, init.size + segment.size - 1)  # in the last of three fragments
    assert await content(segment, 0, 100) == right[:100]
    with pytest.raises(MediaDamaged):
        await content(segment, segment.size - 100, segment.size - 50)


async def test_r53_small_files_are_checked(container: Container, video: Video) -> None:
    folder = folder_of(container, video)
    sheet = await container.packages.sprite(video.id, 0, None)
    assert await content(sheet) == (folder / "sprite-0.jpg").read_bytes()
    for name in ("sprite-0.jpg", "text-0.vtt", "storyboard.vtt"):
        flip(folder / name, 20)
    with pytest.raises(MediaDamaged):
        await content(sheet)
    with pytest.raises(MediaDamaged):
        await container.packages.text(video.id, "text-0", None)
    with pytest.raises(MediaDamaged):
        await container.packages.storyboard(video.id)


async def test_r53_packed_sound_is_checked(container: Container, video: Video) -> None:
    segment = await container.packages.packed_segment(video.id, "audio-1", 1, None)
    assert len(await content(segment)) == segment.size
    path = folder_of(container, video) / "audio-1.mp4"
    flip(path, path.stat().st_size // 2)
    with pytest.raises(MediaDamaged):
        await content(segment)


@pytest.mark.parametrize("column", ["offset", "size", "pts"])
@pytest.mark.parametrize("row", ["first", "inner", "last of a fragment"])
async def test_r53_a_damaged_sample_table_makes_no_wrong_packed_sound(
    container: Container, video: Video, column: str, row: str
) -> None:
    folder = folder_of(container, video)
    await container.packages.packed_segment(video.id, "audio-1", 1, None)  # opens the title
    fragments = Table.open(folder / fragments_file("audio-1"), FRAGMENT).read(3, 2)
    first, after = fragments["first_sample"].tolist()
    place = {"first": first, "inner": first + 2, "last of a fragment": after - 1}[row]
    table = Table.open(folder / samples_file("audio-1"), SAMPLE)
    rows = table.read(0, table.rows)
    rows[column][place] ^= 4
    write_table(table.path, rows)
    segment = await container.packages.packed_segment(video.id, "audio-1", 1, None)
    with pytest.raises(MediaDamaged):
        await content(segment)


async def second_segment(container: Container, video: Video, track: str) -> None:
    """Read the one that the track goes into: MPEG-TS, or packed sound."""
    if track == "audio-1":
        await content(await container.packages.packed_segment(video.id, "audio-1", 1, None))
        return
    segment = await container.streaming.segment(video.id, "480p", "segment_001.ts")
    async with segment.open():
        pass


@pytest.mark.parametrize(("column", "value"), [("size", 1 << 60), ("samples", 1 << 31)])
@pytest.mark.parametrize("track", ["480p", "audio-0", "audio-1"])
async def test_r53_a_fragment_that_cannot_be_is_damage(
    container: Container, video: Video, track: str, column: str, value: int
) -> None:
    await second_segment(container, video, "audio-1")  # opens the title
    table = Table.open(folder_of(container, video) / fragments_file(track), FRAGMENT)
    rows = table.read(0, table.rows)
    rows[column][3] = value
    write_table(table.path, rows)
    with pytest.raises(MediaDamaged):
        await second_segment(container, video, track)


def test_a_table_that_cannot_be_read_is_damage(tmp_path: Path) -> None:
    path = tmp_path / samples_file("480p")
    write_table(path, np.zeros(2, SAMPLE))
    table = Table.open(path, SAMPLE)
    path.unlink()
    path.mkdir()
    with pytest.raises(DamagedTitle):
        table.read(0, 2)


async def test_another_generation_is_not_found(container: Container, video: Video) -> None:
    packages = container.packages
    found = await packages.cmaf_segment(video.id, "480p", 0, video.generation)
    assert found.is_versioned
    with pytest.raises(NotFound, match="encoded anew"):
        await packages.cmaf_segment(video.id, "480p", 0, "another")
    with pytest.raises(NotFound, match="encoded anew"):
        await container.streaming.segment(video.id, "480p", "segment_000.ts", "another")


async def test_a_text_is_made_once(container: Container, video: Video) -> None:
    packages = container.packages
    first, *others = await asyncio.gather(*(packages.presentation(video.id) for _ in range(20)))
    assert all(document is first for document in others)
    assert await packages.presentation(video.id) is first


def test_the_shelf_of_texts_keeps_to_its_budget() -> None:
    documents = [Document.of("x" * 100 + str(number)) for number in range(4)]
    shelf = DocumentShelf(documents[0].size * 3)
    for number, document in enumerate(documents[:3]):
        shelf.keep((number,), document)
    assert shelf.find((0,)) is documents[0]
    shelf.keep((3,), documents[3])
    assert [shelf.find((number,)) for number in range(4)] == [
        documents[0],
        None,
        documents[2],
        documents[3],
    ]
