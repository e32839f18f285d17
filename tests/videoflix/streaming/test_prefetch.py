"""The next segment is cut ahead of its viewer, and nobody else pays for it."""

import asyncio
import errno
import secrets
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import pytest

from media_pipeline.titles.title import Title
from tests.benchmarks.material import repeat_title
from tests.clips.fixtures import ClipCache
from tests.handlers.films import publish
from tests.media_pipeline.titles import ONE_RUNG, encode_title
from tests.videoflix.streaming.films import FIRST, cache_folder, cached, fetch, service_on
from tests.videoflix.waiting import until_true
from videoflix.container import Container
from videoflix.models import Video
from videoflix.ports import SegmentKey
from videoflix.streaming.flights import Flight, Flights
from videoflix.streaming.prefetch import Prefetch
from videoflix.streaming.service import StreamingService

SEGMENTS = 10


@pytest.fixture(scope="module")
def long_title(clip_cache: ClipCache) -> Path:
    """A film of ten segments."""
    clip = clip_cache.clip(seconds=35, width=96, height=54)

    def make(target: Path) -> None:
        unit = target.with_name(f"unit-{secrets.token_hex(4)}")
        encode_title(clip.path, unit, ONE_RUNG)
        repeat_title(unit, target, SEGMENTS * 3)
        (target / "thumbnail.jpg").write_bytes((unit / "thumbnail.jpg").read_bytes())

    return clip_cache.once("title of ten segments", make)


@pytest.fixture
async def video(container: Container, long_title: Path) -> Video:
    return await publish(container, long_title)


@pytest.fixture
async def service(container: Container) -> AsyncIterator[StreamingService]:
    async with service_on(container, prefetch=True) as opened:
        yield opened


def name(index: int) -> str:
    return f"segment_{index:03d}.ts"


async def test_a_viewer_waits_for_the_first_segment_alone(
    service: StreamingService, video: Video, long_title: Path
) -> None:
    """He takes longer to watch a segment than the next one takes to be cut."""
    title = Title(long_title)
    for index in range(SEGMENTS):
        assert await fetch(service, video, name=name(index)) == title.cut_ts("480p", index)
        await service.prefetched()
        assert service.cuts == 1, index
    assert service.cuts_ahead == SEGMENTS - 1
    for index in range(SEGMENTS):  # and again: all of it is there
        await fetch(service, video, name=name(index))
        await service.prefetched()
    assert (service.cuts, service.cuts_ahead) == (1, SEGMENTS - 1)


async def test_one_segment_ahead_and_not_a_second_time(
    container: Container, service: StreamingService, video: Video
) -> None:
    await asyncio.gather(*(fetch(service, video) for _ in range(50)))
    await service.prefetched()
    assert [path.name for path in cached(container)] == [FIRST, name(1)]
    (cached(container)[1]).unlink()
    await fetch(service, video)
    await service.prefetched()
    assert [path.name for path in cached(container)] == [FIRST]
    assert (service.cuts, service.cuts_ahead) == (1, 1)


async def test_who_asks_for_what_is_being_cut_ahead_joins_the_flight(
    container: Container, service: StreamingService, video: Video, long_title: Path
) -> None:
    """Held in the middle by the lock file of another process."""
    assert video.generation is not None
    key = SegmentKey(video.id, video.generation, "480p", 1)
    with container.cache.cutting(key):
        await fetch(service, video)
        await until_true(lambda: key in service._flights)
        waiting = [asyncio.create_task(fetch(service, video, name=name(1))) for _ in range(5)]
        done, _ = await asyncio.wait(waiting, timeout=0.2)
        assert not done
    right = Title(long_title).cut_ts("480p", 1)
    assert set(await asyncio.gather(*waiting)) == {bytes(right)}
    await service.prefetched()
    assert service.cuts + service.cuts_ahead == 2 + 1  # and the third segment, ahead
    assert service.cuts == 1


async def test_a_stop_takes_nothing_from_who_joined(
    container: Container, video: Video, long_title: Path
) -> None:
    """What is cut ahead is his too: it is finished, not cancelled."""
    assert video.generation is not None
    key = SegmentKey(video.id, video.generation, "480p", 1)
    async with service_on(container, prefetch=True) as service:
        with container.cache.cutting(key):
            await fetch(service, video)
            await until_true(lambda: key in service._flights)
            waiting = asyncio.create_task(fetch(service, video, name=name(1)))
            done, _ = await asyncio.wait([waiting], timeout=0.2)
            assert not done
            assert service._prefetch is not None
            closing = asyncio.create_task(service._prefetch.aclose())
            await asyncio.wait([closing], timeout=0.1)
        assert await waiting == Title(long_title).cut_ts("480p", 1)
        await closing


