"""From decoded pictures to the video tracks of all renditions: upright, scaled, on the grid."""

from collections.abc import Callable, Iterator
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import xxhash

from media_pipeline.errors import EncodeError, UnusableSource
from media_pipeline.job import EncodeSettings
from media_pipeline.pictures.ladder import ladder
from media_pipeline.pictures.orientation import Orientations
from media_pipeline.pictures.picture_track import PictureTrack
from media_pipeline.pictures.retiming import FrameGridder
from media_pipeline.pictures.scaler import PictureShape, Scaler
from media_pipeline.sources.limits import check_sides
from media_pipeline.timeline import FrameGrid, PictureSpan, nearest

_LONGEST_LAST = 1  # seconds for which the last picture is shown at most

# Fine enough for every source clock that matters; 64 bits of it last 292 years.
_FILTER_TIME_BASE = Fraction(1, 1_000_000_000)

Encoded = Callable[[int], None]
Scaled = tuple[av.VideoFrame, ...]


def as_filtered(time: Fraction) -> Fraction:
    """The time that the grid sees: the filters carry it in fine ticks, so that it survives them
    exactly enough."""
    return round(time / _FILTER_TIME_BASE) * _FILTER_TIME_BASE


def frames_until(last: Fraction, video_end: Fraction, origin: Fraction, rate: Fraction) -> int:
    """How many pictures the grid has when the last one, shown from ``last`` on, is held until
    ``video_end``; times in source seconds."""
    end = min(video_end, last + _LONGEST_LAST) if video_end > last else last + 1 / rate
    return nearest((end - origin) * rate)


def checksum(picture: av.VideoFrame) -> int:
    """XXH3 of a picture's planes (8 bit), without the padding of their lines."""
    digest = xxhash.xxh3_64()
    for plane in picture.planes:
        lines = np.frombuffer(memoryview(plane), np.uint8).reshape(-1, plane.line_size)
        digest.update(lines[: plane.height, : plane.width].tobytes())
    return digest.intdigest()


