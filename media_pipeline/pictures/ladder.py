"""Which renditions a title gets: one for each box that the picture is fitted into."""

import re
from dataclasses import dataclass
from fractions import Fraction

from media_pipeline.timeline import nearest

BOXES = {"480p": (854, 480), "720p": (1280, 720), "1080p": (1920, 1080)}

# Peak bits a second at up to 30 pictures a second, for the box above; half as much again beyond.
_MAX_BITRATES = {"480p": 1_800_000, "720p": 4_000_000, "1080p": 7_000_000}
_HIGH_RATE = 31
_LEAST_BITRATE = 200_000
_SMALLEST = 2
_LARGEST = 8192
_ROUNDING = 2  # pixels
# What a setting may ask for, kbit/s; High profile at level 5.1 takes 300,000 (ITU-T H.264 A.3.1).
_LEAST_KBIT, _MOST_KBIT = 100, 100_000
_RUNG = re.compile(r"(480p|720p|1080p)(?:=(\d{1,4})x(\d{1,4}))?(?:@(\d{1,6})k)?", re.ASCII)


@dataclass(frozen=True, slots=True)
class RungSetting:
    """One entry of the ladder: its name in URLs, the box (width × height) that pictures are fitted
    into, and peak bits a second at up to 30 pictures a second."""

    name: str
    box: tuple[int, int]
    bitrate: int

    def max_bitrate(self, rate: Fraction) -> int:
        """Peak bits a second at ``rate`` pictures a second."""
        return self.bitrate * (3 if rate > _HIGH_RATE else 2) // 2


def parse_rung(text: str) -> RungSetting:
    """``480p``, ``480p=640x360`` for a box of another size, ``480p@1500k`` for another peak bit
    rate (kbit/s), ``480p=640x360@1500k`` for both. Without it the rate goes with the box's area.

    Raises ValueError in words for whoever wrote the setting.
    """
    match = _RUNG.fullmatch(text)
    if match is None:
        raise ValueError(
            "a rung is 480p, 720p or 1080p, or with its box and peak kbit/s: 480p=640x360@1500k"
        )
    name = match[1]
    usual = box = BOXES[name]
    if match[2] is not None:
        box = int(match[2]), int(match[3])
        if box[0] % 2 or box[1] % 2 or not (_SMALLEST <= box[1] <= box[0] <= _LARGEST):
            raise ValueError("a rung's box is even numbers, at least as wide as high")
    if match[4] is None:
        bitrate = _MAX_BITRATES[name] * box[0] * box[1] // (usual[0] * usual[1])
        return RungSetting(name, box, max(_LEAST_BITRATE, bitrate))
    kbit = int(match[4])
    if not _LEAST_KBIT <= kbit <= _MOST_KBIT:
        raise ValueError(f"a rung's bit rate is {_LEAST_KBIT}k to {_MOST_KBIT}k")
    return RungSetting(name, box, 1000 * kbit)


def greatest_bitrate(rungs: tuple[str, ...], rate: Fraction) -> int:
    """Peak bits a second of the largest of ``rungs`` (as ``parse_rung`` takes them)."""
    return max(parse_rung(rung).max_bitrate(rate) for rung in rungs)


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


def inside(width: Fraction, height: Fraction, rung: Rung) -> tuple[int, int]:
    """The largest size, even numbers, that a picture of ``width`` × ``height`` has in a rung.

    The rung's own size where the difference is what rounding makes.
    """
    scale = min(rung.width / width, rung.height / height)
    fitted = (2 * nearest(width * scale / 2), 2 * nearest(height * scale / 2))
    if rung.width - fitted[0] <= _ROUNDING and rung.height - fitted[1] <= _ROUNDING:
        return rung.width, rung.height
    return max(_SMALLEST, fitted[0]), max(_SMALLEST, fitted[1])


def ladder(
    width: Fraction, height: Fraction, rate: Fraction, rungs: tuple[str, ...]
) -> tuple[Rung, ...]:
    """Rungs for a picture of ``width`` × ``height`` square pixels, smallest first.

    ``rungs`` are settings as ``parse_rung`` takes them, smallest first. A rung above the source
    has the source's size; rungs of equal size are one, under the lowest name.
    """
    made: list[Rung] = []
    for setting in map(parse_rung, rungs):
        fitted = _fit(width, height, setting.box)
        if not any((rung.width, rung.height) == fitted for rung in made):
            made.append(Rung(setting.name, *fitted, setting.max_bitrate(rate)))
    return tuple(made)
