"""Reads back what a generated clip holds, from a path or a file object that PyAV can open.

Decoding is strict: damage that a decoder would hide is an error. Times are those of the
container, exact fractions of a second: an MPEG-TS starts where its muxer put it. ``stream`` counts
among the streams of its kind, from 0.

Accuracy of beeps against the times in ClipFacts, as measured: ± 0.03 ms on PCM, ± 0.15 ms on AAC
at 96 kbit/s and more for stereo (± 0.4 ms at 64), ± 0.1 ms on Opus; ± 2.5 ms for a beep at the
very start of a 5.1 track, where the AAC encoder distorts. An MP4 whose sound starts late says
when to 1 ms only.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import BinaryIO

import av
import numpy as np
from av.container import InputContainer
from numpy.typing import NDArray

from tests.clips.picture_code import Luma, Misread, layout, number_of
from tests.clips.spec import BEEP

Source = Path | str | BinaryIO

STRICT = {"err_detect": "explode"}
WINDOW = 0.002  # seconds; a whole number of periods of every beep
QUIETEST = 0.05  # root mean square that still counts as a beep
PAIRED = Fraction(1, 4)  # seconds a beep may be away from its flash
LUMA_FIRST = frozenset(
    ("yuv420p", "yuvj420p", "yuv422p", "yuvj422p", "yuv444p", "yuvj444p", "nv12", "gray")
)


@dataclass(frozen=True, slots=True)
class Picture:
    """A decoded picture. ``width`` and ``height`` are as displayed."""

    time: Fraction
    number: int
    is_lit: bool
    is_key: bool
    width: int
    height: int


@dataclass(frozen=True, slots=True)
class Sound:
    """The first channel of a track, from the time of its first sample, silence in its gaps.

    ``gaps`` are the times and lengths of what is missing (positive) or doubled (negative).
    """

    start: Fraction
    rate: int
    samples: NDArray[np.float32]
    gaps: tuple[tuple[Fraction, Fraction], ...]

    @property
    def end(self) -> Fraction:
        return self.start + Fraction(len(self.samples), self.rate)


def open_strictly(source: Source) -> InputContainer:
    return av.open(str(source) if isinstance(source, Path) else source, "r", options=STRICT)


def _luma(picture: av.VideoFrame | Luma) -> Luma:
    """The luma plane, standing upright."""
    if isinstance(picture, np.ndarray):
        return picture
    frame = picture if picture.format.name in LUMA_FIRST else picture.reformat(format="gray")
    plane = frame.planes[0]
    stored = np.frombuffer(plane, np.uint8).reshape(-1, plane.line_size)  # type: ignore[call-overload] # planes are buffers
    stored = stored[: frame.height, : frame.width]
    return np.rot90(stored, picture.rotation // 90) if picture.rotation else stored


def read_frame_number(picture: av.VideoFrame | Luma) -> int:
    """The number in a picture, or in an upright luma plane. Raises Misread."""
    luma = _luma(picture)
    return number_of(layout(luma.shape[1], luma.shape[0]).levels(luma))


def is_lit(picture: av.VideoFrame | Luma) -> bool:
    """Whether the flash is on. Raises Misread when it is neither on nor off."""
    luma = _luma(picture)
    level = layout(luma.shape[1], luma.shape[0]).flash_level(luma)
    if 90 < level < 160:
        raise Misread(f"a flash that is half on: {level:.0f}")
    return level > 128


def read_pictures(source: Source, stream: int = 0) -> list[Picture]:
    """Every picture in the order of presentation. Raises Misread, or PyAV's error on damage."""
    with open_strictly(source) as container:
        video = container.streams.video[stream]
        video.codec_context.options = dict(STRICT)
        video.thread_type = "AUTO"
        return [_picture(frame) for frame in container.decode(video)]


def _picture(frame: av.VideoFrame) -> Picture:
    if frame.pts is None or frame.time_base is None:
        raise Misread("a picture without a time")
    luma = _luma(frame)
    return Picture(
        time=frame.pts * frame.time_base,
        number=read_frame_number(luma),
        is_lit=is_lit(luma),
        is_key=frame.key_frame,
        width=luma.shape[1],
        height=luma.shape[0],
    )


def decode_numbers(source: Source, stream: int = 0) -> list[tuple[Fraction, int]]:
    """Presentation time and number of every picture."""
    return [(picture.time, picture.number) for picture in read_pictures(source, stream)]


def find_flashes(source: Source, stream: int = 0) -> list[Fraction]:
    """The time of the first picture of each flash; a clip that starts lit starts with one."""
    return flashes_of(read_pictures(source, stream))


def flashes_of(pictures: list[Picture]) -> list[Fraction]:
    before = [False, *(picture.is_lit for picture in pictures)]
    return [
        picture.time
        for picture, was_lit in zip(pictures, before, strict=False)
        if picture.is_lit and not was_lit
    ]


@dataclass(frozen=True, slots=True)
class _Piece:
    """A decoded frame's first channel; ``tick`` is the time base of its stamp."""

    time: Fraction
    tick: Fraction
    rate: int
    samples: NDArray[np.float32]


