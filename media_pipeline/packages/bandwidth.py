"""How much a playlist's segments ask of a connection, in bits a second, as measured."""

from collections.abc import Sequence
from fractions import Fraction


def ceil(value: Fraction) -> int:
    """The least integer that is not below ``value``: an attribute promises at least that much."""
    return -(-value.numerator // value.denominator)


def largest(sizes: Sequence[int], seconds: Sequence[Fraction]) -> Fraction:
    """The rate of the largest segment over its own duration.

    Never below the peak of RFC 8216 §4.1, and above it only where a short rest is the largest.
    """
    return max(8 * size / length for size, length in zip(sizes, seconds, strict=True))


def average(sizes: Sequence[int], seconds: Sequence[Fraction]) -> Fraction:
    """The rate of all segments together (RFC 8216 §4.1, average segment bit rate)."""
    return 8 * sum(sizes) / sum(seconds, Fraction(0))


def peak(sizes: Sequence[int], seconds: Sequence[Fraction], target: int) -> Fraction:
    """The peak segment bit rate of RFC 8216 §4.1: the largest rate of any run of segments that
    lasts between 0.5 and 1.5 times the ``target`` duration.

    For segments that may be as short as one picture, of which one alone says nothing. Where the
    whole is shorter than any such run, its rate.
    """
    found = Fraction(0)
    for first in range(len(sizes)):
        total, length = 0, Fraction(0)
        for index in range(first, len(sizes)):
            total, length = total + sizes[index], length + seconds[index]
            if length > target * Fraction(3, 2):
                break
            if length >= target * Fraction(1, 2):
                found = max(found, 8 * total / length)
    return found or average(sizes, seconds)
