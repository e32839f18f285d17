"""Damage to a file, as bad disks, bad muxers and bad people do it; the same for the same seed."""

import random
from collections.abc import Callable, Mapping

# How many of a million bits are turned over.
DENSITIES = (10, 100, 1_000, 10_000)
HEADER = 2048  # bytes at either end where most containers keep their structure
_INTERESTING = (0, 1, 7, 8, 0x7F, 0xFF, 0x7FFF_FFFF, 0x8000_0000, 0xFFFF_FFFF, 0xFFFF_FFF0)


def _flip(data: bytearray, chance: random.Random) -> None:
    _flip_within(data, 0, len(data), chance.choice(DENSITIES), chance)


def _flip_header(data: bytearray, chance: random.Random) -> None:
    """A few bits where the structure is: at the beginning, or at the end."""
    size = min(HEADER, len(data))
    first = chance.choice((0, len(data) - size))
    _flip_within(data, first, size, chance.choice((100, 1_000, 5_000)), chance)


def _flip_within(
    data: bytearray, first: int, size: int, density: int, chance: random.Random
) -> None:
    for _ in range(max(1, size * 8 * density // 1_000_000)):
        data[first + chance.randrange(size)] ^= 1 << chance.randrange(8)


def _truncate(data: bytearray, chance: random.Random) -> None:
    del data[chance.randrange(1, len(data)) :]


def _chunk(data: bytearray, chance: random.Random) -> slice:
    first = chance.randrange(len(data))
    return slice(first, first + chance.randrange(1, max(2, len(data) // 8)))


def _swap(data: bytearray, chance: random.Random) -> None:
    one, other = sorted((_chunk(data, chance), _chunk(data, chance)), key=lambda part: part.start)
    held = data[other]
    data[other] = data[one]
    data[one] = held


def _duplicate(data: bytearray, chance: random.Random) -> None:
    part = data[_chunk(data, chance)]
    place = chance.randrange(len(data))
    data[place:place] = part * chance.choice((1, 1, 4))


def _cut_out(data: bytearray, chance: random.Random) -> None:
    del data[_chunk(data, chance)]


def _overwrite(data: bytearray, chance: random.Random) -> None:
    """A stretch of zeros, of ones, or of noise, as of a lost disk block."""
    part = data[place := _chunk(data, chance)]
    fill = chance.choice((b"\0", b"\xff", None))
    data[place] = chance.randbytes(len(part)) if fill is None else fill * len(part)


def _edit_lengths(data: bytearray, chance: random.Random) -> None:
    """Four-byte numbers that stand before a name of four letters, as boxes and chunks have them,
    or anywhere: to values that programs miscount with."""
    named = [
        place
        for place in range(4, len(data) - 4)
        if data[place : place + 4].isalnum() and data[place - 4] == 0
    ]
    for _ in range(chance.choice((1, 1, 2, 5))):
        anywhere = chance.randrange(max(1, len(data) - 4))
        place = chance.choice(named) - 4 if named and chance.random() < 0.7 else anywhere
        order = chance.choice(("big", "little"))
        old = int.from_bytes(data[place : place + 4], "big")
        new = chance.choice((*_INTERESTING, old + 1, max(0, old - 1), old * 2, old // 2))
        data[place : place + 4] = (new & 0xFFFF_FFFF).to_bytes(
            4, "big" if order == "big" else "little"
        )


def _edit_body(data: bytearray, chance: random.Random) -> None:
    """Numbers behind a box's name: counts, sizes, times, rates."""
    size = min(2 * HEADER, len(data))
    first = chance.choice((0, len(data) - size))
    for _ in range(chance.choice((1, 2, 4, 8))):
        place = first + chance.randrange(size)
        width = chance.choice((1, 2, 4, 8))
        value = chance.choice((*_INTERESTING, chance.getrandbits(8 * width)))
        data[place : place + width] = (value % (1 << 8 * width)).to_bytes(width, "big")


KINDS: Mapping[str, Callable[[bytearray, random.Random], None]] = {
    "flip": _flip,
    "flip-header": _flip_header,
    "truncate": _truncate,
    "swap": _swap,
    "duplicate": _duplicate,
    "cut-out": _cut_out,
    "overwrite": _overwrite,
    "lengths": _edit_lengths,
    "numbers": _edit_body,
}


def mutated(data: bytes, kind: str, seed: int) -> bytes:
    """``data`` (not empty) with one damage of this kind; never empty."""
    changed = bytearray(data)
    KINDS[kind](changed, random.Random(f"{kind} {seed}"))  # noqa: S311 - to be the same again
    return bytes(changed) or b"\0"