def _pieces(source: Source, stream: int) -> Iterator[_Piece]:
    with open_strictly(source) as container:
        audio = container.streams.audio[stream]
        audio.codec_context.options = dict(STRICT)
        for frame in container.decode(audio):
            if frame.pts is None or frame.time_base is None:
                raise Misread("sound without a time")
            values = frame.to_ndarray()
            step = 1 if frame.format.is_planar else frame.layout.nb_channels
            channel = values[0, ::step]
            if channel.dtype.kind == "i":
                channel = channel / float(1 << 8 * channel.itemsize - 1)
            tick = frame.time_base
            if channel.dtype.kind == "u":
                channel = channel / 128.0 - 1
            yield _Piece(frame.pts * tick, tick, frame.sample_rate, channel.astype(np.float32))


def read_sound(source: Source, stream: int = 0) -> Sound:
    """The first channel of a track, by its time stamps.

    A difference of one tick of the container and two samples is rounding, and no gap. Raises
    Misread for an empty track or a change of rate.
    """
    pieces = list(_pieces(source, stream))
    if not pieces or len({piece.rate for piece in pieces}) != 1:
        raise Misread("no sound, or not at one rate")
    start, rate = pieces[0].time, pieces[0].rate
    slack = pieces[0].tick * rate + 2
    expected, placed, gaps = 0, [], []
    for piece in pieces:
        stamped = round((piece.time - start) * rate)
        if abs(stamped - expected) > slack:
            gaps.append((start + Fraction(expected, rate), Fraction(stamped - expected, rate)))
            expected = stamped
        placed.append((expected, piece.samples))
        expected += len(piece.samples)
    whole = np.zeros(max(first + len(samples) for first, samples in placed), np.float32)
    for first, samples in placed:
        whole[first : first + len(samples)] = samples
    return Sound(start, rate, whole, tuple(gaps))


def find_beeps(source: Source, stream: int = 0) -> list[Fraction]:
    """The onset of each beep (accuracy: see the module)."""
    return beeps_of(read_sound(source, stream))


def beeps_of(sound: Sound) -> list[Fraction]:
    """Where the power, averaged over a centred window, passes half that of a steady beep.

    A window of whole periods makes that the onset exactly for a sine that starts at once, and
    leaves a coder's smear, before and after, balanced. A dip within a beep starts no second one.
    """
    width = round(WINDOW * sound.rate)
    padded = np.concatenate([np.zeros(width), sound.samples.astype(np.float64) ** 2])
    total = np.concatenate([[0.0], np.cumsum(np.concatenate([padded, np.zeros(width)]))])
    power = (total[width:] - total[:-width]) / width
    loud = power[power > max(QUIETEST**2, power.max() / 4)]
    if not loud.size:
        return []
    above = power > np.median(loud) / 2
    rises = np.flatnonzero(above[1:] & ~above[:-1]) + 1
    onsets: list[int] = []
    for rise in rises.tolist():
        if not onsets or rise - onsets[-1] > BEEP * sound.rate:
            onsets.append(rise)
    # Window i of the padded signal covers the samples from i - width, its middle is half a
    # width later.
    return [sound.start + Fraction(2 * (onset - width) + width, 2 * sound.rate) for onset in onsets]


def measure_pitch(source: Source, stream: int = 0) -> float:
    """The frequency of a track's beeps in Hz, within 20 Hz: it tells tracks apart."""
    sound = read_sound(source, stream)
    beeps = beeps_of(sound)
    if not beeps:
        raise Misread("no beep")
    first = int((beeps[0] - sound.start + Fraction(1, 100)) * sound.rate)
    piece = sound.samples[first : first + sound.rate * 3 // 100]
    spectrum = np.abs(np.fft.rfft(piece * np.hanning(len(piece)), n=sound.rate))
    return float(np.argmax(spectrum))


def sync_offsets(source: Source, *, video: int = 0, audio: int = 0) -> list[Fraction]:
    """Flash minus beep, in seconds, of every flash with a beep: positive when the sound leads.

    Flashes before the first beep and after the last have none, as when the sound starts late: the
    caller knows how many offsets there must be. ``source`` is read twice. Raises Misread when there
    is no beep, or between the first and the last a flash has no beep of its own or a beep no flash.
    """
    pictures = read_pictures(source, video)
    if not isinstance(source, str | Path):
        source.seek(0)
    return offsets_of(pictures, read_sound(source, audio))


def offsets_of(pictures: list[Picture], sound: Sound) -> list[Fraction]:
    beeps = beeps_of(sound)
    if not beeps:
        raise Misread("no beep")
    flashes = [
        time for time in flashes_of(pictures) if beeps[0] - PAIRED <= time <= beeps[-1] + PAIRED
    ]
    if len(flashes) != len(beeps):
        raise Misread(f"{len(beeps)} beeps with {len(flashes)} flashes")
    offsets = [flash - beep for flash, beep in zip(flashes, beeps, strict=True)]
    if any(abs(offset) > PAIRED for offset in offsets):
        raise Misread("a flash without a beep of its own")
    return offsets
