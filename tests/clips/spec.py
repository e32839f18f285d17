"""What a generated clip holds: its specification, and the facts that follow from it.

Times are exact fractions of a second. The clip's clock starts at the first picture's time; at
every whole second of it the first picture whose time is not before it starts a flash, which
lasts ``FLASH`` seconds and at least one picture, and on every sound track a beep starts at the
sample nearest to that picture's time.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from itertools import pairwise
from math import ceil
from pathlib import Path
from typing import Self

from tests.clips.colours import Colours

FLASH = Fraction(1, 10)
BEEP = Fraction(1, 20)


@dataclass(frozen=True)
class Track:
    """A sound track. It lasts for ``seconds`` from ``start``; without, to the pictures' end.

    ``pitch`` is the beep's frequency in Hz, by which tracks are told apart: a multiple of 500.
    ``bit_rate`` None is 64 kbit/s for each channel.
    """

    codec: str = "aac"
    layout: str = "stereo"
    rate: int = 48000
    start: Fraction = Fraction(0)
    seconds: Fraction | None = None
    pitch: int = 1000
    bit_rate: int | None = None
    language: str | None = None
    options: Mapping[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if self.pitch % 500 or not 0 < self.pitch < self.rate / 2:
            raise ValueError("the pitch must be a multiple of 500 Hz, below half the rate")


@dataclass(frozen=True)
class ClipSpec:
    """Everything about a clip but its path, whose suffix names the container.

    ``width`` and ``height`` are the coded size; ``rotation`` (0, 90, 180, 270) is how far a player
    turns the pictures clockwise, ``mirrored`` whether it then swaps left and right; what they show
    stands upright then. ``fields`` ("top" or "bottom") makes interlaced pictures: that field comes
    first and shows the picture's own number, the other one already the next picture's. ``alpha``
    is the opacity of the patches where ``pix_fmt`` has alpha. ``times`` are the presentation
    times of the pictures (variable rate); without it, ``frames`` or ``seconds`` at
    ``rate``, from ``start``. ``rate`` None makes sound alone. The pictures are numbered from
    ``first_number``. ``options`` go to the picture's encoder, ``container_options`` to the muxer.
    """

    width: int = 640
    height: int = 360
    rate: Fraction | None = Fraction(25)
    seconds: Fraction | int | None = None
    frames: int | None = None
    times: Sequence[Fraction] | None = None
    start: Fraction = Fraction(0)
    first_number: int = 0
    sound: Track | Sequence[Track] | None = Track()
    codec: str = "libx264"
    pix_fmt: str = "yuv420p"
    preset: str | None = "ultrafast"
    crf: int | None = 23
    gop: int | None = None
    b_frames: int = 0
    rotation: int = 0
    sample_aspect_ratio: Fraction | None = None
    interlaced: bool = False
    mirrored: bool = False
    fields: str | None = None
    colours: Colours = field(default_factory=Colours)
    alpha: float = 1.0
    options: Mapping[str, str] = field(default_factory=dict)
    container: str | None = None
    container_options: Mapping[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if self.rotation not in (0, 90, 180, 270):
            raise ValueError("the rotation must be 0, 90, 180 or 270")
        if self.times is not None and any(b <= a for a, b in pairwise(self.times)):
            raise ValueError("the times of pictures must grow")

    @property
    def tracks(self) -> tuple[Track, ...]:
        if self.sound is None:
            return ()
        return (self.sound,) if isinstance(self.sound, Track) else tuple(self.sound)

    @property
    def display_size(self) -> tuple[int, int]:
        """Width and height of the stored pixels once turned (pixels are not squared)."""
        turned = self.rotation in (90, 270)
        return (self.height, self.width) if turned else (self.width, self.height)


def _picture_times(spec: ClipSpec) -> tuple[Fraction, ...]:
    if spec.times is not None:
        return tuple(Fraction(time) for time in spec.times)
    if spec.rate is None:
        return ()
    if (spec.frames is None) == (spec.seconds is None):
        raise ValueError("give either frames or seconds")
    count = spec.frames if spec.frames is not None else ceil((spec.seconds or 0) * spec.rate)
    return tuple(spec.start + n / spec.rate for n in range(count))


def _flash_indices(times: Sequence[Fraction]) -> tuple[int, ...]:
    """The first picture at or after each whole second, each once."""
    found: list[int] = []
    second = 0
    for index, time in enumerate(times):
        if time - times[0] >= second:
            found.append(index)
            second = int(time - times[0]) + 1
    return tuple(found)


def _is_flash(times: Sequence[Fraction], onsets: Sequence[int]) -> tuple[bool, ...]:
    starts = set(onsets)
    onset, lit = Fraction(0), []
    for index, time in enumerate(times):
        onset = time if index in starts else onset
        lit.append(index in starts or time - onset < FLASH)
    return tuple(lit)


@dataclass(frozen=True)
class SoundFacts:
    """``beeps`` are the exact times of the first sample of each beep of a track."""

    track: Track
    samples: int
    beeps: tuple[Fraction, ...]


@dataclass(frozen=True)
class ClipFacts:
    """What the readers must find in a clip.

    ``times[i]`` is when the picture numbered ``numbers[i]`` is shown, ``end`` when the last one
    ends. ``flashes`` are the times of the flashes' first pictures, ``lit`` whether a picture is
    white in its band. ``width`` and ``height`` are those of the pictures as displayed, before
    pixels are squared.
    """

    path: Path
    spec: ClipSpec
    width: int
    height: int
    times: tuple[Fraction, ...]
    end: Fraction
    flashes: tuple[Fraction, ...]
    lit: tuple[bool, ...]
    sounds: tuple[SoundFacts, ...]

    @property
    def frames(self) -> int:
        return len(self.times)

    @property
    def rate(self) -> Fraction | None:
        return None if self.spec.times is not None else self.spec.rate

    @property
    def numbers(self) -> range:
        return range(self.spec.first_number, self.spec.first_number + self.frames)

    @property
    def beeps(self) -> tuple[Fraction, ...]:
        """Of the first track."""
        return self.sounds[0].beeps if self.sounds else ()

    @property
    def duration(self) -> Fraction:
        """Of the pictures; of the first track where there are none."""
        if self.times:
            return self.end - self.times[0]
        return Fraction(self.sounds[0].samples, self.sounds[0].track.rate)

    @classmethod
    def of(cls, path: Path, spec: ClipSpec) -> Self:
        """The facts of a clip, whether it was made yet or not: they follow from ``spec``."""
        times = _picture_times(spec)
        if times:
            last = 1 / spec.rate if spec.rate else Fraction(1, 25)
            end = times[-1] + last
            onsets = _flash_indices(times)
        else:
            end, onsets = Fraction(spec.seconds or 0), ()
        flashes = tuple(times[index] for index in onsets)
        moments = flashes if times else tuple(Fraction(n) for n in range(ceil(end)))
        return cls(
            path=path,
            spec=spec,
            width=spec.display_size[0],
            height=spec.display_size[1],
            times=times,
            end=end,
            flashes=flashes,
            lit=_is_flash(times, onsets),
            sounds=tuple(_sound_facts(track, moments, end) for track in spec.tracks),
        )


def _sound_facts(track: Track, moments: Sequence[Fraction], end: Fraction) -> SoundFacts:
    length = track.seconds if track.seconds is not None else end - track.start
    samples = round(length * track.rate)
    indices = [round((moment - track.start) * track.rate) for moment in moments]
    whole = round(BEEP * track.rate)
    return SoundFacts(
        track=track,
        samples=samples,
        beeps=tuple(
            track.start + Fraction(index, track.rate)
            for index in indices
            if 0 <= index <= samples - whole
        ),
    )
