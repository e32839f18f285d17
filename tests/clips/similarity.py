"""How like two films are: SSIM, by FFmpeg's filter, of every picture.

The reference is the source through the product's own scaler, so that the loss of coding alone is
measured.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from statistics import fmean

import av
from av.filter import Graph

from media_pipeline.pictures.ladder import Rung
from media_pipeline.pictures.orientation import orientation
from media_pipeline.pictures.scaler import PictureShape, Scaler
from tests.clips.read import open_strictly

TICK = Fraction(1, 1000)


@dataclass(frozen=True, slots=True)
class Similarity:
    """1 is the same. ``least`` is that of the worst picture."""

    mean: float
    least: float
    pictures: int


def similarity(source: Path, track: Path, folder: Path) -> Similarity:
    """Of a whole film: see ``similarities``."""
    values = similarities(source, track, folder)
    return Similarity(fmean(values), min(values), len(values))


def similarities(source: Path, track: Path, folder: Path) -> list[float]:
    """Of each picture of ``track`` to the picture of ``source`` in the same place.

    Both hold equally many. ``folder`` is for the scaler's scratch files.
    """
    with open_strictly(track) as container:
        video = container.streams.video[0]
        rung = Rung(track.stem, video.width, video.height, 0)
        return list(_values(_scaled(source, rung, folder), container.decode(video), rung))


def _scaled(source: Path, rung: Rung, folder: Path) -> Iterator[av.VideoFrame]:
    scaler: Scaler | None = None
    with open_strictly(source) as container:
        video = container.streams.video[0]
        aspect = Fraction(video.sample_aspect_ratio or 1) or Fraction(1)
        for number, frame in enumerate(container.decode(video)):
            frame.pts, frame.time_base = number, TICK
            if scaler is None:
                shape = PictureShape.of(frame, aspect, orientation(frame))
                scaler = Scaler(shape, TICK, (rung,), threads=1, folder=folder)
            for (picture,) in scaler.push(frame):
                yield picture
    if scaler is not None:
        for (picture,) in scaler.push(None):
            yield picture


def _values(
    wanted: Iterator[av.VideoFrame], made: Iterator[av.VideoFrame], rung: Rung
) -> Iterator[float]:
    graph = Graph()
    inputs = [
        graph.add_buffer(
            width=rung.width,
            height=rung.height,
            format=av.VideoFormat("yuv420p"),
            time_base=TICK,
        )
        for _ in range(2)
    ]
    ssim, sink = graph.add("ssim"), graph.add("buffersink")
    for pad, source in enumerate(inputs):
        source.link_to(ssim, 0, pad)
    ssim.link_to(sink)
    graph.configure()
    for number, pair in enumerate(zip(made, wanted, strict=True)):
        for source, frame in zip(inputs, pair, strict=True):
            frame.pts, frame.time_base = number, TICK
            source.push(frame)
        yield from _ready(sink)
    for source in inputs:
        source.push(None)
    yield from _ready(sink)


def _ready(sink: av.filter.context.FilterContext) -> Iterator[float]:
    while True:
        try:
            frame = sink.pull()
        except (av.BlockingIOError, av.EOFError):
            return
        assert isinstance(frame, av.VideoFrame)
        yield float(frame.metadata["lavfi.ssim.All"])
