"""Opening a stranger's file, and finding out what is in it.

Only ever called in a child process with limits (``sandbox``): a hostile file can crash, hang or
bloat libavformat, and the only cure is to kill the process.
"""

import contextlib
from array import array
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import numpy.typing as npt
from av.audio.stream import AudioStream
from av.container import InputContainer
from av.stream import Disposition, Stream
from av.video.stream import VideoStream

from media_pipeline.errors import UnusableSource
from media_pipeline.job import EncodeSettings
from media_pipeline.sources.continuity import Continuity
from media_pipeline.sources.limits import (
    check_duration,
    check_rate,
    check_streams,
    check_video,
    most_pictures,
    open_options,
    too_many_pictures,
    usable_sounds,
)
from media_pipeline.sources.rates import frame_rate, last_end, phase
from media_pipeline.sources.side_facts import SideStreams
from media_pipeline.sources.side_streams import side_streams
from media_pipeline.timeline import AUDIO_RATE, MIN_RATE, output_rate

_NOTHING = "This file has neither pictures nor sound in it."
_NO_STREAM = -1
_BOX_HEADER = 8  # bytes: length and kind (ISO/IEC 14496-12 §4.2)
# Sound that leads the picture by less is trimmed, by more gets the first picture held for it: not
# every container says what of it is the coder's priming (up to 2,529 samples of HE-AAC at 48 kHz),
# which is not meant to be heard.
_SHORTEST_LEAD = Fraction(6, 100)
_LONGEST_LEAD = 3600


@dataclass(frozen=True, slots=True)
class SourceInfo:
    """What will be encoded of a source. Times in seconds, on the container's own clock.

    ``video_index`` is None for sound alone: one picture (``still``) is shown then. ``sides`` are
    the sounds and texts beside the picture. ``origin`` is the time that becomes 0: the first
    picture, or the first sound when that is earlier. ``frames`` is how many pictures the
    container promises. ``video_end`` is where the last one ends, ``end`` where the last of
    pictures and sound does.
    """

    video_index: int | None
    sides: SideStreams
    rate: Fraction
    origin: Fraction
    frames: int
    video_end: Fraction
    end: Fraction

    @property
    def expected(self) -> int:
        """About how many pictures the title will have."""
        return max(1, int((self.video_end - self.origin) * self.rate))


@contextlib.contextmanager
def open_source(path: Path, settings: EncodeSettings) -> Iterator[InputContainer]:
    """Open a source with demuxers and protocols restricted; UnusableSource for what is no video.

    Raises OSError when there is no such file or it may not be read: that is no fault of the film.
    """
    path.open("rb").close()
    try:
        container = av.open(
            f"file:{path}",  # with its protocol, so that no name is taken for another one
            options=open_options(settings),
        )
    except (av.FFmpegError, ValueError, MemoryError) as error:
        raise UnusableSource(_unreadable(path)) from error
    with container:
        check_streams(container, settings)
        yield container


def _unreadable(path: Path) -> str:
    """Why a file cannot be opened. One that was cut off before its index, at the end of most
    files that cameras write, is no video for libavformat."""
    with path.open("rb") as file:
        head = file.read(_BOX_HEADER)
    if head[4:] == b"ftyp":
        return "The file is damaged or incomplete: it begins as MP4 does, and cannot be read."
    return "No known video format was recognised in this file."


def _video_stream(container: InputContainer, settings: EncodeSettings) -> VideoStream | None:
    streams = [
        stream
        for stream in container.streams.video
        if not stream.disposition & Disposition.attached_pic
    ]
    if not streams:
        return None
    stream = next((s for s in streams if s.disposition & Disposition.default), streams[0])
    check_video(stream, settings)
    return stream


@dataclass(frozen=True, slots=True)
class _Packets:
    """What reading all packets showed. ``times`` are sorted and in ticks, all else in seconds.

    ``seen`` counts the pictures, also those that an edit list hides; ``first_sound`` is when the
    earliest sound is heard; ``end`` is where the last packet of any stream ends by the
    container's own clock, and ``chosen_end`` the last one of pictures and sounds that are encoded.
    """

    times: npt.NDArray[np.int64]
    seen: int
    first_sound: Fraction | None
    end: Fraction
    chosen_end: Fraction


def shows_decoding_times(container: InputContainer) -> bool:
    """Whether pictures are shown at the decoding times in their order: AVI has no others.

    What libavformat guesses as presentation times there goes back and forth with B-frames.
    """
    return container.format.name == "avi"


