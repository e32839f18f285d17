"""What the times of a source's pictures say of its rate and of where the grid should lie."""

from fractions import Fraction

import numpy as np
import numpy.typing as npt

_CONSTANT_SHARE = 0.98  # of intervals that fit the stated rate: then it is a constant rate
_USUAL = Fraction(25)
# Of an interval: pictures that lie nearer to the grid than this are where they belong.
_NEAR = 1 / 8
_AGREED = 0.5  # length of the mean of unit vectors, from 0 (pictures lie anywhere) to 1


def frame_rate(
    times: npt.NDArray[np.int64], time_base: Fraction, stated: Fraction | None
) -> tuple[Fraction, bool]:
    """Pictures a second, and whether that rate is constant; ``times`` are sorted ticks."""
    gaps = np.diff(times)
    gaps = gaps[gaps > 0]
    if not len(gaps):
        return stated or _USUAL, True
    median = 1 / (Fraction(int(np.median(gaps))) * time_base)
    if not stated:
        return median, False
    # Containers round times to their ticks (Matroska: 1 ms), so a picture counts as in place
    # when its gap is one interval to within a tick and a half.
    ticks = float(1 / stated / time_base)
    fitting = np.abs(gaps - ticks) <= max(1.5, ticks * 0.02)
    if fitting.mean() >= _CONSTANT_SHARE:
        return stated, True
    return median, False


def phase(times: npt.NDArray[np.int64], time_base: Fraction, rate: Fraction) -> Fraction:
    """Seconds by which a grid of ``rate`` should begin later than the first picture (or, below 0,
    earlier), so that the others lie on it.

    The median of all pictures. 0 where they lie near to the first one's grid, or anywhere.
    """
    interval = float(1 / rate / time_base)
    places = (times - times[0]) / interval
    mean = np.exp(2j * np.pi * places).mean()
    if abs(mean) < _AGREED:
        return Fraction(0)
    centre = float(np.angle(mean)) / (2 * np.pi)
    away = (places - centre + 0.5) % 1 - 0.5
    share = centre + float(np.median(away))
    if abs(share) < _NEAR:
        return Fraction(0)
    return round(share * interval) * time_base


def last_end(last: Fraction, measured: Fraction, rate: Fraction) -> Fraction:
    """When a picture that is shown from ``last`` on ends. One that stays on the grid is shown for
    one of its intervals at least; where the grid takes every second or fourth, it need not be."""
    interval = 1 / measured
    return last + (interval if measured > rate * 3 / 2 else max(interval, 1 / rate))
