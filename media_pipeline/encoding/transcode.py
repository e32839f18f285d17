"""One decode of the source, all renditions, sounds and texts at once."""

import contextlib
import time
from collections.abc import Callable, Iterator
from fractions import Fraction
from pathlib import Path

import av
from av.container import InputContainer
from av.stream import Stream

from media_pipeline.encoding.still import still_picture
from media_pipeline.errors import UnusableSource
from media_pipeline.job import EncodeSettings
from media_pipeline.pictures.picture_encoder import PictureEncoder
from media_pipeline.sides.side_tracks import SideTracks, frames_for
from media_pipeline.sources.continuity import Continuity
from media_pipeline.sources.limits import decoder_options
from media_pipeline.sources.picture_order import DecodingOrder, PresentationOrder
from media_pipeline.sources.side_facts import SideStreams
from media_pipeline.sources.source import SourceInfo, open_source, shows_decoding_times
from media_pipeline.timeline import FrameGrid

# The share of the promised pictures that must have been decoded, and seconds at the end that may
# be missing. Containers often promise a picture or two more than there are.
_LEAST_SHARE = 0.99
_LONGEST_LOSS = Fraction(1, 2)

Progress = Callable[[int, float], None]


class Transcoder:
    """Encodes one source into the tracks of ``folder``; used once.

    ``progress`` gets the pictures so far and film seconds a second.
    """

    def __init__(
        self, source: SourceInfo, folder: Path, settings: EncodeSettings, progress: Progress
    ) -> None:
        self._source = source
        self._settings = settings
        self._progress = progress
        self._threads = settings.thread_count
        self._grid = FrameGrid(source.rate)
        self._pictures = PictureEncoder(
            folder,
            self._grid,
            settings,
            origin=source.origin,
            threads=self._threads,
            encoded=self._encoded,
        )
        self._sides = SideTracks(
            folder,
            source.sides,
            rate=source.rate,
            origin=source.origin,
            bitrate=settings.audio_bitrate,
        )
        # What there really was beside the picture, once it ran.
        self.sides = SideStreams()
        self._order = PresentationOrder()
        self._started = time.monotonic()

    def run(self, path: Path) -> FrameGrid:
        """Encode everything; returns the finished grid. The tracks are complete and durable."""
        with contextlib.ExitStack() as stack:
            stack.callback(self._close)
            container = stack.enter_context(open_source(path, self._settings))
            video = self._video(container)
            if video is None:
                still = still_picture(path, self._settings)
                self._pictures.take(still, self._source.origin, Fraction(1))
            self._decode(container, video)
            return self._finish()

    @property
    def renditions(self) -> list[str]:
        """Names of the renditions that were made, smallest first."""
        return self._pictures.renditions

    def _video(self, container: InputContainer) -> av.VideoStream | None:
        if self._source.video_index is None:
            return None
        video = container.streams[self._source.video_index]
        assert isinstance(video, av.VideoStream)  # noqa: S101 - chosen among the video streams
        context = video.codec_context
        context.thread_type = "AUTO"
        context.thread_count = self._threads
        context.options = decoder_options(self._settings)
        if shows_decoding_times(container):
            self._order = DecodingOrder(video.index)
        return video

    def _decode(self, container: InputContainer, video: av.VideoStream | None) -> None:
        clock = Continuity(container)
        for packet in self._packets(container, video):
            if packet.stream.type in ("video", "audio"):
                clock.mend(packet)
            else:
                clock.follow(packet)
            # Not packet.stream_index: those that drain the decoders all say 0 there.
            if video is None or packet.stream.index != video.index:
                self._sides.take(packet)
                continue
            self._order.note(packet)
            try:
                frames = video.decode(packet)
            except av.FFmpegError:  # decoders fail with many errors, not InvalidDataError alone
                self._order.forget(packet)  # left out, as players do
                continue
            for frame in frames:
                self._picture(frame, video)

    def _packets(
        self, container: InputContainer, video: av.VideoStream | None
    ) -> "Iterator[av.Packet[Stream]]":
        """All packets of the streams that are encoded, as far as they can be read."""
        chosen: list[Stream] = [container.streams[index] for index in self._sides.indexes]
        packets = container.demux([video, *chosen] if video else chosen)
        while True:
            try:
                packet = next(packets)
            except StopIteration:
                return
            except av.FFmpegError:
                # The rest cannot be read. Whether enough was is decided at the end.
                self._sides.drain(container)
                if video is not None:
                    self._drain(video)
                return
            yield packet

    def _drain(self, video: av.VideoStream) -> None:
        rest: list[av.VideoFrame] = []
        with contextlib.suppress(av.FFmpegError):
            rest = video.decode(None)
        for frame in rest:
            self._picture(frame, video)

    def _picture(self, frame: av.VideoFrame, stream: av.VideoStream) -> None:
        pts = self._order.next(frame.pts)
        shown = None if pts is None or frame.time_base is None else pts * frame.time_base
        aspect = Fraction(stream.sample_aspect_ratio or 1) or Fraction(1)
        self._pictures.take(frame, shown, aspect)

    def _encoded(self, index: int) -> None:
        elapsed = time.monotonic() - self._started
        self._progress(index, float(index / self._grid.rate) / elapsed if elapsed else 0.0)

    def _finish(self) -> FrameGrid:
        self._pictures.flush()
        self._check_whole()
        self._sides.flush()
        count = self._pictures.count_until(self._source.video_end)
        at_least = frames_for(self._sides.samples, count, self._grid.rate)
        grid = self._pictures.finish(self._source.video_end, at_least)
        self.sides = self._sides.finish(grid)
        return grid

    def _check_whole(self) -> None:
        promised, decoded = self._source.frames, self._pictures.taken
        lost = (promised - decoded) / self._grid.rate
        if decoded < promised * _LEAST_SHARE and lost > _LONGEST_LOSS:
            raise UnusableSource(
                f"The file is damaged or incomplete: {decoded} of {promised} pictures "
                "could be read."
            )

    def _close(self) -> None:
        self._pictures.close()
        self._sides.close()