class PictureEncoder:
    """Writes one video track per rung into ``folder``; used once.

    ``origin`` is the source's time that becomes 0. ``encoded`` is called with the index of the
    first picture of each GOP. With a ``span`` the tracks are parts; end them with ``finish_part``.
    """

    def __init__(
        self,
        folder: Path,
        grid: FrameGrid,
        settings: EncodeSettings,
        *,
        origin: Fraction,
        threads: int,
        encoded: Encoded,
        span: PictureSpan | None = None,
    ) -> None:
        self._folder = folder
        self._span = span
        self._grid = grid
        self._settings = settings
        self._origin = origin
        self._threads = threads
        self._encoded = encoded
        self._gridder: FrameGridder[Scaled] = FrameGridder(
            grid.rate, origin, span.begin if span else 0
        )
        self._tracks: list[PictureTrack] = []
        self._scaler: Scaler | None = None
        self._shape: PictureShape | None = None
        self._rungs_shape: PictureShape | None = None
        self._orientations = Orientations()
        self._last_time = origin
        self.taken = 0
        # Of a part: checksums of the pictures at its borders, which the part on their other side
        # must have chosen and scaled alike.
        self.borders: dict[int, int] = {}

    @property
    def renditions(self) -> list[str]:
        """Names of the renditions that are made, smallest first; empty before the first picture."""
        return [track.rung.name for track in self._tracks]

    @property
    def peak_bitrates(self) -> dict[str, int]:
        """Bits a second by rendition, smallest first."""
        return {track.rung.name: track.rung.max_bitrate for track in self._tracks}

    @property
    def levels_at_first(self) -> dict[str, float]:
        """Of the rate buffers where a part begins, by rendition."""
        return {track.rung.name: track.level_at_first for track in self._tracks}

    @property
    def count(self) -> int:
        """Pictures on the grid so far."""
        return self._gridder.count

    def take(self, frame: av.VideoFrame, time: Fraction | None, aspect: Fraction) -> None:
        """One decoded picture, shown from ``time`` on (source seconds); ``aspect`` of a pixel."""
        self.taken += 1
        if time is None:
            # No time of its own: one picture after the one before.
            time = self._last_time + 1 / self._grid.rate
        self._last_time = time
        shape = PictureShape.of(frame, aspect, self._orientations.of(frame))
        if shape != self._shape:
            self._change_shape(shape)
        assert self._scaler is not None  # noqa: S101 - made with the shape
        frame.time_base = _FILTER_TIME_BASE
        frame.pts = round(time / _FILTER_TIME_BASE)
        self._scaled(self._scaler.push(frame))

    def count_until(self, video_end: Fraction) -> int:
        """Pictures there will be when the last one is held until it ends (``finish``)."""
        return frames_until(self._last_time, video_end, self._origin, self._grid.rate)

    def flush(self) -> None:
        """No more pictures come. Raises UnusableSource when there was not one."""
        if self._scaler is not None:
            self._scaled(self._scaler.push(None))
        if not self._tracks:
            raise UnusableSource("Not one picture of this file can be decoded.")

    def finish(self, video_end: Fraction, at_least: int = 0) -> FrameGrid:
        """Hold the last picture until it ends (``video_end``, source seconds) and until there are
        ``at_least`` pictures; complete the tracks. Returns the finished grid."""
        for index, pictures in self._gridder.end(max(at_least, self.count_until(video_end))):
            self._encode(index, pictures)
        for track in self._tracks:
            track.finish()
        return FrameGrid(self._grid.rate, self._gridder.count)

    def finish_part(self, *, is_last: bool) -> None:
        """Complete the parts of the tracks. Raises EncodeError when pictures are missing."""
        assert self._span is not None  # noqa: S101 - what a part is made with
        stop = self._span.stop
        if is_last:
            for index, pictures in self._gridder.end(stop):
                self._encode(index, pictures)
        if self._gridder.count < stop or (is_last and self._gridder.count > stop):
            raise EncodeError(f"the part ends at {self._gridder.count} instead of {stop}")
        for track in self._tracks:
            track.finish()

    def close(self) -> None:
        for track in self._tracks:
            track.close()

    def _change_shape(self, shape: PictureShape) -> None:
        if self._scaler is not None:
            self._scaled(self._scaler.push(None))
        check_sides(*shape.display_size)
        first = self._rungs_shape or shape
        self._rungs_shape = first
        rungs = ladder(*first.display_size, self._grid.rate, self._settings.rungs)
        self._scaler = Scaler(
            shape, _FILTER_TIME_BASE, rungs, threads=self._threads, folder=self._folder
        )
        self._shape = shape

    def _scaled(self, pictures: Iterator[Scaled]) -> None:
        for scaled in pictures:
            if not self._tracks:
                self._open_tracks(scaled)
            first = scaled[0]
            assert first.pts is not None  # noqa: S101 - every frame went in with one
            assert first.time_base is not None  # noqa: S101 - the sink sets it
            for index, chosen in self._gridder.put(scaled, first.pts * first.time_base):
                self._encode(index, chosen)

    def _open_tracks(self, scaled: Scaled) -> None:
        assert self._rungs_shape is not None  # noqa: S101 - known since the first frame
        rungs = ladder(*self._rungs_shape.display_size, self._grid.rate, self._settings.rungs)
        self._tracks = [
            PictureTrack(
                self._folder,
                rung,
                self._grid,
                settings=self._settings,
                threads=self._threads,
                like=picture,
                span=self._span,
            )
            for rung, picture in zip(rungs, scaled, strict=True)
        ]

    def _encode(self, index: int, pictures: Scaled) -> None:
        if self._span is not None:
            if index in (self._span.first, self._span.end):
                self.borders[index] = checksum(pictures[-1])
            if index >= self._span.stop:
                return
        for track, picture in zip(self._tracks, pictures, strict=True):
            track.put(picture, index)
        if index % self._grid.gop_frames == 0:
            self._encoded(index)
