"""The catalogue lists what is ready and makes addresses of the configured URL."""

from collections.abc import AsyncIterator

import pytest

from tests.videoflix.parts import Parts, open_parts
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