def _heard_from(packet: "av.Packet[Stream]") -> Fraction:
    """When the first sample of a packet that is not skipped is due (libavcodec's
    AV_PKT_DATA_SKIP_SAMPLES begins with their number, 32 bits, little-endian)."""
    skipped = 0
    if packet.has_sidedata("skip_samples"):
        skipped = int.from_bytes(bytes(packet.get_sidedata("skip_samples"))[:4], "little")
    stream = packet.stream
    assert isinstance(stream, AudioStream)  # noqa: S101 - the caller chose it among them
    rate = stream.codec_context.sample_rate or AUDIO_RATE
    return (packet.pts or packet.dts or 0) * packet.time_base + Fraction(skipped, rate)


def _read_packets(
    path: Path, settings: EncodeSettings, video: int, sounds: frozenset[int]
) -> _Packets:
    times = array("q")
    seen = 0
    first_sounds: dict[int, Fraction] = {}
    end = chosen_end = Fraction(0)
    most = most_pictures(settings)
    with open_source(path, settings) as container:
        by_decoding = shows_decoding_times(container)
        clock = Continuity(container)
        try:
            for packet in container.demux():
                time = packet.dts if packet.pts is None or by_decoding else packet.pts
                if time is None:
                    continue
                end = max(end, (time + (packet.duration or 0)) * packet.time_base)
                seen += packet.stream_index == video
                if seen > most:
                    raise too_many_pictures(settings)
                if packet.stream_index != video and packet.stream_index not in sounds:
                    continue
                clock.mend(packet)
                time = packet.dts if packet.pts is None or by_decoding else packet.pts
                chosen_end = max(
                    chosen_end, ((time or 0) + (packet.duration or 0)) * packet.time_base
                )
                if packet.is_discard or not packet.size:
                    continue
                if packet.stream_index == video:
                    times.append(time or 0)
                elif packet.stream_index not in first_sounds:
                    first_sounds[packet.stream_index] = _heard_from(packet)
        except av.FFmpegError as error:
            if not times and not first_sounds:
                raise UnusableSource("This file is damaged: it cannot be read.") from error
    first_sound = min(first_sounds.values(), default=None)
    return _Packets(np.sort(np.array(times, np.int64)), seen, first_sound, end, chosen_end)


def _promised(container: InputContainer, stream: VideoStream | None) -> tuple[int, Fraction]:
    """Pictures, and seconds, that the container's header says there are; 0 where it does not.

    A file that was cut off still says what it once held. Formats that only estimate their length
    from what is there promise nothing.
    """
    duration = Fraction(0)
    if container.format.name.startswith(("mov", "matroska")) and container.duration:
        duration = Fraction(container.duration, av.time_base)
    return stream.frames if stream else 0, duration


def probe(
    path: Path, settings: EncodeSettings, on_headers: Callable[[], None] | None = None
) -> SourceInfo:
    """Read every packet's time without decoding. Raises UnusableSource in plain words.

    ``on_headers`` is called when all that the headers say is acceptable: what remains takes the
    longer the longer the film is.
    """
    with open_source(path, settings) as container:
        stream = _video_stream(container, settings)
        sides = side_streams(container, usable_sounds(container))
        index = stream.index if stream else _NO_STREAM
        time_base = stream.time_base if stream else None
        stated = (stream.guessed_rate or stream.average_rate) if stream else None
        pictures, seconds = _promised(container, stream)
    check_duration(seconds, settings)
    if on_headers is not None:
        on_headers()
    packets = _read_packets(path, settings, index, frozenset(s.index for s in sides.sounds))
    times = packets.times
    if not len(times) or time_base is None:
        return _sound_alone(sides, packets, settings)
    measured, is_constant = frame_rate(times, time_base, stated)
    rate = output_rate(measured, is_constant=is_constant)
    start = int(times[0]) * time_base
    end = last_end(int(times[-1]) * time_base, measured, rate)
    last = max(end, packets.chosen_end)
    check_duration(last - start, settings)
    check_rate(packets.seen, end - start, settings)
    origin = start + phase(times, time_base, rate)
    if packets.first_sound is not None:
        lead = start - packets.first_sound
        if _SHORTEST_LEAD <= lead <= _LONGEST_LEAD:
            # A whole number of pictures, so that they stay on the grid.
            origin -= round(lead * rate) / rate
    missing = max(0, pictures - packets.seen, int((seconds - packets.end) * measured))
    return SourceInfo(index, sides, rate, origin, len(times) + missing, end, last)


def _sound_alone(sides: SideStreams, packets: _Packets, settings: EncodeSettings) -> SourceInfo:
    if packets.first_sound is None:
        raise UnusableSource(_NOTHING)
    origin, end = packets.first_sound, packets.chosen_end
    check_duration(end - origin, settings)
    return SourceInfo(None, sides, Fraction(MIN_RATE), origin, 0, end, end)
