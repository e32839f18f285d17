"""The picture that stands for a film: the most telling of several, as a JPEG."""

from fractions import Fraction
from pathlib import Path

import av
import numpy as np

from media_pipeline.encoding.jpeg import even, jpeg_frame, write_jpeg
from media_pipeline.timeline import FrameGrid

THUMBNAIL = "thumbnail.jpg"
WIDTH = 640
_CANDIDATES = 24
_HISTOGRAM_BINS = 64
_QUALITY = 3


def _entropy(picture: av.VideoFrame) -> float:
    """Bits of the brightness histogram: low for black, white and fades, high for detail."""
    plane = picture.planes[0]
    luma = np.frombuffer(memoryview(plane), np.uint8).reshape(-1, plane.line_size)[
        :, : picture.width
    ]
    counts, _ = np.histogram(luma, bins=_HISTOGRAM_BINS, range=(0, 256))
    shares = counts[counts > 0] / luma.size
    return float(-(shares * np.log2(shares)).sum())


class ThumbnailChooser:
    """Looks at about two dozen pictures spread over a film and keeps the best one.

    ``is_idrs_only``: the film has so many GOPs that all of them are IDRs.
    """

    def __init__(self, grid: FrameGrid) -> None:
        self.is_idrs_only = grid.gops >= _CANDIDATES
        if self.is_idrs_only:
            self._step = grid.gops // _CANDIDATES * grid.gop_frames
        else:
            self._step = max(1, grid.frames // _CANDIDATES)
        self._best: av.VideoFrame | None = None
        self._score = -1.0

    def look(self, index: int, picture: av.VideoFrame) -> None:
        """Called with each picture (yuv420p) in turn."""
        if index % self._step:
            return
        small = jpeg_frame(picture, WIDTH, even(Fraction(picture.height * WIDTH, picture.width)))
        score = _entropy(small)
        if score > self._score:
            self._score = score
            self._best = small

    def write(self, folder: Path) -> None:
        """Write ``thumbnail.jpg`` durably. There must have been a picture."""
        assert self._best is not None  # noqa: S101 - a title has pictures
        write_jpeg(self._best, folder / THUMBNAIL, _QUALITY)
