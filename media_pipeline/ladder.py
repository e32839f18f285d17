"""Which renditions a title gets: one for each box that the picture is fitted into."""

from dataclasses import dataclass
from fractions import Fraction

from media_pipeline.timeline import nearest

BOXES = {"480p": (854, 480), "720p": (1280, 720), "1080p": (1920, 1080)}

# Peak bits a second at up to 30 pictures a second; half as much again above that.
_MAX_BITRATES = {"480p": 1_800_000, "720p": 4_000_000, "1080p": 7_000_000}
_SMALLEST = 2


@dataclass(frozen=True, slots=True)
class Rung:
    """A rendition to make: its name in URLs, its size in square pixels, its peak bit rate."""

    name: str
    width: int
    height: int
    max_bitrate: int


def _fit(width: Fraction, height: Fraction, box: tuple[int, int]) -> tuple[int, int]:
    """``width`` × ``height`` into the box (turned for portrait), never enlarged, even numbers."""
    long, short = box
    box_width, box_height = (short, long) if height > width else (long, short)
    scale = min(Fraction(box_width) / width, Fraction(box_height) / height, Fraction(1))
    # 4:2:0 halves both sides, so they are even; the box is even too, so rounding stays inside.
    return (
        max(_SMALLEST, 2 * nearest(width * scale / 2)),
        max(_SMALLEST, 2 * nearest(height * scale / 2)),
    )


def ladder(
    width: Fraction, height: Fraction, rate: Fraction, names: tuple[str, ...]
) -> tuple[Rung, ...]:
    """Rungs for a picture of ``width`` × ``height`` square pixels, smallest first.

    A rung above the source has the source's size; rungs of equal size are one, under the lowest
    name.
    """
    rungs: list[Rung] = []
    for name, box in BOXES.items():
        if name not in names:
            continue
        fitted = _fit(width, height, box)
        if any((rung.width, rung.height) == fitted for rung in rungs):
            continue
        bitrate = _MAX_BITRATES[name] * (3 if rate > 31 else 2) // 2
        rungs.append(Rung(name, *fitted, bitrate))
    return tuple(rungs)
