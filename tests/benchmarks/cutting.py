"""What a cold MPEG-TS segment costs, beside what it costs without a sample table.

All figures are from one run on one machine, taken in turns, so that their ratios travel. The
baseline is what a server without a sample table does for each request: open the film, seek,
copy the packets of the segment into MPEG-TS. The floor is one read and one copy of the bytes.
"""

import io
import os
import statistics
import time
from collections.abc import Callable
from dataclasses import dataclass
from fractions import Fraction
from functools import partial
from pathlib import Path

import av

from media_pipeline.job import EncodeSettings
from media_pipeline.title import Title
from tests.benchmarks.material import encode_unit, progressive_copy, repeat_title

RENDITION = "1080p"
SHORT_GOPS, LONG_GOPS = 60, 3600
_PLACES = 10
SETTINGS = EncodeSettings(preset="veryfast", crf=22, rungs=(RENDITION,))


@dataclass(frozen=True)
class Film:
    """One title, and the same packets as an ordinary MP4."""

    name: str
    title: Title
    progressive: Path


@dataclass(frozen=True)
class Measured:
    """Milliseconds of each try."""

    name: str
    tries: list[float]

    @property
    def median(self) -> float:
        return statistics.median(self.tries)

    @property
    def p99(self) -> float:
        return sorted(self.tries)[min(len(self.tries) - 1, int(len(self.tries) * 0.99))]


def make_films(
    source: Path, folder: Path, settings: EncodeSettings, lengths: dict[str, int]
) -> list[Film]:
    """Encode ``source`` once, repeat it to films of so many GOPs."""
    rendition = settings.rungs[0].partition("=")[0]
    encode_unit(source, folder / "unit", settings)
    films = []
    for number, (name, gops) in enumerate(lengths.items()):
        title = repeat_title(folder / "unit", folder / f"title-{number}", gops)
        path = folder / f"film-{number}.mp4"
        progressive_copy(title, rendition, path)
        films.append(Film(name, title, path))
    return films


def remux(path: Path, start: Fraction, end: Fraction) -> bytes:
    """The baseline: open, seek to the IDR at ``start`` seconds, copy packets until ``end``."""
    buffer = io.BytesIO()
    with (
        av.open(str(path)) as source,
        av.open(buffer, "w", format="mpegts") as muxer,
    ):
        streams = {
            stream.index: muxer.add_stream_from_template(stream) for stream in source.streams
        }
        source.seek(int(start * 1_000_000))
        open_streams = set(streams)
        for packet in source.demux():
            if packet.dts is None or packet.pts is None:
                continue
            now = packet.pts * packet.time_base
            is_video = packet.stream.type == "video"
            if now >= end and (packet.is_keyframe or not is_video):
                open_streams.discard(packet.stream_index)
            if not open_streams:
                break
            if packet.stream_index in open_streams and now >= start:
                packet.stream = streams[packet.stream_index]
                muxer.mux_one(packet)
    return buffer.getvalue()


def _floor(path: Path, size: int, offset: int) -> bytes:
    """Read and copy as many bytes as the segment has, from where its pictures are."""
    file = os.open(path, os.O_RDONLY)
    try:
        return bytes(bytearray(os.pread(file, size, offset)))
    finally:
        os.close(file)


def _timed(call: Callable[[], bytes | memoryview]) -> tuple[float, int]:
    begin = time.perf_counter()
    data = call()
    return (time.perf_counter() - begin) * 1000, len(data)


def _places(film: Film) -> list[int]:
    """As many segments of each film, spread over it, so that caches serve all films alike. Not
    the last one: the baseline would have an end of file to help it."""
    count = film.title.grid.segment_count
    return [1 + (count - 3) * n // (_PLACES - 1) for n in range(_PLACES)]


def _calls(film: Film, index: int) -> tuple[dict[str, Callable[[], bytes | memoryview]], int]:
    """What is compared for one segment, and the segment's size in bytes."""
    title, grid = film.title, film.title.grid
    rendition = title.names[0]
    segment = grid.segment(index)
    start = segment.first_frame / grid.rate
    end = start + grid.segment_seconds(index)
    size = title.ts_facts(rendition, index).size
    track = title.folder / f"{rendition}.mp4"
    offset = max(0, track.stat().st_size * index // grid.segment_count - size)
    calls: dict[str, Callable[[], bytes | memoryview]] = {
        f"cut, {film.name}": partial(title.cut_ts, rendition, index),
        f"open, seek, remux, {film.name}": partial(remux, film.progressive, start, end),
        f"read and copy, {film.name}": partial(_floor, track, size, offset),
    }
    return calls, size


def measure_films(films: list[Film], tries: int) -> tuple[list[Measured], float]:
    """Times of cut, baseline and floor for each film, in turns; the mean segment in bytes."""
    found: dict[str, list[float]] = {}
    sizes = []
    for attempt in range(tries):
        for film in films:
            calls, size = _calls(film, _places(film)[attempt % _PLACES])
            sizes.append(size)
            for name, call in calls.items():
                milliseconds, length = _timed(call)
                # Each must have done the whole work, or the comparison means nothing.
                assert length > size * 0.9, f"{name}: {length} bytes instead of about {size}"
                found.setdefault(name, []).append(milliseconds)
    return [Measured(name, times) for name, times in found.items()], statistics.mean(sizes)
