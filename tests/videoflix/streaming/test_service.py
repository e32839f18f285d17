"""Segments through the service: cut once, cached whole, never served wrong."""

import asyncio
import os
import threading
from contextlib import AsyncExitStack
from dataclasses import replace
from pathlib import Path

import pytest
from structlog.testing import capture_logs

from handlers.pieces import Pieces
from media_pipeline.titles.title import SegmentFacts, Title
from media_pipeline.transport.buffers import Room, new_room
from tests.clips.fixtures import ClipCache
from tests.handlers.conftest import running
from tests.handlers.films import add_pending, encoded_title, publish
from tests.videoflix.streaming.films import (
    FIRST,
    LARGE,
    cache_folder,
    cached,
    fetch,
    service_on,
)
from videoflix.adapters.segment_cache import DiskSegmentCache
from videoflix.container import Container
from videoflix.errors import MediaDamaged, NotFound
from videoflix.models import Video
from videoflix.ports import SegmentKey
from videoflix.streaming.service import StreamingService
from videoflix.streaming.shared import Shared

MiB = 1024 * 1024


@pytest.fixture(scope="module")
def encoded(clip_cache: ClipCache) -> Path:
    return encoded_title(clip_cache)


@pytest.fixture
async def video(container: Container, encoded: Path) -> Video:
    return await publish(container, encoded)


async def test_r51_fifty_requests_for_one_cold_segment_make_one_cut(
    container: Container, video: Video, encoded: Path
) -> None:
    service = container.streaming
    bodies = await asyncio.gather(*(fetch(service, video) for _ in range(50)))
    assert set(bodies) == {bytes(Title(encoded).cut_ts("480p", 0))}
    assert len(bodies) == 50
    assert service.cuts == 1


async def test_a_segment_is_served_again_from_the_cache(container: Container, video: Video) -> None:
    first = await fetch(container.streaming, video)
    assert [path.read_bytes() for path in cached(container)] == [first]
    assert await fetch(container.streaming, video) == first
    assert container.streaming.cuts == 1
    # Also by a process that starts later.
    async with service_on(container) as later:
        assert await fetch(later, video) == first
        assert later.cuts == 0


async def test_r51_several_services_on_one_cache_make_one_cut(
    container: Container, video: Video
) -> None:
    """The lock file excludes by open file, so services in one process stand for processes."""
    async with AsyncExitStack() as stack:
        services = [await stack.enter_async_context(service_on(container)) for _ in range(4)]
        bodies = await asyncio.gather(
            *(fetch(service, video) for service in services for _ in range(10))
        )
        assert len(set(bodies)) == 1
        assert sum(service.cuts for service in services) == 1


async def test_a_video_that_is_not_ready_is_not_found(container: Container) -> None:
    video = await add_pending(container)
    service = container.streaming
    for video_id in (video.id, 999):
        with pytest.raises(NotFound):
            await container.packages.multivariant_playlist(video_id)
        with pytest.raises(NotFound):
            await container.packages.media_playlist(video_id, "480p")
        with pytest.raises(NotFound):
            await service.segment(video_id, "480p", FIRST)


@pytest.mark.parametrize(
    "name",
    [
        "segment_-01.ts",
        "segment_1000000000.ts",
        "segment_00.ts",
        "segment_999.ts",
        "segment_000.ts\n",
        "segment_\N{ARABIC-INDIC DIGIT ZERO}00.ts",
        "../segment_000.ts",
        "%2e%2e/segment_000.ts",
        "segment_000.ts%5c",
        "segment_000.mp4",
        "",
    ],
)
async def test_r54_other_segment_names_are_not_found_and_create_no_file(
    container: Container, video: Video, name: str
) -> None:
    with pytest.raises(NotFound):
        await container.streaming.segment(video.id, "480p", name)
    assert not cached(container)


