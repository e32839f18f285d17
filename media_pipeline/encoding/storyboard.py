"""Small pictures of a film for its seek bar: sheets of them, and a WebVTT file that tells where
each one stands (``sprite-0.jpg#xywh=x,y,w,h``, W3C Media Fragments §4.2.2)."""

import os
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import numpy.typing as npt

from media_pipeline.encoding.jpeg import PIXELS, even, jpeg_frame, write_jpeg
from media_pipeline.sides.cues import cue_block
from media_pipeline.timeline import FrameGrid
from media_pipeline.titles.manifest import StoryboardFacts
from media_pipeline.titles.side_files import SIGNATURE, STORYBOARD, sprite_file

_BOX = (160, 288)  # a small picture is as large as fits
_SIDE = 10  # of a sheet, in pictures
_QUALITY = 5
# Lengths to choose from, in GOPs (2 s): the first with which there are at most so many pictures.
# Each but the first begins with an IDR. A film of 12 hours has 2,160 pictures of 20 s.
_INTERVALS = (Fraction(1, 2), *map(Fraction, (1, 2, 5, 10, 20, 50)))
_MOST = (100, 100, 100, 2500, 2500, 2500)


def plan(grid: FrameGrid, width: int, height: int) -> StoryboardFacts:
    """The storyboard of a film with pictures of ``width`` × ``height``."""
    scale = min(Fraction(_BOX[0], width), Fraction(_BOX[1], height))
    interval = count = 0
    for gops, most in zip(_INTERVALS, (*_MOST, grid.frames), strict=True):
        interval = max(1, int(gops * grid.gop_frames))
        count = -(-grid.frames // interval)
        if count <= most:
            break
    columns = min(_SIDE, count)
    rows = min(_SIDE, -(-count // columns))
    return StoryboardFacts(
        even(width * scale), even(height * scale), columns, rows, interval, count
    )


class StoryboardMaker:
    """Fills one sheet after the other, in memory one at a time; used once."""

    def __init__(self, folder: Path, grid: FrameGrid) -> None:
        self._folder = folder
        self._grid = grid
        self._planes: list[npt.NDArray[np.uint8]] = []
        self._count = 0

    def look(self, index: int, picture: av.VideoFrame) -> None:
        """Called with each picture (yuv420p) in turn."""
        if index == 0:
            self._facts = plan(self._grid, picture.width, picture.height)
            self._places = self._facts.columns * self._facts.rows
            self._planes = self._black()
        if index % self._facts.interval:
            return
        place = self._count % self._places
        if self._count and not place:
            self._write()
        self._put(place, jpeg_frame(picture, self._facts.width, self._facts.height))
        self._count += 1

    def finish(self) -> StoryboardFacts:
        """Write the last sheet, the rest of it black, and ``storyboard.vtt``, durably."""
        self._write()
        with (self._folder / STORYBOARD).open("x", encoding="utf-8", newline="\n") as file:
            file.write(SIGNATURE)
            for index in range(self._facts.count):
                file.write(self._cue(index))
            file.flush()
            os.fsync(file.fileno())
        return self._facts

    def _black(self) -> list[npt.NDArray[np.uint8]]:
        height, width = (
            self._facts.rows * self._facts.height,
            self._facts.columns * self._facts.width,
        )
        half = (height // 2, width // 2)
        return [
            np.zeros((height, width), np.uint8),
            np.full(half, 128, np.uint8),
            np.full(half, 128, np.uint8),
        ]

    def _put(self, place: int, picture: av.VideoFrame) -> None:
        row, column = divmod(place, self._facts.columns)
        for sheet, plane in zip(self._planes, picture.planes, strict=True):
            lines = np.frombuffer(memoryview(plane), np.uint8).reshape(-1, plane.line_size)
            top, left = row * plane.height, column * plane.width
            sheet[top : top + plane.height, left : left + plane.width] = lines[
                : plane.height, : plane.width
            ]

    def _write(self) -> None:
        pixels = np.concatenate([plane.ravel() for plane in self._planes])
        width = self._planes[0].shape[1]
        sheet = av.VideoFrame.from_ndarray(pixels.reshape(-1, width), format=PIXELS)
        number = (self._count - 1) // self._places
        write_jpeg(sheet, self._folder / sprite_file(number), _QUALITY)
        self._planes = self._black()

    def _cue(self, index: int) -> str:
        facts = self._facts
        sheet, place = divmod(index, self._places)
        row, column = divmod(place, facts.columns)
        first = index * facts.interval
        last = min(first + facts.interval, self._grid.frames)
        area = f"{column * facts.width},{row * facts.height},{facts.width},{facts.height}"
        return cue_block(
            first / self._grid.rate,
            last / self._grid.rate,
            f"{sprite_file(sheet)}#xywh={area}",
        )
