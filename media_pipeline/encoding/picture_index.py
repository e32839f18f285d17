"""When the pictures of a source are shown and where it can be entered: the ground of every plan.

Only sources whose container has an index and says plain, monotonic times are encoded in chunks.
Whatever a chunk then finds otherwise than the index says ends in ``NotInChunks``: the film is
encoded whole instead.
"""

import bisect
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Self

import av
import numpy as np
from av.container import InputContainer
from av.video.stream import VideoStream

from media_pipeline.errors import NotInChunks
from media_pipeline.job import EncodeSettings
from media_pipeline.pictures.picture_encoder import as_filtered
from media_pipeline.pictures.retiming import grid_point
from media_pipeline.sources.source import open_source
from media_pipeline.tables import Rows, Table, write_table
from media_pipeline.timeline import PictureSpan

INDEX = "pictures.npy"
_CONTAINERS = ("mov", "matroska")  # the first of libavformat's names
_LONGEST_GAP = 60  # seconds without a picture
# Decoded and filtered, but not used: the deinterlacer looks one picture back and one ahead.
_PRE_ROLL = 2

# One row a picture in the order in which they are shown: its time in the stream's ticks, whether
# decoding can begin with it.
PICTURE = np.dtype([("pts", "<i8"), ("key", "u1")])


@dataclass(frozen=True, slots=True)
class Window:
    """What a chunk needs of its source: pictures ``begin`` to before ``end`` of the index.

    ``entry`` is the time, in ticks, of the keyframe with which decoding begins.
    """

    entry: int
    begin: int
    end: int


@dataclass(frozen=True, slots=True)
class PictureIndex:
    """``rows`` are ``PICTURE``; ``origin`` and ``rate`` are the title's grid."""

    rows: Rows
    time_base: Fraction
    origin: Fraction
    rate: Fraction

    @property
    def last(self) -> Fraction:
        """When the last picture is shown, in seconds on the container's clock."""
        return int(self.rows["pts"][-1]) * self.time_base

    def point(self, picture: int) -> int:
        """The grid point of a picture."""
        time = as_filtered(int(self.rows["pts"][picture]) * self.time_base)
        return grid_point(time, self.origin, self.rate)

    def shown_at(self, point: int) -> int:
        """The picture that the grid shows at ``point``: the latest one there."""
        return max(0, bisect.bisect_right(range(len(self.rows)), point, key=self.point) - 1)

    def window(self, span: PictureSpan) -> Window:
        begin = max(0, self.shown_at(span.begin) - _PRE_ROLL)
        end = min(len(self.rows), self.shown_at(span.stop) + _PRE_ROLL)
        keys = np.flatnonzero(self.rows["key"][: begin + 1])
        if not len(keys):
            raise NotInChunks("The film does not begin with a keyframe.")
        return Window(int(self.rows["pts"][keys[-1]]), begin, end)

    def save(self, folder: Path) -> None:
        write_table(folder / INDEX, self.rows)

    @classmethod
    def load(cls, folder: Path, time_base: Fraction, origin: Fraction, rate: Fraction) -> Self:
        table = Table.open(folder / INDEX, PICTURE)
        return cls(table.read(0, table.rows), time_base, origin, rate)


def video_stream(container: InputContainer, index: int) -> tuple[VideoStream, Fraction]:
    """The stream and its time base."""
    stream = container.streams[index]
    if not isinstance(stream, VideoStream) or stream.time_base is None:
        raise NotInChunks("The film's streams have changed.")
    return stream, stream.time_base


def read_index(path: Path, settings: EncodeSettings, video: int) -> tuple[Rows, Fraction]:
    """Rows of ``PICTURE`` and their time base. Raises NotInChunks where there is no index or the
    times are not plain."""
    try:
        with open_source(path, settings) as container:
            if not container.format.name.startswith(_CONTAINERS):
                raise NotInChunks(f"Films in {container.format.name} cannot be entered reliably.")
            stream, time_base = video_stream(container, video)
            container.seek(0, stream=stream)  # Matroska reads its cues at the first seek
            indexed = {entry.timestamp for entry in stream.index_entries if entry.is_keyframe}
            rows = _read_packets(container, stream, indexed)
    except av.FFmpegError as error:
        raise NotInChunks("The film cannot be read to its end.") from error
    longest = np.diff(rows["pts"]).max(initial=0) * time_base
    if longest > _LONGEST_GAP:
        raise NotInChunks("The film's timestamps jump.")
    return rows, time_base


def _read_packets(container: InputContainer, stream: VideoStream, indexed: set[int]) -> Rows:
    found: list[tuple[int, bool]] = []
    decoded_at: int | None = None
    for packet in container.demux(stream):
        if not packet.size:
            continue
        if packet.pts is None or packet.is_discard or packet.is_corrupt:
            raise NotInChunks("Some of the film's pictures have no time.")
        if packet.dts is not None:
            if decoded_at is not None and packet.dts <= decoded_at:
                raise NotInChunks("The film's timestamps go back.")
            decoded_at = packet.dts
        # An index has decoding times (MP4) or presentation times (Matroska).
        is_entry = packet.is_keyframe and not indexed.isdisjoint((packet.pts, packet.dts))
        found.append((packet.pts, is_entry))
    rows = np.array(sorted(found), PICTURE)
    if len(rows) < 2 or np.any(np.diff(rows["pts"]) <= 0):
        raise NotInChunks("Some of the film's pictures have the same time.")
    return rows
