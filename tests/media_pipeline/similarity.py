"""How much pictures look like those that they were made of: SSIM (Wang et al., 2004) of the luma,
in windows of 8 × 8 at every fourth line and column, as in libavfilter."""

from collections.abc import Iterator
from pathlib import Path

import av
import numpy as np
from av.video.reformatter import Interpolation
from numpy.typing import NDArray

_STEP = 4
_PIXELS = 64
_C1 = (0.01 * 255) ** 2
_C2 = (0.03 * 255) ** 2

Luma = NDArray[np.float64]


def ssim(first: Luma, second: Luma) -> float:
    """1 for equal pictures."""
    s1, s2 = _windows(first), _windows(second)
    squares = _windows(first * first + second * second)
    both = _windows(first * second)
    variances = squares * _PIXELS - s1 * s1 - s2 * s2
    covariance = both * _PIXELS - s1 * s2
    c1, c2 = _C1 * _PIXELS * _PIXELS, _C2 * _PIXELS * (_PIXELS - 1)
    values = (2 * s1 * s2 + c1) * (2 * covariance + c2)
    return float((values / ((s1 * s1 + s2 * s2 + c1) * (variances + c2))).mean())


def _windows(values: Luma) -> Luma:
    rows, columns = (size // _STEP for size in values.shape)
    blocks = values[: rows * _STEP, : columns * _STEP].reshape(rows, _STEP, columns, _STEP)
    sums: Luma = blocks.sum(axis=(1, 3))
    windows: Luma = sums[:-1, :-1] + sums[1:, :-1] + sums[:-1, 1:] + sums[1:, 1:]
    return windows


def _luma(path: Path, size: tuple[int, int]) -> Iterator[Luma]:
    with av.open(str(path)) as container:
        for frame in container.decode(video=0):
            scaled = frame.reformat(*size, "yuv420p", interpolation=Interpolation.BICUBIC)
            yield scaled.to_ndarray()[: size[1]].astype(np.float64)


def ssim_to_source(source: Path, track: Path) -> NDArray[np.float64]:
    """Of each picture of a track, whose film has the same pictures at the same rate."""
    with av.open(str(track)) as container:
        context = container.streams.video[0].codec_context
        size = (context.width, context.height)
    pairs = zip(_luma(source, size), _luma(track, size), strict=True)
    return np.array([ssim(*pair) for pair in pairs])
