"""How a clip's pictures code colours, and patches of known colours in them.

Six patches lie side by side over the lower part of every picture. Their colours are R'G'B'
of 8 bits as an ordinary (BT.709, or BT.601) screen shows them; for PQ and HLG they are the coded
values themselves, taken as they are.
"""

from dataclasses import dataclass
from itertools import pairwise

import av
import numpy as np
from numpy.typing import NDArray

Colour = tuple[float, float, float]

PATCHES: tuple[Colour, ...] = (
    (180, 180, 180),
    (60, 60, 60),
    (190, 50, 50),
    (50, 170, 60),
    (60, 70, 190),
    (190, 170, 60),
)
PATCH_TOP, PATCH_BOTTOM = 0.70, 0.96
PATCH_LEFT, PATCH_RIGHT = 0.04, 0.96

# Weights of red and blue in luma: ITU-R BT.601-7 §2.5.1, BT.709-6 §3.2, BT.2020-2 table 4.
_WEIGHTS = {"bt601": (0.299, 0.114), "bt709": (0.2126, 0.0722), "bt2020": (0.2627, 0.0593)}
# Code points of Rec. ITU-T H.273: matrix coefficients and primaries.
_MATRIX = {"bt601": 6, "bt709": 1, "bt2020": 9}
_PRIMARIES = {"bt601": 6, "bt709": 1, "bt2020": 9}
_TRANSFER = {"sdr": 1, "pq": 16, "hlg": 18}
_RANGE = {False: 1, True: 2}


@dataclass(frozen=True)
class Colours:
    """``matrix`` is bt601, bt709 or bt2020, ``transfer`` sdr, pq or hlg; ``full`` uses all 256
    levels of 8 bits. ``is_tagged`` writes all of it into the stream."""

    matrix: str = "bt601"
    transfer: str = "sdr"
    full: bool = False
    is_tagged: bool = False

    def code(self, colour: Colour) -> Colour:
        """Y'CbCr of 8 bits."""
        red, green, blue = (value / 255 for value in colour)
        of_red, of_blue = _WEIGHTS[self.matrix]
        luma = of_red * red + (1 - of_red - of_blue) * green + of_blue * blue
        cb = (blue - luma) / 2 / (1 - of_blue)
        cr = (red - luma) / 2 / (1 - of_red)
        if self.full:
            return 255 * luma, 128 + 255 * cb, 128 + 255 * cr
        return 16 + 219 * luma, 128 + 224 * cb, 128 + 224 * cr

    def luma(self, colour: Colour) -> float:
        """The grey of a colour."""
        of_red, of_blue = _WEIGHTS[self.matrix]
        return of_red * colour[0] + (1 - of_red - of_blue) * colour[1] + of_blue * colour[2]

    def colour(self, code: Colour) -> Colour:
        """R'G'B' of limited range Y'CbCr of 8 bits."""
        luma, cb, cr = (code[0] - 16) / 219, (code[1] - 128) / 224, (code[2] - 128) / 224
        of_red, of_blue = _WEIGHTS[self.matrix]
        red = luma + 2 * (1 - of_red) * cr
        blue = luma + 2 * (1 - of_blue) * cb
        green = (luma - of_red * red - of_blue * blue) / (1 - of_red - of_blue)
        return 255 * red, 255 * green, 255 * blue

    def tag(self, context: av.VideoCodecContext) -> None:
        if self.is_tagged:
            context.colorspace = _MATRIX[self.matrix]
            context.color_primaries = _PRIMARIES[self.matrix]
            context.color_trc = _TRANSFER[self.transfer]
            context.color_range = _RANGE[self.full]


def _edges(first: float, last: float, parts: int, size: int) -> list[int]:
    return [round((first + (last - first) * part / parts) * size) for part in range(parts + 1)]


def draw_patches(plane: NDArray[np.uint8], levels: list[float]) -> None:
    """One level for each patch into an upright plane of any size."""
    height, width = plane.shape
    rows = slice(round(PATCH_TOP * height), round(PATCH_BOTTOM * height))
    edges = _edges(PATCH_LEFT, PATCH_RIGHT, len(levels), width)
    for (first, last), level in zip(pairwise(edges), levels, strict=True):
        plane[rows, first:last] = min(255, max(0, round(level)))


def _patch_means(plane: NDArray[np.uint8]) -> list[float]:
    """The mean of the middle of each patch in an upright plane."""
    height, width = plane.shape
    rows = _edges(PATCH_TOP, PATCH_BOTTOM, 4, height)
    edges = _edges(PATCH_LEFT, PATCH_RIGHT, 4 * len(PATCHES), width)
    return [
        float(plane[rows[1] : rows[3], edges[4 * n + 1] : edges[4 * n + 3]].mean())
        for n in range(len(PATCHES))
    ]


def read_patches(frame: av.VideoFrame, colours: Colours) -> list[Colour]:
    """R'G'B' of the patches of an upright picture, yuv420p in limited range."""
    if frame.format.name != "yuv420p":
        raise ValueError(f"patches are read from yuv420p, not from {frame.format.name}")
    means = []
    for plane in frame.planes:
        whole = np.frombuffer(memoryview(plane), np.uint8).reshape(-1, plane.line_size)
        means.append(_patch_means(whole[: plane.height, : plane.width]))
    return [colours.colour((y, u, v)) for y, u, v in zip(*means, strict=True)]
