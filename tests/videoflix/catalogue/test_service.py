"""The catalogue lists what is ready and makes addresses of the configured URL."""

from collections.abc import AsyncIterator

import pytest

from tests.videoflix.parts import Parts, open_parts
from videoflix.adapters.mongo.film_states import MongoFilmStates
from videoflix.adapters.mongo.removals import MongoRemovalStore
from videoflix.adapters.mongo.video_edits import MongoVideoEdits
from videoflix.adapters.mongo.video_records import VIDEOS
from videoflix.catalogue.service import CatalogueService
from videoflix.errors import NotFound
from videoflix.models import VideoDetails
from videoflix.settings import Settings


@pytest.fixture
async def parts(settings: Settings) -> AsyncIterator[Parts]:
    async with open_parts(settings) as opened:
        yield opened


async def add(parts: Parts, *, is_ready: bool) -> int:
    video_id = await parts.videos.next_id()
    await parts.videos.add(video_id, VideoDetails("t"), source_size=1, has_own_thumbnail=False)
    if is_ready:
        lease = await parts.videos.claim("tester", 60, 5)
        assert lease is not None
        await parts.videos.publish(lease, lease.token)
    return video_id


async def test_only_ready_videos_newest_first(parts: Parts) -> None:
    catalogue = CatalogueService(parts.videos, public_url="http://films.example")
    first = await add(parts, is_ready=True)
    second = await add(parts, is_ready=True)
    waiting = await add(parts, is_ready=False)
    assert [video.id for video in await catalogue.list_ready()] == [second, first]
    assert (await catalogue.find(waiting)).id == waiting
    with pytest.raises(NotFound):
        await catalogue.find(waiting + 1)


async def test_thumbnail_urls_are_absolute_and_follow_the_settings(parts: Parts) -> None:
    catalogue = CatalogueService(parts.videos, public_url="https://films.example/")
    video = await catalogue.find(await add(parts, is_ready=True))
    assert catalogue.thumbnail_url(video) == "https://films.example/media/thumbnails/video_1.jpg"


LONG = 3600.0


async def test_each_change_is_seen_at_once_and_no_change_reads_nothing(parts: Parts) -> None:
    catalogue = CatalogueService(parts.videos, public_url="http://films.example", listed=LONG)
    edits, states = MongoVideoEdits(parts.database), MongoFilmStates(parts.database)
    assert await catalogue.list_ready() == []
    first, second = await add(parts, is_ready=True), await add(parts, is_ready=True)
    listed = await catalogue.list_ready()
    assert [video.id for video in listed] == [second, first]
    await add(parts, is_ready=False)
    assert await catalogue.list_ready() is listed
    await edits.edit(first, {"title": "Another title"})
    assert [video.title for video in await catalogue.list_ready()] == ["t", "Another title"]
    await edits.set_own_thumbnail(first, is_own=True)
    assert [video.thumbnail_version for video in await catalogue.list_ready()] == [0, 1]
    assert await parts.videos.encode_again(first)
    lease = await parts.videos.claim("tester", 60, 5)
    assert lease is not None
    assert lease.video_id == first
    await parts.videos.publish(lease, "another")
    assert [video.generation for video in await catalogue.list_ready()][1] == "another"
    state = await states.find(second)
    assert state is not None
    assert await states.lose(state, title=True, source=True)
    assert [video.id for video in await catalogue.list_ready()] == [first]
    assert await MongoRemovalStore(parts.database).delete(first)
    assert await catalogue.list_ready() == []


async def test_a_change_that_no_version_tells_of_is_seen_soon(parts: Parts) -> None:
    """By a process that was killed between the two writes, or that knows of no versions."""
    never, soon = (
        CatalogueService(parts.videos, public_url="http://films.example", listed=seconds)
        for seconds in (LONG, 0.0)
    )
    await add(parts, is_ready=True)
    for catalogue in (never, soon):
        assert [video.title for video in await catalogue.list_ready()] == ["t"]
    await parts.database.collection(VIDEOS).update_one({}, {"$set": {"title": "Another"}})
    assert [video.title for video in await never.list_ready()] == ["t"]
    assert [video.title for video in await soon.list_ready()] == ["Another"]
