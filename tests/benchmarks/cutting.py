"""What a cold MPEG-TS segment costs, beside what it costs without a sample table.

All figures are from one run on one machine, taken in turns, so that their ratios travel. The
baseline is what a server without a sample table does for each request: open the film, seek,
copy the packets of the segment into MPEG-TS. The floor is one read and one copy of the bytes.
"""

import io
import os
import statistics
import time
from collections.abc import Callable, Sequence
from fractions import Fraction
from functools import partial
from pathlib import Path
from typing import TypeAlias

import av

from media_pipeline.transport.buffers import Buffers, Room
from tests.benchmarks.films import Film
from tests.benchmarks.rows import Row, Times, at_least, at_most
from tests.benchmarks.scale import Scale
from tests.benchmarks.served import Films
from videoflix.streaming.service import KEPT_BYTES

_PLACES = 10
Data: TypeAlias = bytes | bytearray | memoryview


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


def _floor(path: Path, size: int, offset: int) -> bytearray:
    """Read and copy as many bytes as the segment has, from where its pictures are."""
    file = os.open(path, os.O_RDONLY)
    try:
        return bytearray(os.pread(file, size, offset))
    finally:
        os.close(file)


def _timed(call: Callable[[], Data]) -> tuple[float, int]:
    begin = time.perf_counter()
    data = call()
    return (time.perf_counter() - begin) * 1000, len(data)


def _places(film: Film) -> list[int]:
    """As many segments of each film, spread over it, so that caches serve all films alike. Not
    the last one: the baseline would have an end of file to help it."""
    count = film.title.grid.segment_count
    return [1 + (count - 3) * n // (_PLACES - 1) for n in range(_PLACES)]


def _calls(film: Film, index: int, room: Room) -> tuple[dict[str, Callable[[], Data]], int]:
    """What is compared for one segment, and the segment's size in bytes."""
    title, grid = film.title, film.title.grid
    rendition = title.names[0]
    segment = grid.segment(index)
    start = segment.first_frame / grid.rate
    end = start + grid.segment_seconds(index)
    size = title.ts_facts(rendition, index).size
    track = title.folder / f"{rendition}.mp4"
    offset = max(0, track.stat().st_size * index // grid.segment_count - size)
    calls: dict[str, Callable[[], Data]] = {
        f"cut, {film.name}": partial(title.cut_ts, rendition, index, room),
        f"open, seek, remux, {film.name}": partial(remux, film.progressive, start, end),
        f"read and copy, {film.name}": partial(_floor, track, size, offset),
    }
    return calls, size


def measure_films(films: Sequence[Film], tries: int) -> tuple[dict[str, Times], float]:
    """Times of cut, baseline and floor for each film, in turns; the mean segment in bytes."""
    found: dict[str, list[float]] = {}
    sizes = []
    room = Buffers(KEPT_BYTES)  # as in the server
    for attempt in range(tries):
        for film in films:
            calls, size = _calls(film, _places(film)[attempt % _PLACES], room)
            sizes.append(size)
            for name, call in calls.items():
                milliseconds, length = _timed(call)
                # Each must have done the whole work, or the comparison means nothing.
                assert length > size * 0.9, f"{name}: {length} bytes instead of about {size}"
                found.setdefault(name, []).append(milliseconds)
    times = {name: Times(name, tries) for name, tries in found.items()}
    return times, statistics.mean(sizes)


def measure(films: Films, scale: Scale, _folder: Path) -> list[Row]:
    material = films.material
    times, size = measure_films((material.short, material.long), scale.cuts)
    rows = []
    for film, bar in ((material.short, 5), (material.long, 15)):
        cut, remux = times[f"cut, {film.name}"], times[f"open, seek, remux, {film.name}"]
        rows.append(
            at_least(
                f"a cold MPEG-TS cut, beside opening, seeking and remuxing the {film.name}",
                remux.median / cut.median,
                bar,
                "times as fast",
                f"segments of {size / 1e6:.2f} MB on average, {scale.cuts} tries",
                str(cut),
                str(remux),
            )
        )
    cut, floor = (
        times[f"cut, {material.short.name}"],
        times[f"read and copy, {material.short.name}"],
    )
    name = "the same, beside one read and one copy of as many bytes"
    rows.append(at_most(name, cut.median / floor.median, 4, "times", str(floor)))
    return rows
