"""The sounds and texts of a source, from demuxed packets to complete tracks.

They need no pictures: a film whose pictures are encoded in parts gets them in one piece.
"""

import contextlib
from dataclasses import replace
from fractions import Fraction
from pathlib import Path

import av
from av.container import InputContainer
from av.stream import Stream

from media_pipeline.errors import UnusableSource
from media_pipeline.sides.sound import SoundEncoder
from media_pipeline.sides.subtitles import SubtitleEncoder
from media_pipeline.sources.side_facts import SideStreams
from media_pipeline.timeline import AUDIO_RATE, FrameGrid

# A sound that outlasts the picture by less than this (seconds) simply goes on a little longer;
# for a longer one the last picture is held.
_LONGEST_TAIL = Fraction(1, 10)


def frames_for(samples: int, pictures: int, rate: Fraction) -> int:
    """How many pictures a title needs at least that has ``pictures`` of its own, ``rate`` a
    second, and whose longest sound has ``samples`` samples (48 kHz)."""
    if Fraction(samples, AUDIO_RATE) <= (pictures + 1) / rate + _LONGEST_TAIL:
        return pictures
    return int(-(-samples * rate // AUDIO_RATE))


class SideTracks:
    """Writes the tracks of ``streams`` into ``folder``; used once.

    ``rate`` is that of the title's pictures, ``origin`` the source's time that becomes 0.
    """

    def __init__(
        self, folder: Path, streams: SideStreams, *, rate: Fraction, origin: Fraction, bitrate: int
    ) -> None:
        grid = FrameGrid(rate)
        self._folder = folder
        self._streams = streams
        self._has_sound = False
        self._sounds = {
            sound.index: SoundEncoder(folder, sound.name, bitrate, grid=grid, origin=origin)
            for sound in streams.sounds
        }
        self._texts = {
            text.index: SubtitleEncoder(folder, text.name, origin=origin) for text in streams.texts
        }

    @property
    def indexes(self) -> list[int]:
        """The streams whose packets ``take`` is for."""
        return [*self._sounds, *self._texts]

    @property
    def samples(self) -> int:
        """Of the longest sound, at 48 kHz, so far."""
        return max((sound.samples for sound in self._sounds.values()), default=0)

    def take(self, packet: "av.Packet[Stream]") -> None:
        """A packet that cannot be decoded is left out, as players do. An empty packet (of those
        that demuxing ends with) drains its decoder."""
        if text := self._texts.get(packet.stream.index):
            text.take(packet)
        elif sound := self._sounds.get(packet.stream.index):
            self._has_sound |= packet.size > 0
            for frame in _decoded(packet):
                sound.take(frame)

    def drain(self, container: InputContainer) -> None:
        """In place of the last packets, when the source cannot be read to its end."""
        for index, sound in self._sounds.items():
            stream = container.streams[index]
            assert isinstance(stream, av.AudioStream)  # noqa: S101 - chosen among them
            rest: list[av.AudioFrame] = []
            with contextlib.suppress(av.FFmpegError):
                rest = stream.decode(None)
            for frame in rest:
                sound.take(frame)

    def flush(self) -> None:
        """No more packets come. Raises UnusableSource when not one sound could be decoded."""
        for sound in self._sounds.values():
            sound.flush()
        if self._has_sound and not self.samples:
            raise UnusableSource("The sound of this file cannot be decoded.")

    def finish(self, grid: FrameGrid) -> SideStreams:
        """Complete the tracks; ``grid`` has the title's pictures (``frames_for``).

        Returns the streams that have one: those in which nothing was found have none.
        """
        sounds = [s for s in self._streams.sounds if self._sounds[s.index].finish(grid)]
        texts = [t for t in self._streams.texts if self._texts[t.index].finish(grid.duration)]
        left_out = [
            *self._streams.left_out,
            *(f"{s.label}: no sound in it." for s in self._streams.sounds if s not in sounds),
            *(f"{t.label}: no subtitles in it." for t in self._streams.texts if t not in texts),
            *(
                f"{text.label}: {count} subtitles could not be read, or were too many."
                for text in self._streams.texts
                if (count := self._texts[text.index].left_out)
            ),
        ]
        if sounds:
            sounds[0] = replace(sounds[0], is_default=True)
        return SideStreams(tuple(sounds), tuple(texts), tuple(left_out))

    def close(self) -> None:
        for sound in self._sounds.values():
            sound.close()


def _decoded(packet: "av.Packet[Stream]") -> list[av.AudioFrame]:
    try:
        return [frame for frame in packet.decode() if isinstance(frame, av.AudioFrame)]
    except av.FFmpegError:
        return []