async def test_nothing_is_cut_ahead_while_somebody_waits(
    container: Container, video: Video, long_title: Path
) -> None:
    """A cut that somebody waits for is under way all the time: held by its lock file."""
    assert video.generation is not None
    async with service_on(container, prefetch=True, threads=1) as service:
        held = SegmentKey(video.id, video.generation, "480p", 5)
        await fetch(service, video)
        await service.prefetched()
        with container.cache.cutting(held):
            waits = asyncio.create_task(fetch(service, video, name=name(5)))
            await until_true(lambda: held in service._flights)
            await fetch(service, video, name=name(1))  # warm: the third is wanted ahead
            await asyncio.wait([asyncio.create_task(service.prefetched())], timeout=0.3)
            assert [path.name for path in cached(container)] == [FIRST, name(1)]
        assert await waits == Title(long_title).cut_ts("480p", 5)
        await service.prefetched()
        assert [path.name for path in cached(container)] == [FIRST, *map(name, (1, 2, 5, 6))]


async def test_a_cut_is_not_delayed_by_one_that_is_made_ahead(
    container: Container, video: Video, long_title: Path
) -> None:
    """With one thread for cuts, and the one ahead held in the middle."""
    assert video.generation is not None
    async with service_on(container, prefetch=True, threads=1) as service:
        with container.cache.cutting(SegmentKey(video.id, video.generation, "480p", 1)):
            await fetch(service, video)
            assert await fetch(service, video, name=name(7)) == Title(long_title).cut_ts("480p", 7)
            assert service.cuts == 2


async def test_nothing_ahead_on_a_small_a_broken_or_no_cache(
    container: Container, video: Video, long_title: Path
) -> None:
    size = Title(long_title).ts_facts("480p", 0).size
    for budget in (10 * size, 0):
        async with service_on(container, budget, prefetch=True) as service:
            await fetch(service, video)
            await service.prefetched()
            assert service.cuts_ahead == 0
        container.cache.purge()
    folder = cache_folder(container)
    folder.rename(folder.with_name("away"))
    folder.write_text("a file where the folder should be")
    async with service_on(container, prefetch=True) as service:
        for index in range(3):
            await fetch(service, video, name=name(index))
            await service.prefetched()
        assert (service.cuts, service.cuts_ahead) == (3, 0)


async def test_what_nobody_asks_for_is_a_small_part_of_the_cache(
    container: Container, video: Video, long_title: Path
) -> None:
    """Viewers who leave after one segment each."""
    sizes = [Title(long_title).ts_facts("480p", index).size for index in range(SEGMENTS)]
    budget = 16 * max(sizes)  # an eighth is two segments
    async with service_on(container, budget, prefetch=True) as service:
        for index in (0, 2, 4, 6):
            await fetch(service, video, name=name(index))
            await service.prefetched()
        assert service.cuts_ahead == 2
        await fetch(service, video, name=name(1))  # was asked for now, and has made room
        await service.prefetched()
        await fetch(service, video, name=name(7))
        await service.prefetched()
        assert service.cuts_ahead == 3
        assert sum(path.stat().st_size for path in cached(container)) <= budget


async def test_a_segment_that_is_damaged_is_left_to_who_asks_for_it(
    container: Container, service: StreamingService, video: Video
) -> None:
    assert video.generation is not None
    track = container.media.title(video.id, video.generation) / "480p.mp4"
    data = bytearray(track.read_bytes())
    data[len(data) // 6] ^= 1  # in the second of ten segments
    track.write_bytes(data)
    await fetch(service, video)
    await service.prefetched()
    assert [path.name for path in cached(container)] == [FIRST]
    assert service.cuts_ahead == 0
    await fetch(service, video, name=name(4))
    await service.prefetched()
    assert service.cuts_ahead == 1  # it goes on with others


async def test_a_disk_that_fails_once_costs_one_segment(
    container: Container, video: Video, long_title: Path
) -> None:
    """Those behind it in the queue are cut ahead all the same."""
    started: list[int] = []
    flights = Flights()

    async def work(flight: Flight) -> None:
        if len(started) == 1:
            raise OSError(errno.EIO, "a bad block")
        flight.tell(None)

    def start(key: SegmentKey, *_: object) -> Flight:
        started.append(key.index)
        return flights.take_off(key, work)

    prefetch = Prefetch(container.cache, 1_000_000_000, start)
    title = Title(long_title)
    with prefetch.somebody_waits():
        for index in range(3):
            prefetch.note(SegmentKey(video.id, "g", "480p", 2 * index), title)
    await prefetch.settled()
    assert started == [1, 3, 5]
    await prefetch.aclose()


async def test_it_ends_with_the_server(
    container: Container, video: Video, long_title: Path
) -> None:
    started: list[SegmentKey] = []
    prefetch = Prefetch(container.cache, 1_000_000_000, lambda key, *_: started.append(key))
    title = Title(long_title)
    key = SegmentKey(video.id, "g", "480p", 0)
    with prefetch.somebody_waits():
        for index in range(5):
            prefetch.note(replace(key, index=index), title)
        await prefetch.aclose()
    await prefetch.settled()
    assert started == []
    prefetch.note(replace(key, index=9), title)  # the last one has no next
    assert started == []
