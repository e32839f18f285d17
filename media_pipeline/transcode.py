"""One decode of the source, all renditions and all sound tracks at once."""

import contextlib
import time
from collections.abc import Callable, Iterator
from fractions import Fraction
from pathlib import Path

import av
from av.container import InputContainer

from media_pipeline.errors import UnusableSource
from media_pipeline.job import EncodeSettings
from media_pipeline.limits import decoder_options
from media_pipeline.picture_encoder import PictureEncoder
from media_pipeline.picture_order import DecodingOrder, PresentationOrder
from media_pipeline.sound import SoundEncoder
from media_pipeline.source import SourceInfo, open_source, shows_decoding_times
from media_pipeline.timeline import AUDIO_RATE, FrameGrid

# A sound that outlasts the picture by less than this (seconds) simply goes on a little longer;
# for a longer one the last picture is held.
_LONGEST_TAIL = Fraction(1, 10)
# The share of the promised pictures that must have been decoded, and seconds at the end that may
# be missing. Containers often promise a picture or two more than there are.
_LEAST_SHARE = 0.99
_LONGEST_LOSS = Fraction(1, 2)

Progress = Callable[[int, float], None]
Stream = av.VideoStream | av.AudioStream
Frame = av.VideoFrame | av.AudioFrame


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
            expected=source.expected,
            threads=self._threads,
            encoded=self._encoded,
        )
        self._sounds = {
            sound.index: SoundEncoder(
                folder,
                f"audio-{number}",
                settings.audio_bitrate,
                grid=self._grid,
                origin=source.origin,
            )
            for number, sound in enumerate(source.sounds)
        }
        self._order = PresentationOrder()
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
        return self._pictures.renditions

    def _decode(self, container: InputContainer) -> None:
        video = container.streams[self._source.video_index]
        assert isinstance(video, av.VideoStream)  # noqa: S101 - chosen among the video streams
        context = video.codec_context
        context.thread_type = "AUTO"
        context.thread_count = self._threads
        context.options = decoder_options(self._settings)
        if shows_decoding_times(container):
            self._order = DecodingOrder(video.index)
        streams: list[Stream] = [video]
        for index in self._sounds:
            audio = container.streams[index]
            assert isinstance(audio, av.AudioStream)  # noqa: S101 - chosen among the audio streams
            streams.append(audio)
        for index, frame in self._frames(container, streams):
            if isinstance(frame, av.AudioFrame):
                self._sounds[index].take(frame, self._pictures.gops_begun)
            else:
                self._picture(frame, video)

    def _frames(
        self, container: InputContainer, streams: list[Stream]
    ) -> Iterator[tuple[int, Frame]]:
        """Decoded frames with their stream's index; a packet that cannot be decoded is left out,
        as players do."""
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
                        # Not packet.stream_index: those that drain the decoders all say 0 there.
                        yield packet.stream.index, frame
            except av.FFmpegError:  # decoders fail with many errors, not InvalidDataError alone
                self._order.forget(packet)

    def _drain(self, streams: list[Stream]) -> Iterator[tuple[int, Frame]]:
        for stream in streams:
            with contextlib.suppress(av.FFmpegError):
                for frame in stream.decode(None):
                    yield stream.index, frame

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
        at_least = 0
        for sound in self._sounds.values():
            sound.flush(self._pictures.gops_begun)
            end = Fraction(sound.samples, AUDIO_RATE)
            if end > (self._pictures.count + 1) / self._grid.rate + _LONGEST_TAIL:
                at_least = max(at_least, int(-(-sound.samples * self._grid.rate // AUDIO_RATE)))
        grid = self._pictures.finish(self._source.video_end, at_least)
        for sound in self._sounds.values():
            sound.finish(grid)
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
        for sound in self._sounds.values():
            sound.close()
