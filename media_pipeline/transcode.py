"""One decode of the source, all renditions and the sound at once."""

import contextlib
import os
import time
from collections.abc import Callable, Iterator
from fractions import Fraction
from pathlib import Path

import av
from av.container import InputContainer

from media_pipeline.errors import UnusableSource
from media_pipeline.job import EncodeSettings
from media_pipeline.picture_order import DecodingOrder, PresentationOrder
from media_pipeline.picture_track import PictureTrack
from media_pipeline.pictures import FrameGridder, PictureShape, Scaler, rungs_for
from media_pipeline.sound import Resampler, SoundTrack
from media_pipeline.source import SourceInfo, open_source, shows_decoding_times
from media_pipeline.thumbnail import ThumbnailChooser
from media_pipeline.timeline import AUDIO_RATE, FrameGrid, nearest

THUMBNAIL = "thumbnail.jpg"
AUDIO_TRACK = "audio-0"

# A sound that outlasts the picture by less than this (seconds) simply goes on a little longer;
# for a longer one the last picture is held.
_LONGEST_TAIL = Fraction(1, 10)
_LONGEST_LAST = 1  # seconds for which the last picture is shown at most
# The share of the promised pictures that must have been decoded, and seconds at the end that may
# be missing. Containers often promise a picture or two more than there are.
_LEAST_SHARE = 0.99
_LONGEST_LOSS = Fraction(1, 2)

# Fine enough for every source clock that matters; 64 bits of it last 292 years.
_FILTER_TIME_BASE = Fraction(1, 1_000_000_000)

Progress = Callable[[int, float], None]
Scaled = tuple[av.VideoFrame, ...]


