"""Rows of the table of inputs: rates, lengths and timestamps."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from fractions import Fraction
from pathlib import Path
from typing import Any

from media_pipeline.titles.title import Title
from tests.clips.ffmpeg import by_ffmpeg
from tests.clips.fixtures import ClipCache
from tests.clips.read import find_beeps, offsets_of, read_pictures, read_sound
from tests.clips.remux import retimed, strung
from tests.clips.repeat import repeat_packets
from tests.clips.spec import ClipFacts, Track
from tests.media_pipeline.input_rows import HEIGHT, WIDTH, Numbers, Row, clip
from tests.media_pipeline.input_rows_containers import OPUS
from tests.media_pipeline.titles import joined

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


def _growing(cache: ClipCache) -> ClipFacts:
    parts = [
        cache.clip(suffix=".ts", width=width, height=height, frames=50, first_number=first,
                   start=start, sound=None)
        for width, height, first, start in (
            (WIDTH, HEIGHT, 0, Fraction(1)), (2 * WIDTH, 2 * HEIGHT, 50, Fraction(3)),
        )
    ]  # fmt: skip
    return strung(cache, *parts)


def _long(cache: ClipCache) -> ClipFacts:
    """A minute of ten seconds."""
    once = cache.clip(width=64, height=36, rate=Fraction(12), seconds=10, crf=18)
    path = cache.once(f"long {once.path.name}", _repeat_to(once), suffix=".mp4")
    return replace(once, path=path)


def _repeat_to(once: ClipFacts) -> Callable[[Path], object]:
    return lambda target: repeat_packets(once.path, target, LONG_TURNS)


def _in_sync_throughout(facts: ClipFacts, title: Title) -> None:
    """Every picture in its place, each beep at its flash."""
    pictures = read_pictures(joined(title, "480p"))
    assert len(pictures) == LONG_TURNS * facts.frames
    assert all(picture.number == n % facts.frames for n, picture in enumerate(pictures))
    offsets = offsets_of(pictures, read_sound(joined(title, "480p")))
    assert len(offsets) == LONG_TURNS * len(facts.flashes)
    assert max(abs(offset) for offset in offsets) <= Fraction(1, 50)


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


def _with_cover(suffix: str, *, picture: bool) -> Any:
    """A clip, or its sound alone, with another clip's first picture as its cover."""

    def make(cache: ClipCache) -> ClipFacts:
        cover = cache.clip(width=120, height=120, frames=1, first_number=7, sound=None)
        image = by_ffmpeg(cache, cover, ".png", "-frames:v", "1")
        clip = cache.clip(**SMALL, seconds=2)
        maps = ("-map", "0" if picture else "0:a", "-map", "1:v", "-c", "copy")
        number = "1" if picture else "0"
        return by_ffmpeg(
            cache, clip, suffix, *maps, f"-disposition:v:{number}", "attached_pic", extra=image.path
        )

    return make


def _is_cut_at_zero(_: ClipFacts, title: Title) -> None:
    """Beeps are where they were: at 0 and 1 s, and a thumbnail is made."""
    beeps = [beep - Fraction(7, 5) for beep in find_beeps(joined(title, "480p"))]
    assert max(abs(beep - second) for second, beep in enumerate(beeps)) <= Fraction(1, 50)
    assert len(beeps) == 2
    assert (title.folder / "thumbnail.jpg").read_bytes().startswith(b"\xff\xd8\xff")


ALONE: dict[str, Any] = {"rate": Fraction(12), "flashes": None, "also": (_is_cut_at_zero,)}
PLAIN = {**ALONE, "sizes": {"480p": (176, 98)}, "numbers": None, "tolerance": None,
         "treated": "A plain picture is shown, at 12 pictures a second."}  # fmt: skip
SOUND_ALONE = (
    clip("Sound alone: AAC (M4A)", ".m4a", rate=None, seconds=2, row=PLAIN),
    clip("Sound alone: Opus (OGG)", ".ogg", rate=None, seconds=2, sound=OPUS, row=PLAIN),
    Row("Sound alone with a cover (M4A)", _with_cover(".m4a", picture=False),
        "The cover is shown, at 12 pictures a second.",
        **{**ALONE, "sizes": {"480p": (120, 120)}, "numbers": lambda _: [7] * 25}),
    Row("A cover beside pictures (MP4)", _with_cover(".mp4", picture=True), "No video track."),
)  # fmt: skip

LONG_TURNS = 6
LENGTHS = (
    Row("A minute, by repeated packets", _long, rate=Fraction(12), sizes={"480p": (64, 36)},
        numbers=None, tolerance=None, also=(_in_sync_throughout,)),
    Row("Pictures whose size changes (MPEG-TS)", _growing,
        "The sizes of the first ones; black around those of another aspect.",
        numbers=lambda _: range(100), flashes=0),
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

ROWS = (*RATES, *VARIABLE, *TIMES, *LENGTHS, *SOUND_ALONE)
