"""The picture that stands for a film: the most telling of several, as a JPEG."""

import os
from fractions import Fraction
from pathlib import Path

import av
import numpy as np

from media_pipeline.timeline import nearest

WIDTH = 640
_CANDIDATES = 24
_HISTOGRAM_BINS = 64
_QUALITY = "3"  # MJPEG quantiser scale, 2 (best) to 31


def write_jpeg(picture: av.VideoFrame, path: Path) -> None:
    """Scale to 640 wide, keep the aspect, and write durably."""
    height = max(2, 2 * nearest(Fraction(picture.height * WIDTH, picture.width) / 2))
    encoder = av.VideoCodecContext.create("mjpeg", "w")
    encoder.width, encoder.height = WIDTH, height
    encoder.pix_fmt = "yuvj420p"
    encoder.time_base = Fraction(1, 25)
    encoder.options = {"qmin": _QUALITY, "qmax": _QUALITY}
    scaled = picture.reformat(WIDTH, height, "yuvj420p")
    scaled.pts = 0
    scaled.time_base = encoder.time_base
    packets = [*encoder.encode(scaled), *encoder.encode(None)]
    with path.open("wb") as file:
        for packet in packets:
            file.write(bytes(packet))
        file.flush()
        os.fsync(file.fileno())


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
    """Looks at about two dozen pictures spread over the film and keeps the best one."""

    def __init__(self, expected_frames: int) -> None:
        self._step = max(1, expected_frames // _CANDIDATES)
        self._best: av.VideoFrame | None = None
        self._score = -1.0

    def look(self, index: int, small: av.VideoFrame, large: av.VideoFrame) -> None:
        """Judge the smallest rendition's picture (yuv420p), keep the largest's."""
        if index % self._step:
            return
        score = _entropy(small)
        if score > self._score:
            self._score = score
            self._best = large

    def write(self, path: Path) -> None:
        if self._best is not None:
            write_jpeg(self._best, path)
