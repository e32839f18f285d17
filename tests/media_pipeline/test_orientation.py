"""Looking up which way up pictures are keeps none of them in memory."""

import gc
from collections.abc import Iterator

import av
import pytest

from media_pipeline.pictures.orientation import Orientations
from tests.clips.fixtures import ClipCache


@pytest.fixture
def no_collector() -> Iterator[None]:
    gc.collect()
    gc.disable()
    yield
    gc.enable()


@pytest.mark.usefixtures("no_collector")
def test_pictures_go_when_nobody_needs_them_any_more(clip_cache: ClipCache) -> None:
    clip = clip_cache.clip(width=320, height=180, seconds=2)
    orientations = Orientations()
    with av.open(str(clip.path)) as container:
        count = 0
        for frame in container.decode(video=0):
            assert orientations.of(frame) == ""
            count += 1
        del frame
    held = sum(isinstance(found, av.VideoFrame) for found in gc.get_objects())
    assert count == 50
    assert held <= 1  # the one that was looked at
