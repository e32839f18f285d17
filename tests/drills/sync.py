"""Ten minutes of flashes and beeps through the encoder: picture and sound stay together, in every
rendition, at the start, in the middle and at the end."""

import asyncio
from fractions import Fraction
from io import BytesIO
from pathlib import Path

from media_pipeline.job import EncodeSettings
from media_pipeline.titles.title import Title
from tests.benchmarks.rows import at_most
from tests.clips.generate import make_clip
from tests.clips.read import beeps_of, flashes_of, offsets_of, read_pictures, read_sound
from tests.clips.spec import ClipFacts, ClipSpec, Track
from tests.drills.report import Outcome
from tests.media_pipeline.titles import encode_title

IN_SYNC = Fraction(20, 1000)
RUNGS = EncodeSettings(preset="ultrafast", rungs=("480p=96x54", "720p=128x72", "1080p=160x90"))
SPEC = ClipSpec(
    width=160,
    height=90,
    rate=Fraction(30000, 1001),
    seconds=600,
    sound=(
        Track(codec="libmp3lame", rate=44100),
        Track(codec="ac3", layout="5.1", pitch=1500, start=Fraction(7, 4)),
        Track(codec="libopus", layout="mono", pitch=2000),
    ),
)
PARTS = ("start", "middle", "end")


def offsets_in_parts(title: Title, rendition: str) -> list[Fraction]:
    """The greatest distance of a flash from its beep, in seconds, in the first MPEG-TS segments of
    a rendition, those in the middle and the last ones: each decoded alone."""
    last = title.grid.segment_count - 1
    greatest = []
    for first in (0, last // 2, last - 1):
        data = b"".join(title.cut_ts(rendition, index) for index in (first, first + 1))
        pictures = read_pictures(BytesIO(data))
        sound = read_sound(BytesIO(data))
        assert len(flashes_of(pictures)) >= 5
        greatest.append(max(abs(offset) for offset in offsets_of(pictures, sound)))
    return greatest


def _track_offset(facts: ClipFacts, title: Title, number: int) -> Fraction:
    """The greatest distance of a track's beep from where the source has it."""
    name = title.manifest.audio[number].name
    heard = beeps_of(read_sound(title.folder / f"{name}.mp4"))
    meant = facts.sounds[number].beeps
    if len(heard) != len(meant):
        return Fraction(len(heard) - len(meant))
    return max(abs(a - b) for a, b in zip(heard, meant, strict=True))


def _go(folder: Path) -> Outcome:
    facts = make_clip(folder / "clip.mkv", SPEC)
    encode_title(facts.path, folder / "title", RUNGS)
    title = Title(folder / "title")
    outcome = Outcome(
        "Ten minutes at 29.97 pictures a second, three sounds: greatest distance, in ms.",
        ("of", *PARTS, "all of it"),
    )
    worst = Fraction(0)
    for name in title.names:
        offsets = offsets_in_parts(title, name)
        worst = max(worst, *offsets)
        outcome.rows.append([f"{name}: flash and beep", *(_ms(o) for o in offsets), ""])
        outcome.misses += [
            f"{name}, {part}: {_ms(offset)} ms"
            for part, offset in zip(PARTS, offsets, strict=True)
            if offset > IN_SYNC
        ]
    outcome.figures = [
        at_most("sync: flash and beep, at most", float(worst * 1000), float(IN_SYNC * 1000), "ms")
    ]
    for number, track in enumerate(facts.spec.tracks):
        offset = _track_offset(facts, title, number)
        outcome.rows.append([f"audio-{number} ({track.codec})", "", "", "", _ms(offset)])
        if not 0 <= offset <= IN_SYNC:
            outcome.misses.append(f"audio-{number}: {_ms(offset)} ms")
    return outcome


def _ms(seconds: Fraction) -> str:
    return f"{float(seconds * 1000):.1f}"


async def drill(folder: Path) -> Outcome:
    return await asyncio.to_thread(_go, folder)
