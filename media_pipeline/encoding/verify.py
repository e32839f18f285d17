"""Checks of what was encoded before anyone may see it, and the measurements made on the way."""

import os
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import av
import numpy as np

from media_pipeline.encoding.storyboard import StoryboardMaker
from media_pipeline.encoding.thumbnail import ThumbnailChooser
from media_pipeline.encoding.verify_sides import check_sound, check_storyboard, check_text
from media_pipeline.errors import EncodeError
from media_pipeline.sources.side_facts import SideStreams
from media_pipeline.tables import (
    SAMPLE,
    Table,
    samples_file,
    segments_file,
    write_table,
)
from media_pipeline.timeline import FrameGrid
from media_pipeline.titles.iframes import i_frames_file
from media_pipeline.titles.manifest import Manifest, RenditionFacts
from media_pipeline.titles.measuring import measure_rendition
from media_pipeline.titles.small_files import small_files
from media_pipeline.titles.title import Mezzanine, Title
from media_pipeline.transport.mpegts import MUXER_ID

Step = Callable[[float], None]
Watcher = Callable[[int, av.VideoFrame], None]


def codecs_string(extradata: bytes) -> str:
    """RFC 6381 §3.3 string of an avcC record: profile, constraints and level in hexadecimal."""
    return f"avc1.{extradata[1]:02x}{extradata[2]:02x}{extradata[3]:02x}"


def verify_title(
    folder: Path,
    grid: FrameGrid,
    names: list[str],
    sides: SideStreams,
    step: Step,
    *,
    threads: int,
) -> Manifest:
    """Decode every track, cut every segment once, write tables and manifest, make all durable.

    ``names`` are the renditions, smallest first, ``sides`` the streams that have tracks;
    ``threads`` decode. Thumbnail and storyboard are made of the pictures that are decoded here.
    ``step`` is called with 0 to 1. Raises EncodeError when anything is not as it was meant.
    """
    step(0.0)
    work = len(names) * 2
    found = []
    thumbnail = ThumbnailChooser(grid)
    storyboard = StoryboardMaker(folder, grid)
    # Every bit is parsed and every reference followed. The loop filter cannot fail and costs a
    # sixth of the work: only what is shown needs it (a storyboard's tiles are too small to).
    smoothing = "nokey" if thumbnail.is_idrs_only else "default"
    for done, name in enumerate(names):
        watchers: list[Watcher] = []
        if name == names[0]:
            watchers.append(storyboard.look)
        if name == names[-1]:
            watchers.append(thumbnail.look)
        found.append(
            _check_video(folder, name, grid, watchers, threads=threads, smoothing=smoothing)
        )
        step((done + 1) / work)
    thumbnail.write(folder)
    manifest = Manifest(
        grid.rate,
        grid.frames,
        MUXER_ID,
        tuple(found),
        tuple(check_sound(folder, sound, grid) for sound in sides.sounds),
        tuple(check_text(folder, text, grid) for text in sides.texts),
        storyboard.finish(),
        sides.left_out,
        (),
    )
    check_storyboard(folder, manifest.storyboard)
    manifest.save(folder)  # a title is cut through its manifest; the measures are added below
    title = Title(folder)
    measured = []
    for done, facts in enumerate(found):
        measured.append(measure(title, facts))
        step((len(names) + done + 1) / work)
    manifest = replace(manifest, renditions=tuple(measured), files=small_files(folder, manifest))
    manifest.save(folder)
    sync_folder(folder)
    return manifest


def _check_video(
    folder: Path,
    name: str,
    grid: FrameGrid,
    watchers: list[Watcher],
    *,
    threads: int,
    smoothing: str,
) -> RenditionFacts:
    """Every picture decodes without an error, at its place on the grid, IDRs where GOPs begin.

    ``watchers`` are shown each picture with its index. ``smoothing`` says of which pictures
    libavcodec leaves the loop filter out.
    """
    count = 0
    try:
        with av.open(str(folder / f"{name}.mp4"), options={"err_detect": "explode"}) as container:
            stream = container.streams.video[0]
            context = stream.codec_context
            context.thread_type = "AUTO"
            context.thread_count = threads
            context.options = {"err_detect": "explode", "skip_loop_filter": smoothing}
            facts = RenditionFacts(
                name, context.width, context.height, codecs_string(context.extradata or b""), 0, 0
            )
            for frame in container.decode(stream):
                if frame.pts is None or frame.time_base is None:
                    raise EncodeError(f"{name}: a picture has no time")
                if frame.pts * frame.time_base * grid.rate != count:
                    raise EncodeError(f"{name}: picture {count} is not in its place")
                for watch in watchers:
                    watch(count, frame)
                count += 1
    except av.FFmpegError as error:
        raise EncodeError(f"{name}: the encoded pictures do not decode ({error})") from error
    if count != grid.frames:
        raise EncodeError(f"{name}: {count} pictures instead of {grid.frames} on the grid")
    table = Table.open(folder / samples_file(name), SAMPLE)
    rows = table.read(0, table.rows)
    idrs = np.flatnonzero(rows["idr"])
    if rows["idr"].size != grid.frames or not np.array_equal(
        idrs, np.arange(grid.gops) * grid.gop_frames
    ):
        raise EncodeError(f"{name}: IDRs are not where the GOPs begin")
    if np.any(rows["dts"] > rows["pts"]) or np.any(np.diff(rows["dts"]) <= 0):
        raise EncodeError(f"{name}: decoding times are out of order")
    return facts


def measure(title: Mezzanine, facts: RenditionFacts) -> RenditionFacts:
    """Cut every segment of a rendition once, and write the tables of their sizes, checksums and
    counters and of the places of IDRs in them.

    Returns ``facts`` with the peak and average bandwidth.
    """
    measured = measure_rendition(title, facts)
    write_table(title.folder / segments_file(facts.name), measured.segments)
    write_table(title.folder / i_frames_file(facts.name), measured.i_frames)
    return measured.facts


def sync_folder(folder: Path) -> None:
    """Have the folder's entries on the disk."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
