"""A published title: opened once, then its segments are cut from the tables, in any order.

Nothing here changes a file. Methods that touch the disk block, and may be called from several
threads at once.
"""

import os
import threading
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Self, TypeVar

import numpy as np
import xxhash

from media_pipeline.errors import DamagedTitle, Unmeasured
from media_pipeline.tables import (
    FRAGMENT,
    SAMPLE,
    TS_SEGMENT,
    Rows,
    Table,
    fragments_file,
    read_exactly,
    samples_file,
    segments_file,
)
from media_pipeline.timeline import AUDIO_RATE, Segment
from media_pipeline.titles.iframes import TS_I_FRAME, i_frames_file
from media_pipeline.titles.manifest import Manifest
from media_pipeline.titles.measures import Measures
from media_pipeline.titles.sample_entries import codec_configuration
from media_pipeline.titles.small_files import track_tables
from media_pipeline.titles.verified import Part, Piece
from media_pipeline.transport.buffers import Room, new_room
from media_pipeline.transport.elementary import Adts, parameter_sets
from media_pipeline.transport.mpegts import (
    MUXER_ID,
    Counters,
    TrackSamples,
    mux_segment,
)

Value = TypeVar("Value")


@dataclass(frozen=True, slots=True)
class SegmentFacts:
    """What a segment's bytes must be: ``size`` in bytes and XXH3 checksum."""

    size: int
    xxh3: int

    @classmethod
    def of(cls, data: bytes | memoryview) -> Self:
        return cls(len(data), xxhash.xxh3_64_intdigest(data))


class Track:
    """One track file and its tables."""

    def __init__(self, folder: Path, name: str, timescale: int) -> None:
        self.path = folder / f"{name}.mp4"
        self.timescale = timescale
        self._samples = Table.open(folder / samples_file(name), SAMPLE)
        self._fragments = Table.open(folder / fragments_file(name), FRAGMENT)
        self.configuration = self._codec_configuration()

    def init(self) -> memoryview:
        """The bytes before the first fragment: ftyp and moov."""
        return self._read(0, int(self._fragments.read(0, 1)["offset"][0]))

    def _codec_configuration(self) -> bytes:
        """The avcC record, or the AudioSpecificConfig, of the initialisation part."""
        init = bytes(self.init())
        try:
            return codec_configuration(init)
        except DamagedTitle as error:
            raise DamagedTitle(f"{self.path.name} has no usable initialisation part") from error

    def _read(self, offset: int, size: int) -> memoryview:
        try:
            file = os.open(self.path, os.O_RDONLY | os.O_CLOEXEC)
        except OSError as error:
            raise DamagedTitle(f"{self.path.name} cannot be opened") from error
        try:
            return read_exactly(file, size, offset, self.path)
        except OSError as error:
            raise DamagedTitle(f"{self.path.name} cannot be read") from error
        finally:
            os.close(file)

    def samples(self, segment: Segment) -> TrackSamples:
        """One read of the fragments of a segment, each checked against its checksum."""
        fragments = self._fragments.read(segment.first_gop, segment.gops)
        start = int(fragments["offset"][0])
        data = self._read(start, int(fragments["size"].sum()))
        position = 0
        for size, expected in zip(
            fragments["size"].tolist(), fragments["xxh3"].tolist(), strict=True
        ):
            if size and xxhash.xxh3_64_intdigest(data[position : position + size]) != expected:
                raise DamagedTitle(f"{self.path.name} is damaged near byte {start + position}")
            position += size
        rows = self._samples.read_samples(fragments)
        return TrackSamples(rows, data, start, self.timescale)