async def test_an_unknown_resolution_is_not_found(container: Container, video: Video) -> None:
    for resolution in ("4320p", "audio-0", "..", ""):
        with pytest.raises(NotFound):
            await container.packages.media_playlist(video.id, resolution)
        with pytest.raises(NotFound):
            await container.streaming.segment(video.id, resolution, FIRST)


@pytest.mark.parametrize("damage", ["truncated", "flipped", "emptied", "longer"])
@pytest.mark.parametrize("is_known", [True, False], ids=["used before", "found at start"])
async def test_r53_a_damaged_cached_segment_is_cut_again(
    container: Container, video: Video, damage: str, is_known: bool
) -> None:
    async with AsyncExitStack() as stack:
        service = container.streaming
        right = await fetch(service, video)
        if is_known:
            assert await fetch(service, video) == right
        else:
            service = await stack.enter_async_context(service_on(container))
        [path] = cached(container)
        middle = len(right) // 2
        wrong = {
            "truncated": right[:middle],
            "flipped": right[:middle] + bytes([right[middle] ^ 1]) + right[middle + 1 :],
            "emptied": b"",
            "longer": right + b"\x47",
        }[damage]
        path.write_bytes(wrong)
        before = service.cuts
        bodies = await asyncio.gather(*(fetch(service, video) for _ in range(20)))
        assert set(bodies) == {right}
        assert service.cuts == before + 1
        assert path.read_bytes() == right


