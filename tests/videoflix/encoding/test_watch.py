"""Who listens for films' changes: told of each film's latest state, once a change."""

from collections.abc import AsyncIterator
from datetime import timedelta

import pytest

from tests.videoflix.parts import Parts, open_parts
from videoflix.encoding.watch import FilmWatch, Listener
from videoflix.models import DeletedVideo, EncodeProgress, Video, VideoDetails
from videoflix.settings import Settings

MANY = 50


@pytest.fixture
async def parts(settings: Settings) -> AsyncIterator[Parts]:
    async with open_parts(settings) as opened:
        yield opened


async def add(parts: Parts) -> int:
    video_id = await parts.videos.next_id()
    details = VideoDetails("A film")
    await parts.videos.add(video_id, details, source_size=1, has_own_thumbnail=False)
    return video_id


def told(change: Video | DeletedVideo) -> tuple[int, int]:
    return change.id, change.progress if isinstance(change, Video) else -1


async def heard(listener: Listener, count: int) -> list[tuple[int, int]]:
    """Ids and progress of the next so many films."""
    found: list[tuple[int, int]] = []
    while len(found) < count:
        await listener.wait(30)
        taken = listener.take()
        assert taken
        found += [told(change) for change in taken]
    return found


async def test_who_takes_nothing_is_kept_one_state_of_each_film(parts: Parts) -> None:
    first, second = await add(parts), await add(parts)
    lease = await parts.videos.claim("test", 60, 5)
    assert lease is not None
    listener = Listener()
    states = []
    for percent in range(1, MANY):
        await parts.videos.renew(lease, 60, EncodeProgress("encode", percent))
        for video_id in (second, first):
            video = await parts.videos.find(video_id)
            assert video is not None
            states.append(video)
            listener.put(video)
    listener.put(states[1])  # one that was read before, and comes late
    assert [told(change) for change in listener.take()] == [(second, 0), (first, 49)]
    assert listener.take() == []


async def test_a_change_is_told_once_though_each_look_goes_back_a_little(parts: Parts) -> None:
    watch = FilmWatch(parts.lists, lag=600)
    video_id = await add(parts)
    async with watch.listening() as listener:
        assert await heard(listener, 1) == [(video_id, 0)]
        lease = await parts.videos.claim("test", 60, 5)
        assert lease is not None
        told = []
        for percent in (10, 20, 30):
            await parts.videos.renew(lease, 60, EncodeProgress("encode", percent))
            while (video_id, percent) not in told:
                told += await heard(listener, 1)
        assert len(told) == len(set(told))
        assert told[-1] == (video_id, 30)


async def test_who_missed_too_much_begins_anew(parts: Parts) -> None:
    for _ in range(3):
        await add(parts)
    now = await parts.lists.now()
    watch = FilmWatch(parts.lists, lag=5)
    async with watch.listening(now) as listener:
        assert listener.is_resumed
    watch = FilmWatch(parts.lists, lag=5, resume_max=2)
    async with watch.listening(now) as listener:
        assert not listener.is_resumed
    async with watch.listening(now - timedelta(hours=2)) as listener:
        assert not listener.is_resumed
    assert watch.is_resting
