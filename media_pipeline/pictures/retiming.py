"""From pictures with any timestamps to one picture for each point of the title's frame grid."""

from collections.abc import Iterator
from fractions import Fraction
from typing import Generic, TypeVar

from media_pipeline.errors import UnusableSource
from media_pipeline.timeline import nearest

# Of a picture's interval: rounded timestamps of pictures that lie halfway between two points, as
# at 120 pictures a second, must all fall to the same side.
_LEAN = Fraction(1, 100)
_LONGEST_GAP = 12 * 3600  # seconds for which one picture is held where the source has none


Picture = TypeVar("Picture")


def grid_point(time: Fraction, origin: Fraction, rate: Fraction) -> int:
    """The grid point on which a picture shown from ``time`` (source seconds) on lands."""
    return nearest((time - origin) * rate - _LEAN)


class FrameGridder(Generic[Picture]):
    """Puts pictures with any timestamps on the grid: each point shows the latest picture there.

    A picture lands on the grid point nearest to its time, the earlier one from halfway. Two on
    one point: the later one stays. A gap is filled by repeating the picture before it, and time
    before the first picture by repeating that one. Points before ``first`` are not given out.
    """

    def __init__(self, rate: Fraction, origin: Fraction, first: int = 0) -> None:
        self._rate = rate
        self._origin = origin
        self._next = first  # first grid point that was not given out yet
        self._held: Picture | None = None

    @property
    def count(self) -> int:
        """Pictures given out so far, with those before the first."""
        return self._next

    def put(self, picture: Picture, time: Fraction) -> Iterator[tuple[int, Picture]]:
        """Take the picture shown from ``time`` (source seconds) on; give what is decided."""
        point = grid_point(time, self._origin, self._rate)
        if point - self._next > _LONGEST_GAP * self._rate:
            raise UnusableSource("The film's timestamps jump: there is a gap of over 12 hours.")
        if self._held is not None:
            yield from self._until(point)
        elif point > 0:
            self._held = picture
            yield from self._until(point)
        self._held = picture

    def end(self, at_least: int = 0) -> Iterator[tuple[int, Picture]]:
        """Give out the last picture, held until there are ``at_least`` pictures; not at all when
        there are as many without it, as may be where the grid takes every second picture."""
        if self._held is not None:
            yield from self._until(max(1, at_least))
            self._held = None

    def _until(self, point: int) -> Iterator[tuple[int, Picture]]:
        assert self._held is not None  # noqa: S101 - both callers check it
        while self._next < point:
            yield self._next, self._held
            self._next += 1
