"""Rows of the table of inputs: rates, lengths and timestamps."""

from collections.abc import Sequence
from fractions import Fraction
from typing import Any

from tests.clips.fixtures import ClipCache
from tests.clips.remux import retimed, strung
from tests.clips.spec import ClipFacts, Track
from tests.media_pipeline.input_rows import HEIGHT, WIDTH, Numbers, Row, clip

SMALL: dict[str, Any] = {"width": WIDTH, "height": HEIGHT}
NTSC_FILM, NTSC, NTSC_60 = (
    Fraction(24000, 1001), Fraction(30000, 1001), Fraction(60000, 1001)
)  # fmt: skip


def _last_of(step: int) -> Numbers:
    """The last of each ``step`` pictures."""
    return lambda facts: list(facts.numbers)[step - 1 :: step]


def _each(times: int) -> Numbers:
    return lambda facts: [number for number in facts.numbers for _ in range(times)]


def _held(rate: Fraction) -> Numbers:
    """At each point of a grid the last picture that was due by half an interval after it."""

    def shown(facts: ClipFacts) -> Sequence[int]:
        count = round((facts.end - facts.times[0]) * rate)
        due = [(time - facts.times[0]) * rate - Fraction(1, 2) for time in facts.times]
        return [max(i for i, time in enumerate(due) if time <= n) for n in range(count)]

    return shown


def _rate(rate: Fraction, treated: str = "Kept.", /, **row: Any) -> Row:
    return clip(f"{float(rate):.5g} pictures a second", rate=rate, row={"treated": treated, **row})


RATES = (
    _rate(NTSC_FILM),
    _rate(Fraction(24)),
    _rate(NTSC),
    _rate(Fraction(30)),
    _rate(Fraction(50)),
    _rate(NTSC_60),
    _rate(Fraction(15)),
    _rate(Fraction(5), "Each is shown four times.", rate=Fraction(20), numbers=_each(4)),
    _rate(Fraction(120), "Every second one.", rate=Fraction(60), numbers=_last_of(2)),
    clip(
        "240 pictures a second",
        rate=Fraction(240),
        row={
            "treated": "Every fourth one.",
            "rate": Fraction(60),
            "numbers": lambda _: [2, *range(6, 480, 4)],
        },
    ),
)

PHONE = [Fraction(n * 1000 // 30 + (n * 7 % 9) - 4 * (n > 0), 1000) for n in range(60)]
IDLE = [Fraction(n) for n in range(3)]
BURST = [3 + Fraction(n, 30) for n in range(60)]
SCREEN = [*IDLE, *BURST, Fraction(6), Fraction(7), Fraction(8)]
HALF_OFF = [Fraction(0), *(Fraction(2 * n + 1, 50) for n in range(1, 50))]
VARIABLE = (
    clip("Variable rate: a phone's, with jitter", times=PHONE,
         row={"rate": Fraction(30), "treated": "Put on the standard rate nearest to its median."}),
    clip("Variable rate: a screen recording, one picture a second", rate=Fraction(1), seconds=4,
         sound=None, row={"rate": Fraction(16), "numbers": _each(16),
                          "treated": "Each is shown sixteen times."}),
    clip("Variable rate: a screen recording, idle and busy", times=SCREEN, sound=None,
         row={"rate": Fraction(30), "numbers": _held(Fraction(30)),
              "treated": "Put on the rate of the busy part."}),
    clip("Pictures half an interval off the first one's grid", ".mkv", times=HALF_OFF,
         row={"treated": "The grid is laid where most pictures are."}),
)  # fmt: skip


def _wrapping(cache: ClipCache) -> ClipFacts:
    """33 bits of 90 kHz end one second into it."""
    start = Fraction(2**33, 90_000) - 1 - Fraction(7, 5)
    return cache.clip(suffix=".ts", **SMALL, seconds=2, start=start, sound=Track(start=start))


def _twice(*starts: int) -> Any:
    """Two clips of two seconds, numbered through, whose clocks start there."""

    def make(cache: ClipCache) -> ClipFacts:
        parts = [
            cache.clip(suffix=".ts", **SMALL, frames=50, first_number=50 * index, start=start,
                       sound=Track(start=start, seconds=Fraction(2)))
            for index, start in enumerate(map(Fraction, starts))
        ]  # fmt: skip
        return strung(cache, *parts)

    return make


def _repeated(cache: ClipCache) -> ClipFacts:
    clean = cache.clip(suffix=".mkv", **SMALL, seconds=2)
    return retimed(cache, clean, ".mkv", _tenth_again)


def _tenth_again(packet: Any, number: int) -> Fraction:
    """Every tenth picture has the time of the one before it."""
    return Fraction(-1, 25) if packet.stream.type == "video" and number % 10 == 9 else Fraction(0)


def _without_the_repeated(facts: ClipFacts) -> Sequence[int]:
    """The later of two at the same time stays, and is held until the next."""
    return [n + 1 if n % 10 == 8 else n for n in facts.numbers][:-1]


BELOW_0 = {"avoid_negative_ts": "disabled"}
# The sound of the first part lasts a little longer than its pictures.
TWO: dict[str, Any] = {
    "numbers": lambda _: [*range(50), 49, *range(50, 100)],
    "flashes": 4,
}
TIMES = (
    clip("Timestamps that start late (MPEG-TS)", ".ts", start=Fraction(5000),
         sound=Track(start=Fraction(5000)), row={"treated": "Begin at 0."}),
    clip("Timestamps that start late (MKV)", ".mkv", start=Fraction(600),
         sound=Track(start=Fraction(600)), row={"treated": "Begin at 0."}),
    clip("Timestamps that start below 0 (MPEG-TS)", ".ts", start=Fraction(-3),
         sound=Track(start=Fraction(-3)), container_options=BELOW_0,
         row={"treated": "Begin at 0."}),
    Row("Timestamps that wrap around (MPEG-TS)", _wrapping, "Go on."),
    Row("Timestamps that jump ahead (MPEG-TS)", _twice(0, 5000), "The gap is closed.", **TWO),
    Row("Timestamps that jump back (MPEG-TS)", _twice(5000, 0), "Go on.", **TWO),
    Row("Timestamps that repeat (MKV)", _repeated, "The later picture stays.",
        numbers=_without_the_repeated),
)  # fmt: skip

LENGTHS = (
    clip("One picture", frames=1, sound=None),
    clip("0.3 s", seconds=Fraction(3, 10), row={"flashes": 1}),
    clip("Sound longer than picture", sound=Track(seconds=Fraction(4)), row={
        "numbers": lambda _: [*range(50), *[49] * 51], "treated": "The last picture is held."}),
    clip("Picture longer than sound", seconds=4, sound=Track(seconds=Fraction(2)),
         row={"treated": "Silence."}),
    clip("Sound that starts later", seconds=4, sound=Track(start=Fraction(3, 2)),
         row={"treated": "Silence before it."}),
    clip("No sound", sound=None),
)  # fmt: skip

ROWS = (*RATES, *VARIABLE, *TIMES, *LENGTHS)
