"""Titles that another version of the muxer has measured, or nobody: measured anew, once."""

import asyncio
import shutil
from dataclasses import replace
from pathlib import Path

import pytest
from structlog.testing import capture_logs

from media_pipeline.tables import segments_file
from media_pipeline.titles.measures import Measures, measures_path
from media_pipeline.titles.title import Title
from tests.clips.fixtures import ClipCache
from tests.handlers.films import encoded_title, publish
from tests.media_pipeline.damage import as_version_3
from tests.media_pipeline.titles import segments
from tests.videoflix.streaming.films import fetch, service_on
from videoflix.container import Container
from videoflix.errors import MediaDamaged
from videoflix.models import Video
from videoflix.streaming.packages import PackageService
from videoflix.streaming.service import StreamingService


@pytest.fixture(scope="module")
def encoded(clip_cache: ClipCache) -> Path:
    return encoded_title(clip_cache)


def of_another_muxer(encoded: Path, folder: Path) -> Path:
    """The title as another muxer would have left it: other sizes, counters and bandwidths."""
    shutil.copytree(encoded, folder)
    manifest = Title(encoded).manifest
    facts = tuple(
        replace(each, peak_bandwidth=1, average_bandwidth=1) for each in manifest.renditions
    )
    replace(manifest, muxer="another/7", renditions=facts).save(folder)
    for each in facts:
        path = folder / segments_file(each.name)
        data = bytearray(path.read_bytes())
        data[-18:] = bytes(18)
        path.write_bytes(data)
    return folder


def folder_of(container: Container, video: Video) -> Path:
    assert video.generation is not None
    return container.media.title(video.id, video.generation)


async def all_of(service: StreamingService, video: Video) -> dict[str, list[bytes]]:
    return {
        name: [await fetch(service, video, name, f"segment_00{index}.ts") for index in range(3)]
        for name in ("480p", "720p", "1080p")
    }


def right(encoded: Path) -> dict[str, list[bytes]]:
    title = Title(encoded)
    assert title.grid.segment_count == 3
    return {name: segments(title, name) for name in title.names}


async def test_another_muxers_title_is_measured_once_and_serves_equal_bytes(
    container: Container, encoded: Path, tmp_path: Path
) -> None:
    video = await publish(container, of_another_muxer(encoded, tmp_path / "title"))
    plain = await publish(container, encoded)
    folder = folder_of(container, video)
    before = {path: path.read_bytes() for path in folder.iterdir()}
    assert await all_of(container.streaming, video) == right(encoded)
    made = measures_path(folder)
    assert {path: path.read_bytes() for path in folder.iterdir() if path != made} == before
    identity = made.stat()
    # Another process finds them; a playlist says what was measured anew.
    async with service_on(container) as later:
        assert await all_of(later, video) == right(encoded)
        assert later.shelf.open_title.measured == 0
    assert made.stat() == identity
    for playlist in (
        PackageService.multivariant_playlist,
        lambda service, video_id: service.i_frame_playlist(video_id, "720p"),
    ):
        texts = [
            (await playlist(container.packages, each.id))
            .content.decode()
            .replace(f"/video/{each.id}/", "/video/N/")
            .replace(f"={each.generation}", "=G")
            for each in (video, plain)
        ]
        assert texts[0] == texts[1]
    assert container.streaming.shelf.open_title.measured == 1


async def test_processes_that_need_them_at_the_same_time_make_them_once(
    container: Container, encoded: Path, tmp_path: Path
) -> None:
    video = await publish(container, of_another_muxer(encoded, tmp_path / "title"))
    async with service_on(container) as first, service_on(container) as second:
        bodies = await asyncio.gather(
            *(fetch(service, video) for service in (first, second) for _ in range(5))
        )
        assert set(bodies) == {right(encoded)["480p"][0]}
        # Each may have started a child, of which the later one found what the first had made; who
        # came after that found it without one.
        started = {first.shelf.open_title.measured, second.shelf.open_title.measured}
        assert started <= {0, 1}
        assert 1 in started
    assert [path.name for path in folder_of(container, video).glob("*measures*")] == [
        measures_path(Path()).name
    ]


@pytest.mark.parametrize("trouble", ["another table", "damaged measures", "read-only"])
async def test_measures_are_made_anew_where_they_cannot_be_used(
    container: Container, encoded: Path, trouble: str
) -> None:
    video = await publish(container, encoded)
    folder = folder_of(container, video)
    made = measures_path(folder)
    table = folder / segments_file("720p")
    if trouble == "another table":
        as_version_3(folder)  # later ones have checksums of their tables: it is damage
        shutil.copy(folder / "720p.fragments.npy", table)
    else:
        table.unlink()
    if trouble == "damaged measures":
        async with service_on(container) as service:
            await fetch(service, video)
        data = bytearray(made.read_bytes())
        data[len(data) // 2] ^= 1
        made.write_bytes(data)
        assert Measures.load(folder, Title(folder).manifest) is None
        container.cache.purge()
    if trouble == "read-only":
        made.mkdir()  # nothing can be put in its place; root may write everywhere
    assert await all_of(container.streaming, video) == right(encoded)
    assert container.streaming.shelf.open_title.measured == 1
    assert made.is_dir() if trouble == "read-only" else made.is_file()
    assert not list(folder.glob(".tmp-*"))


async def test_a_damaged_title_is_not_measured_again_and_again(
    container: Container, encoded: Path, tmp_path: Path
) -> None:
    source = of_another_muxer(encoded, tmp_path / "title")
    track = source / "1080p.mp4"
    data = bytearray(track.read_bytes())
    data[-100] ^= 1
    track.write_bytes(data)
    video = await publish(container, source)
    with capture_logs() as logs:
        for _ in range(2):
            with pytest.raises(MediaDamaged):
                await fetch(container.streaming, video)
    said = [entry["error"] for entry in logs if entry["event"] == "damaged title"]
    assert len(said) == 2
    assert said[0] == said[1]
    assert "1080p.mp4 is damaged near byte" in said[0]
    assert not measures_path(folder_of(container, video)).exists()