class Mezzanine:
    """The tracks of the title in ``folder``. Raises DamagedTitle if it is not whole."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.manifest = Manifest.load(folder)
        self.grid = self.manifest.grid
        self.renditions = {facts.name: facts for facts in self.manifest.renditions}
        self.files = {
            facts.name: Part(folder / facts.name, 0, (Piece(facts.size, facts.xxh3),))
            for facts in self.manifest.files
        }
        if not self.renditions or not self.grid.frames:
            raise DamagedTitle("the title has no renditions")
        self._tracks: dict[str, Track] = {}
        self._lock = threading.Lock()

    @property
    def names(self) -> tuple[str, ...]:
        """Names of the renditions, smallest first."""
        return tuple(self.renditions)

    def check_file(self, name: str) -> None:
        """Compare a file with its checksum, where the manifest has one (version 3 has none of
        tables). Raises DamagedTitle."""
        if part := self.files.get(name):
            part.check()

    def check_tracks(self) -> None:
        """Compare the tables of all tracks with their checksums. Raises DamagedTitle."""
        for name in track_tables(self.manifest):
            self.check_file(name)

    def mux_ts(
        self, rendition: str, index: int, counters: Counters, room: Room = new_room
    ) -> memoryview:
        """Cut segment ``index`` with the given counters, unchecked."""
        segment = self.grid.segment(index)
        picture = self.track(rendition)
        sound = None
        for facts in self.manifest.audio[:1]:
            track = self.track(facts.name)
            sound = (Adts.of(track.configuration), track.samples(segment))
        parameters = parameter_sets(picture.configuration)
        return mux_segment((parameters, picture.samples(segment)), sound, counters, room)

    def track(self, name: str) -> Track:
        """The track of a rendition or of a sound, opened once."""
        timescale = self.grid.timescale if name in self.renditions else AUDIO_RATE
        return self._once(self._tracks, name, lambda: Track(self.folder, name, timescale))

    def _once(self, cache: dict[str, Value], key: str, make: Callable[[], Value]) -> Value:
        found = cache.get(key)
        if found is None:
            with self._lock:
                found = cache.get(key)
                if found is None:
                    found = cache[key] = make()
        return found


class Title(Mezzanine):
    """Segments of the title in ``folder``, by the measures of this muxer: those that were made
    when it was published, or ``measures``. Raises DamagedTitle, Unmeasured."""

    def __init__(self, folder: Path, measures: Measures | None = None) -> None:
        super().__init__(folder)
        self._segments: dict[str, Rows] = {}
        self._measures = measures
        if measures is not None:
            self.manifest = measures.applied(self.manifest)
            self.renditions = {facts.name: facts for facts in self.manifest.renditions}
            self._segments = {name: found.segments for name, found in measures.renditions.items()}
        elif self.manifest.muxer != MUXER_ID:
            # Sizes, checksums and continuity counters hold for one muxer only.
            raise Unmeasured(
                f"the title was measured with {self.manifest.muxer}, this is {MUXER_ID}"
            )

    @classmethod
    def open(cls, folder: Path) -> Self:
        """With the measures that are there, whoever made them. Every table that will be used is
        compared with its checksum. Raises DamagedTitle, Unmeasured."""
        try:
            title = cls(folder)
            title.check_tables()
        except Unmeasured:
            measures = Measures.load(folder, Manifest.load(folder))
            if measures is None:
                raise
            title = cls(folder, measures)
        title.check_tracks()
        return title

    def check_tables(self) -> None:
        """Raises Unmeasured where tables of MPEG-TS segments are missing, or another title's, and
        DamagedTitle where they are not what they were."""
        for name in self.names:
            self._check_table(segments_file(name), TS_SEGMENT, self.grid.segment_count)
            self._check_table(i_frames_file(name), TS_I_FRAME, self.grid.gops)

    def _check_table(self, file: str, dtype: np.dtype[np.void], rows: int) -> None:
        path = self.folder / file
        if path.exists():
            self.check_file(file)
        try:
            found = Table.open(path, dtype).rows
        except DamagedTitle as error:
            raise Unmeasured(str(error)) from error
        if found != rows:
            raise Unmeasured(f"{file}: a table of another title")

    def ts_facts(self, rendition: str, index: int) -> SegmentFacts:
        """What the verified segment was. IndexError for a segment that does not exist."""
        row = self._ts_row(rendition, index)
        return SegmentFacts(int(row["size"]), int(row["xxh3"]))

    def has_ts_facts(self, rendition: str) -> bool:
        """Whether ``ts_facts`` answers without a look at the disk."""
        return rendition in self._segments

    def cut_ts(self, rendition: str, index: int, room: Room = new_room) -> memoryview:
        """Cut segment ``index``, in memory of ``room``, and check it against what was verified.

        Raises IndexError for a segment that does not exist, DamagedTitle when a byte of the
        title has changed.
        """
        row = self._ts_row(rendition, index)
        # PAT and PMT come once for each GOP.
        tables = self.grid.segment(index).first_gop % 16
        counters = Counters(tables, int(row["video_counter"]), int(row["audio_counter"]))
        data = self.mux_ts(rendition, index, counters, room)
        if SegmentFacts.of(data) != SegmentFacts(int(row["size"]), int(row["xxh3"])):
            raise DamagedTitle(f"{rendition} segment {index} differs from what was verified")
        return data

    def i_frames(self, rendition: str) -> Rows:
        """A row of ``iframes.TS_I_FRAME`` for each GOP. Raises DamagedTitle."""
        if self._measures is not None:
            return self._measures.renditions[rendition].i_frames
        return self._whole_table(i_frames_file(rendition), TS_I_FRAME)

    def _ts_row(self, rendition: str, index: int) -> np.void:
        """A row of the one table that is kept in memory: 18 bytes a segment."""
        rows = self._once(self._segments, rendition, lambda: self._ts_rows(rendition))
        if not 0 <= index < len(rows):
            raise IndexError(index)
        row: np.void = rows[index]
        return row

    def _ts_rows(self, rendition: str) -> Rows:
        return self._whole_table(segments_file(rendition), TS_SEGMENT)

    def _whole_table(self, file: str, dtype: np.dtype[np.void]) -> Rows:
        """All rows, compared with their checksum once more: the disk is asked again."""
        self.check_file(file)
        table = Table.open(self.folder / file, dtype)
        return table.read(0, table.rows)
