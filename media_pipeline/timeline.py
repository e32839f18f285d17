"""Media time: integers and a time scale, never floats.

A title has one *frame grid*: its pictures are shown at n / rate seconds, n = 0, 1, 2, …, in every
rendition. GOPs are ``gop_frames`` pictures each, and a segment is ``SEGMENT_GOPS`` GOPs, so that
borders fall at the same times in all renditions.
"""

from dataclasses import dataclass
from fractions import Fraction
from typing import TypeVar

import numpy as np
import numpy.typing as npt

SEGMENT_GOPS = 3
GOP_SECONDS = 2
MIN_RATE = 12
MAX_RATE = 60
MPEG_CLOCK = 90_000  # ticks a second of PTS and DTS, ISO/IEC 13818-1 §2.4.2.2
AUDIO_RATE = 48_000
AAC_FRAME = 1024  # samples, ISO/IEC 14496-3 §4.5.1.1
_MIN_TIMESCALE = 10_000

Time = TypeVar("Time", int, npt.NDArray[np.int64])

STANDARD_RATES = (
    Fraction(12),
    Fraction(15),
    Fraction(24000, 1001),
    Fraction(24),
    Fraction(25),
    Fraction(30000, 1001),
    Fraction(30),
    Fraction(48),
    Fraction(50),
    Fraction(60000, 1001),
    Fraction(60),
)


def rescale(value: Time, source: int, target: int) -> Time:
    """``value`` of ``source`` ticks a second in ``target`` ticks a second, halves rounded up.

    ``value`` is an integer, or an array of 64-bit ones that are less than 2 ** 62 / ``target``.
    Works for negative values too; equal instants stay equal however they were reached.
    """
    return (2 * value * target + source) // (2 * source)


def nearest(value: Fraction) -> int:
    """The nearest integer, halves rounded up."""
    return (2 * value.numerator + value.denominator) // (2 * value.denominator)


@dataclass(frozen=True, slots=True)
class Segment:
    """GOPs ``first_gop`` to ``first_gop + gops`` and their pictures."""

    index: int
    first_gop: int
    gops: int
    first_frame: int
    frames: int


@dataclass(frozen=True, slots=True)
class PictureSpan:
    """Pictures ``first`` to before ``end`` of a title, encoded apart from the others.

    All are multiples of a GOP, but for the end of a film. The encoder is given the pictures
    from ``begin`` to before ``stop``, and what it makes of those outside is thrown away: so at
    ``first`` its rate control stands where that of a whole encode does, and until ``end`` it sees
    what comes, which keeps it from spending the buffer of the next part.
    """

    begin: int
    first: int
    end: int
    stop: int


@dataclass(frozen=True, slots=True)
class FrameGrid:
    """The times of a title's pictures: picture n is shown at n · frame_ticks / timescale."""

    rate: Fraction
    frames: int = 0

    @property
    def timescale(self) -> int:
        """Ticks a second; a multiple of the rate's numerator, so that a picture is whole ticks."""
        scale = self.rate.numerator
        while scale < _MIN_TIMESCALE:
            scale *= 2
        return scale

    @property
    def frame_ticks(self) -> int:
        return int(self.timescale / self.rate)

    @property
    def gop_frames(self) -> int:
        return nearest(GOP_SECONDS * self.rate)

    @property
    def gops(self) -> int:
        return -(-self.frames // self.gop_frames)

    @property
    def duration(self) -> Fraction:
        """Seconds."""
        return self.frames / self.rate

    @property
    def segment_count(self) -> int:
        size = SEGMENT_GOPS * self.gop_frames
        full, rest = divmod(self.frames, size)
        joins = full and rest < self.gop_frames
        return full if joins else full + 1

    def segment(self, index: int) -> Segment:
        """Segment ``index``. A rest shorter than one GOP belongs to the segment before it.

        Raises IndexError for a segment that does not exist.
        """
        count = self.segment_count
        if not 0 <= index < count:
            raise IndexError(index)
        first_gop = index * SEGMENT_GOPS
        gops = self.gops - first_gop if index == count - 1 else SEGMENT_GOPS
        first_frame = first_gop * self.gop_frames
        frames = min(self.frames, (first_gop + gops) * self.gop_frames) - first_frame
        return Segment(index, first_gop, gops, first_frame, frames)

    def segment_seconds(self, index: int) -> Fraction:
        return self.segment(index).frames / self.rate

    def audio_border(self, gop: int) -> int:
        """Index of the first AAC frame that belongs to ``gop`` or later.

        AAC frame i holds the samples from (i - 1) · 1024 on: frame 0 is the encoder's priming.
        The border is the frame whose start is nearest to the GOP's, and frame 0 for the first.
        """
        if gop == 0:
            return 0
        start = gop * self.gop_frames / self.rate
        return nearest(start * AUDIO_RATE / AAC_FRAME) + 1


def output_rate(measured: Fraction, *, is_constant: bool) -> Fraction:
    """The grid's rate for a source of ``measured`` frames a second.

    A constant rate is kept; above ``MAX_RATE`` it is halved, below ``MIN_RATE`` doubled (frames
    are dropped or repeated). A variable rate takes the standard rate nearest to ``measured``.
    """
    if not is_constant:
        return min(STANDARD_RATES, key=lambda rate: abs(rate - measured))
    rate = measured
    while rate > MAX_RATE:
        rate /= 2
    while rate < MIN_RATE:
        rate *= 2
    return rate