async def test_r53_a_damaged_mezzanine_is_an_error_and_is_not_cached(
    container: Container, video: Video
) -> None:
    assert video.generation is not None
    track = container.media.title(video.id, video.generation) / "480p.mp4"
    data = bytearray(track.read_bytes())
    data[len(data) // 4] ^= 0x10
    track.write_bytes(data)
    with pytest.raises(MediaDamaged):
        await fetch(container.streaming, video)
    assert not cached(container)
    # What is whole still plays.
    assert await fetch(container.streaming, video, "720p")


async def test_r53_a_title_that_cannot_be_opened_keeps_why_to_the_log(
    container: Container, video: Video
) -> None:
    assert video.generation is not None
    (container.media.title(video.id, video.generation) / "manifest.json").write_text("{}")
    with capture_logs() as logs, pytest.raises(MediaDamaged) as caught:
        await container.packages.multivariant_playlist(video.id)
    assert str(caught.value) == "This film is damaged on the server."
    [logged] = [entry for entry in logs if entry["event"] == "damaged title"]
    assert (logged["video_id"], logged["error"]) == (
        video.id,
        "the title's manifest cannot be read",
    )


async def test_cached_segments_are_for_their_owner_alone(
    container: Container, video: Video
) -> None:
    container.settings.storage.root.chmod(0o755)
    await fetch(container.streaming, video)
    assert cached(container)
    assert cache_folder(container).stat().st_mode & 0o777 == 0o700


async def test_a_cache_that_cannot_be_written_only_costs_time(
    container: Container, video: Video
) -> None:
    folder = cache_folder(container)
    folder.write_text("a file where the folder should be")
    first = await fetch(container.streaming, video)
    assert await fetch(container.streaming, video) == first
    assert container.streaming.cuts == 2


async def test_r51_fifty_requests_make_one_cut_where_nothing_can_be_cached(
    container: Container, video: Video
) -> None:
    """Some come back from their look into the cache when the segment has been cut already."""
    cache_folder(container).write_text("a file where the folder should be")
    service = container.streaming
    segment = await service.segment(video.id, "480p", FIRST)

    async def body() -> bytes:
        async with segment.open() as file:
            return file.read()

    assert len({*await asyncio.gather(*(body() for _ in range(50)))}) == 1
    assert service.cuts == 1


class HeldCache(DiskSegmentCache):
    """Nothing is put there before ``go_on``."""

    def __init__(self, folder: Path, max_bytes: int) -> None:
        super().__init__(folder, max_bytes)
        self.go_on = threading.Event()

    def put(self, key: SegmentKey, data: bytes | memoryview) -> None:
        assert self.go_on.wait(60)
        super().put(key, data)


async def test_r51_who_waits_is_answered_before_the_segment_is_cached(
    container: Container, video: Video, encoded: Path
) -> None:
    """Others of this process join until it is, those of another one wait: nobody cuts it again."""
    cache = HeldCache(cache_folder(container), LARGE)
    async with (
        StreamingService(container.videos, container.media, cache, threads=2) as service,
        service_on(container) as elsewhere,
    ):
        segment = await service.segment(video.id, "480p", FIRST)
        for _ in range(2):
            async with segment.open() as file:
                assert file.read() == Title(encoded).cut_ts("480p", 0)
        waiting = asyncio.create_task(fetch(elsewhere, video))
        done, _ = await asyncio.wait([waiting], timeout=0.3)
        assert not done
        assert not cached(container)
        cache.go_on.set()
        assert await waiting == Title(encoded).cut_ts("480p", 0)
        assert (service.cuts, elsewhere.cuts) == (1, 0)


async def test_r21_what_is_lent_to_clients_is_bounded(
    container: Container, video: Video, encoded: Path
) -> None:
    """Beyond the bound they read files; where there are none, pieces that are cut for each."""
    size = Title(encoded).ts_facts("480p", 0).size
    cache = HeldCache(cache_folder(container), LARGE)
    async with (
        StreamingService(container.videos, container.media, cache, threads=3, lent=size) as service,
        AsyncExitStack() as stack,
    ):
        segments = [
            await service.segment(video.id, resolution, FIRST)
            for resolution in ("480p", "480p", "720p", "1080p")
        ]
        # Both borrow the same block.
        opened = [await stack.enter_async_context(segment.open()) for segment in segments[:2]]
        assert service.loans.lent == size
        cache.go_on.set()
        opened += await asyncio.gather(
            *(stack.enter_async_context(segment.open()) for segment in segments[2:])
        )
        assert [isinstance(file, Shared) for file in opened] == [True, True, False, False]
        assert service.loans.lent == size
        for segment, file in zip(segments, opened, strict=True):
            assert file.read() == Title(encoded).cut_ts(segment.key.rendition, 0)
        await stack.aclose()
        assert service.loans.lent == 0


class WatchedTitle(Title):
    """Counts its cuts, and how many ran at a time."""

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        self._counting = threading.Lock()
        self._another = threading.Event()
        self.cuts = self._running = self.most = 0

    def cut_ts(self, rendition: str, index: int, room: Room = new_room) -> memoryview:
        with self._counting:
            self.cuts += 1
            self._running += 1
            self.most = max(self.most, self._running)
            if self._running > 1:
                self._another.set()
        self._another.wait(0.05)  # so that another one, if it may, begins meanwhile
        try:
            return super().cut_ts(rendition, index, room)
        finally:
            with self._counting:
                self._running -= 1


async def test_r21_what_is_made_again_is_cut_as_many_at_a_time_as_all_else(
    container: Container, video: Video, encoded: Path
) -> None:
    """A MiB for each cut."""
    title = WatchedTitle(encoded)
    facts = title.ts_facts("1080p", 0)
    async with service_on(container, 0, lent=0, threads=1) as service:
        segment = await service.segment(video.id, "1080p", FIRST)

        async def body() -> bytes:
            with await service.content(segment.key, title, facts) as file:
                pieces, found = Pieces(file, facts.size), bytearray()
                while piece := await pieces.next():
                    found += piece
                return bytes(found)

        right = Title(encoded).cut_ts("1080p", 0)
        for_all = 4
        bodies = await asyncio.gather(*(body() for _ in range(for_all)))
        assert all(found == right for found in bodies)
        assert title.most == 1
        assert title.cuts == service.cuts + for_all * -(-facts.size // MiB)


async def test_r21_without_a_cache_nothing_is_held_beyond_the_bound(
    container: Container, video: Video, encoded: Path
) -> None:
    async with service_on(container, 0, lent=0) as service:
        right = Title(encoded).cut_ts("480p", 0)
        assert await fetch(service, video) == right
        own = replace(container, streaming=service)
        async with running(own) as server, server.signed_in() as client:
            path = f"video/{video.id}/480p/{FIRST}"
            assert (await client.get(path)).content == right
            part = await client.get(path, headers={"Range": "bytes=1000-300000"})
            assert part.content == right[1000:300_001]


async def test_r52_the_cache_keeps_to_its_budget_and_an_open_segment_stays_whole(
    container: Container, video: Video
) -> None:
    sizes = {}
    for resolution in ("480p", "720p", "1080p"):
        for name in (FIRST, "segment_001.ts"):
            sizes[resolution, name] = len(await fetch(container.streaming, video, resolution, name))
    for path in cached(container):
        path.unlink()
    budget = max(sizes.values()) * 2
    async with service_on(container, budget) as service:
        first = await service.segment(video.id, "480p", FIRST)
        right = await fetch(service, video)
        async with first.open() as held:
            for resolution, name in sizes:
                await fetch(service, video, resolution, name)
                assert sum(path.stat().st_size for path in cached(container)) <= budget
            evicted = cache_folder(container) / str(video.id)
            assert not list(evicted.glob(f"*/480p.*/{FIRST}"))
            assert held.read() == right


async def test_r53_a_wrong_file_is_refused_but_only_replaced(tmp_path: Path) -> None:
    """Whoever finds it wrong must not remove it by name: the right one may have taken its place."""
    cache = DiskSegmentCache(tmp_path, 1000)
    key = SegmentKey(1, "g", "480p", 0)
    cache.put(key, b"wrong")
    facts = SegmentFacts.of(b"right")
    assert cache.open(key, facts) is None
    assert cache.path(key).read_bytes() == b"wrong"
    cache.put(key, b"right")
    file = cache.open(key, facts)
    assert file is not None
    with file:
        assert file.read() == b"right"


async def test_r52_what_was_used_last_is_evicted_last(tmp_path: Path) -> None:
    cache = DiskSegmentCache(tmp_path, 350)
    keys = [SegmentKey(1, "g", "480p", index) for index in range(4)]
    for age, key in enumerate(keys[:3]):
        cache.put(key, b"x" * 100)
        os.utime(cache.path(key), (1_000_000 + age, 1_000_000 + age))
    facts = SegmentFacts.of(b"x" * 100)
    used = cache.open(keys[0], facts)
    assert used is not None
    used.close()
    cache.put(keys[3], b"x" * 100)
    left = [key.index for key in keys if cache.path(key).exists()]
    assert left == [0, 2, 3]


async def test_resolutions_above_the_source_answer_with_the_best_there_is(
    container: Container, encoded: Path, tmp_path: Path
) -> None:
    """A title of one rendition, made from a title of three."""
    small = tmp_path / "small"
    small.mkdir()
    for path in encoded.iterdir():
        if not path.name.startswith(("720p", "1080p")):
            (small / path.name).write_bytes(path.read_bytes())
    manifest = Title(encoded).manifest
    replace(manifest, renditions=manifest.renditions[:1]).save(small)
    video = await publish(container, small)
    playlist = await container.packages.media_playlist(video.id, "480p")
    for resolution in ("720p", "1080p"):
        assert await container.packages.media_playlist(video.id, resolution) == playlist
        assert await fetch(container.streaming, video, resolution) == await fetch(
            container.streaming, video
        )
    assert container.streaming.cuts == 1
    multivariant = (await container.packages.multivariant_playlist(video.id)).content.decode()
    assert "480p/index.m3u8" in multivariant
    assert "720p" not in multivariant
