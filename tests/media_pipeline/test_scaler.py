"""One picture in, one for each rung out."""

from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest
from numpy.typing import NDArray

from media_pipeline.pictures.ladder import Rung
from media_pipeline.pictures.orientation import orientation
from media_pipeline.pictures.scaler import PictureShape, Scaler

TICK = Fraction(1, 1000)
GREY, BLACK = 120, 16


def grey(width: int, height: int) -> av.VideoFrame:
    frame = av.VideoFrame(width, height, "yuv420p")
    for plane, level in zip(frame.planes, (GREY, 128, 128), strict=True):
        plane.update(bytes([level]) * plane.buffer_size)
    frame.pts, frame.time_base = 0, TICK
    return frame


def scaled(frame: av.VideoFrame, rungs: tuple[Rung, ...], folder: Path) -> list[NDArray[np.uint8]]:
    """The luma of what comes out."""
    shape = PictureShape.of(frame, Fraction(1), orientation(frame))
    scaler = Scaler(shape, TICK, rungs, threads=1, folder=folder)
    (pictures,) = [*scaler.push(frame), *scaler.push(None)]
    assert [(p.width, p.height) for p in pictures] == [(r.width, r.height) for r in rungs]
    grey_only = [picture.reformat(format="gray").to_ndarray() for picture in pictures]
    return [np.asarray(picture, np.uint8) for picture in grey_only]


@pytest.mark.parametrize(
    ("size", "rows", "columns"),
    [
        ((120, 90), slice(0, 90), slice(20, 140)),
        ((160, 62), slice(14, 76), slice(0, 160)),
        ((90, 160), slice(0, 90), slice(54, 104)),
    ],
)
def test_another_aspect_than_the_rungs_gets_black_around_it(
    tmp_path: Path, size: tuple[int, int], rows: slice, columns: slice
) -> None:
    (luma,) = scaled(grey(*size), (Rung("480p", 160, 90, 10**6),), tmp_path)
    assert luma[rows, columns].min() > 100
    luma[rows, columns] = 0
    assert luma.max() < 40


def test_rounding_is_no_other_aspect(tmp_path: Path) -> None:
    rungs = (Rung("480p", 160, 90, 10**6), Rung("720p", 320, 180, 10**6))
    for luma in scaled(grey(322, 180), rungs, tmp_path):
        assert luma.min() > 100


def test_nothing_is_left_in_the_folder(tmp_path: Path) -> None:
    frame = grey(160, 90)
    frame.color_trc = 16
    scaled(frame, (Rung("480p", 160, 90, 10**6),), tmp_path)
    assert list(tmp_path.iterdir()) == []