class Transcoder:
    """Encodes one source into the tracks of ``folder``; used once."""

    def __init__(
        self, source: SourceInfo, folder: Path, settings: EncodeSettings, progress: Progress
    ) -> None:
        self._source = source
        self._folder = folder
        self._settings = settings
        self._progress = progress
        self._threads = settings.threads or os.cpu_count() or 1
        self._expected = max(1, int((source.video_end - source.origin) * source.rate))
        self._grid = FrameGrid(source.rate)
        self._gridder: FrameGridder[Scaled] = FrameGridder(source.rate, source.origin)
        self._tracks: list[PictureTrack] = []
        self._scaler: Scaler | None = None
        self._shape: PictureShape | None = None
        self._rungs_shape: PictureShape | None = None
        self._resampler = Resampler(source.origin)
        self._sound: SoundTrack | None = None
        self._order = PresentationOrder()
        self._thumbnail = ThumbnailChooser(self._expected)
        self._decoded = 0
        self._last_time = source.origin
        self._started = time.monotonic()

    def run(self, path: Path) -> FrameGrid:
        """Encode everything; returns the finished grid. The tracks are complete and durable."""
        with contextlib.ExitStack() as stack:
            stack.callback(self._close)
            container = stack.enter_context(open_source(path, self._settings))
            self._decode(container)
            return self._finish()

    @property
    def renditions(self) -> list[str]:
        """Names of the renditions that were made, smallest first."""
        return [track.rung.name for track in self._tracks]

    def _decode(self, container: InputContainer) -> None:
        video = container.streams[self._source.video_index]
        assert isinstance(video, av.VideoStream)  # noqa: S101 - chosen among the video streams
        context = video.codec_context
        context.thread_type = "AUTO"
        context.thread_count = self._threads
        context.options = {"max_pixels": str(self._settings.max_pixels)}
        if shows_decoding_times(container):
            self._order = DecodingOrder(video.index)
        streams: list[av.VideoStream | av.AudioStream] = [video]
        if self._source.audio_index is not None:
            audio = container.streams[self._source.audio_index]
            assert isinstance(audio, av.AudioStream)  # noqa: S101 - chosen among the audio streams
            streams.append(audio)
            self._sound = SoundTrack(
                self._folder, AUDIO_TRACK, self._settings.audio_bitrate, self._grid
            )
        for frame in self._frames(container, streams):
            if isinstance(frame, av.VideoFrame):
                self._picture(frame, video)
            else:
                self._hear(frame)

    def _frames(
        self, container: InputContainer, streams: list[av.VideoStream | av.AudioStream]
    ) -> Iterator[av.VideoFrame | av.AudioFrame]:
        """Decoded frames; a packet that cannot be decoded is left out, as players do."""
        packets = container.demux(streams)
        while True:
            try:
                packet = next(packets)
            except StopIteration:
                return
            except av.FFmpegError:
                # The rest cannot be read. Whether enough was is decided at the end.
                yield from self._drain(streams)
                return
            self._order.note(packet)
            try:
                for frame in packet.decode():
                    if isinstance(frame, av.VideoFrame | av.AudioFrame):
                        yield frame
            except av.InvalidDataError:
                self._order.forget(packet)

    def _drain(
        self, streams: list[av.VideoStream | av.AudioStream]
    ) -> Iterator[av.VideoFrame | av.AudioFrame]:
        for stream in streams:
            with contextlib.suppress(av.FFmpegError):
                yield from stream.decode(None)

    def _picture(self, frame: av.VideoFrame, stream: av.VideoStream) -> None:
        self._decoded += 1
        pts = self._order.next(frame.pts)
        if pts is None or frame.time_base is None:
            # No time of its own: one picture after the one before.
            frame_time = self._last_time + 1 / self._grid.rate
        else:
            frame_time = pts * frame.time_base
        self._last_time = frame_time
        shape = PictureShape.of(frame, Fraction(stream.sample_aspect_ratio or 1) or Fraction(1))
        if shape != self._shape:
            self._change_shape(shape)
        assert self._scaler is not None  # noqa: S101 - made with the shape
        # The filters see the time in fine ticks, so that it survives them exactly enough to be
        # put on the grid.
        frame.time_base = _FILTER_TIME_BASE
        frame.pts = round(frame_time / _FILTER_TIME_BASE)
        self._scaled(self._scaler.push(frame))

    def _change_shape(self, shape: PictureShape) -> None:
        if self._scaler is not None:
            self._scaled(self._scaler.push(None))
        first = self._rungs_shape or shape
        self._rungs_shape = first
        rungs = rungs_for(first, self._grid.rate, self._settings.rungs)
        self._scaler = Scaler(shape, _FILTER_TIME_BASE, rungs, self._threads)
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
        rungs = rungs_for(self._rungs_shape, self._grid.rate, self._settings.rungs)
        self._tracks = [
            PictureTrack(
                self._folder,
                rung,
                self._grid,
                settings=self._settings,
                threads=self._threads,
                like=picture,
            )
            for rung, picture in zip(rungs, scaled, strict=True)
        ]

    def _encode(self, index: int, pictures: Scaled) -> None:
        self._thumbnail.look(index, pictures[0], pictures[-1])
        for track, picture in zip(self._tracks, pictures, strict=True):
            track.put(picture, index)
        if index % self._grid.gop_frames == 0:
            elapsed = time.monotonic() - self._started
            speed = float(index / self._grid.rate) / elapsed if elapsed else 0.0
            self._progress(index, speed)

    def _hear(self, frame: av.AudioFrame) -> None:
        assert self._sound is not None  # noqa: S101 - only then sound is decoded
        for block in self._resampler.push(frame):
            self._sound.put(block, self._gops_begun)

    @property
    def _gops_begun(self) -> int:
        return -(-self._gridder.count // self._grid.gop_frames)

    def _finish(self) -> FrameGrid:
        if self._scaler is not None:
            self._scaled(self._scaler.push(None))
        if not self._decoded or not self._tracks:
            raise UnusableSource("Not one picture of this file can be decoded.")
        self._check_whole()
        at_least = self._until_its_end()
        if self._sound is not None:
            for block in self._resampler.end():
                self._sound.put(block, self._gops_begun)
            sound_end = Fraction(self._sound.samples, AUDIO_RATE)
            if sound_end > (self._gridder.count + 1) / self._grid.rate + _LONGEST_TAIL:
                at_least = int(-(-self._sound.samples * self._grid.rate // AUDIO_RATE))
        for index, pictures in self._gridder.end(at_least):
            self._encode(index, pictures)
        grid = FrameGrid(self._grid.rate, self._gridder.count)
        for track in self._tracks:
            track.finish()
        if self._sound is not None:
            self._sound.finish(grid)
        self._thumbnail.write(self._folder / THUMBNAIL)
        return grid

    def _until_its_end(self) -> int:
        """Pictures until the last one ends, which may be shown for several points of the grid."""
        end = min(self._source.video_end, self._last_time + _LONGEST_LAST)
        return nearest((end - self._source.origin) * self._grid.rate)

    def _check_whole(self) -> None:
        promised = self._source.frames
        lost = (promised - self._decoded) / self._grid.rate
        if self._decoded < promised * _LEAST_SHARE and lost > _LONGEST_LOSS:
            raise UnusableSource(
                f"The file is damaged or incomplete: {self._decoded} of {promised} pictures "
                "could be read."
            )

    def _close(self) -> None:
        for track in self._tracks:
            track.close()
        if self._sound is not None:
            self._sound.close()
