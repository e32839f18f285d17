"""CMAF segments (ISO/IEC 23000-19 §7.3.2): byte ranges of a track file, which was written so.

A segment is the movie fragments of its GOPs as they stand in the file; the initialisation part
is what stands before the first of them.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import BinaryIO

import numpy as np

from media_pipeline.errors import DamagedTitle
from media_pipeline.tables import FRAGMENT, SAMPLE, Rows, Table, fragments_file, samples_file
from media_pipeline.timeline import AAC_FRAME, FrameGrid
from media_pipeline.titles.small_files import track_file
from media_pipeline.titles.verified import Part, Piece


@dataclass(frozen=True, slots=True)
class SegmentMeasure:
    """``size`` in bytes, ``ticks`` of the track's time scale that its samples are shown."""

    size: int
    ticks: int


def sizes_and_seconds(
    measures: Sequence[SegmentMeasure], timescale: int
) -> tuple[list[int], list[Fraction]]:
    return (
        [found.size for found in measures],
        [Fraction(found.ticks, timescale) for found in measures],
    )


@dataclass(frozen=True, slots=True)
class IFrame:
    """An IDR: the byte range of its segment that begins with the movie fragment's header and
    ends with the picture, and how long it stands for the pictures that follow."""

    segment: int
    offset: int
    size: int
    seconds: Fraction


class CmafTrack:
    """The segments of one track file. ``files`` are what the title's manifest has checksums of:
    the initialisation part under the track file's name, and tables.

    Raises DamagedTitle when the tables do not fit the title. Thread-safe: nothing changes.
    """

    def __init__(self, folder: Path, name: str, grid: FrameGrid, files: Mapping[str, Part]) -> None:
        self.path = folder / track_file(name)
        self.grid = grid
        if self.path.name not in files:
            raise DamagedTitle(f"the manifest does not list {self.path.name}")
        self.init = files[self.path.name]
        self._whole_samples = files.get(samples_file(name))
        self._whole_fragments = files.get(fragments_file(name))
        self._samples = Table.open(folder / samples_file(name), SAMPLE)
        self._fragments = Table.open(folder / fragments_file(name), FRAGMENT)
        if self._fragments.rows != grid.gops:
            raise DamagedTitle(f"{name} does not have a fragment for each GOP")
        # Kept in memory, 8 bytes a segment: to say how long one is needs no look at the disk.
        firsts = [grid.segment(index).first_gop for index in range(grid.segment_count)]
        sizes = self._fragments.read(0, self._fragments.rows)["size"]
        self._sizes = np.add.reduceat(sizes, firsts) if firsts else sizes

    def size(self, index: int) -> int:
        """Of a segment, in bytes, from memory. IndexError for one that does not exist."""
        if not 0 <= index < len(self._sizes):
            raise IndexError(index)
        return int(self._sizes[index])

    def open(self, index: int, first: int, end: int) -> BinaryIO:
        """As ``Part.open`` of a segment, whose size is what ``size`` says. Raises DamagedTitle."""
        part = self.segment(index)
        if part.size != self.size(index):
            raise DamagedTitle(f"the table of {self.path.name} has changed")
        return part.open(first, end)

    def segment(self, index: int) -> Part:
        """Raises IndexError for a segment that does not exist."""
        segment = self.grid.segment(index)
        rows = self._fragments.read(segment.first_gop, segment.gops)
        pieces = (Piece(int(row["size"]), int(row["xxh3"])) for row in rows)
        return Part(self.path, int(rows["offset"][0]), tuple(p for p in pieces if p.size))

    def read_fragments(self) -> Rows:
        """All rows of the fragment table, compared with their checksum."""
        if self._whole_fragments is not None:
            self._whole_fragments.check()
        return self._fragments.read(0, self._fragments.rows)

    def segment_samples(self, index: int) -> Rows:
        """The rows of a segment's samples. IndexError for a segment that does not exist."""
        segment = self.grid.segment(index)
        rows = self._fragments.read(segment.first_gop, segment.gops)
        return self._samples.read_samples(rows)


class VideoTrack(CmafTrack):
    """Ticks are those of the grid."""

    def measures(self) -> list[SegmentMeasure]:
        """One for each segment."""
        rows = self.read_fragments()
        found = []
        for index in range(self.grid.segment_count):
            segment = self.grid.segment(index)
            mine = rows[segment.first_gop : segment.first_gop + segment.gops]
            if int(mine["samples"].sum()) != segment.frames:
                raise DamagedTitle(f"{self.path.name} has other pictures than the title")
            ticks = segment.frames * self.grid.frame_ticks
            found.append(SegmentMeasure(int(mine["size"].sum()), ticks))
        return found

    def i_frames(self) -> list[IFrame]:
        """Every IDR of the track, in order, by tables that are compared with their checksums."""
        fragments = self.read_fragments()
        if self._whole_samples is not None:
            self._whole_samples.check()
        found = []
        for index in range(self.grid.segment_count):
            segment = self.grid.segment(index)
            mine = fragments[segment.first_gop : segment.first_gop + segment.gops]
            samples = self.segment_samples(index)
            for fragment in mine:
                idr = samples[int(fragment["first_sample"]) - int(mine["first_sample"][0])]
                offset = int(fragment["offset"])
                size = int(idr["offset"]) + int(idr["size"]) - offset
                seconds = int(fragment["samples"]) / self.grid.rate
                found.append(IFrame(index, offset - int(mine["offset"][0]), size, seconds))
        return found


class AudioTrack(CmafTrack):
    """Ticks are samples at 48 kHz."""

    def measures(self) -> list[SegmentMeasure]:
        """One for each segment. The priming frame, which the edit list takes away, is no time."""
        rows = self.read_fragments()
        found = []
        for index in range(self.grid.segment_count):
            segment = self.grid.segment(index)
            mine = rows[segment.first_gop : segment.first_gop + segment.gops]
            frames = int(mine["samples"].sum()) - (index == 0)
            if frames <= 0:
                raise DamagedTitle(f"{self.path.name} has no sound for segment {index}")
            found.append(SegmentMeasure(int(mine["size"].sum()), frames * AAC_FRAME))
        return found
