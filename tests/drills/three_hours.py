"""A film of three hours: no picture is lost, and sound stays with it to the end."""

import asyncio
import time
from fractions import Fraction
from io import BytesIO
from pathlib import Path

from media_pipeline.job import EncodeSettings
from media_pipeline.titles.title import Title
from tests.clips.generate import make_clip
from tests.clips.read import beeps_of, flashes_of, read_pictures, read_sound
from tests.clips.repeat import repeat_packets
from tests.drills.report import Outcome
from tests.drills.sync import IN_SYNC, PARTS
from tests.media_pipeline.titles import encode_title

TURNS = 1080  # of ten seconds
# Most of the time goes into the sound; less of it to code is quicker.
SETTINGS = EncodeSettings(preset="ultrafast", rungs=("480p=64x36",), audio_bitrate=32_000)


def _offset(title: Title, first: int) -> Fraction:
    """The greatest distance of a flash from the beep nearest to it, in seconds, in two MPEG-TS
    segments; their ends, where flash or beep may belong to a neighbour, are left out."""
    data = b"".join(title.cut_ts("480p", index) for index in (first, first + 1))
    pictures = read_pictures(BytesIO(data))
    beeps = beeps_of(read_sound(BytesIO(data)))
    begin, end = pictures[0].time + Fraction(1, 2), pictures[-1].time - Fraction(1, 2)
    flashes = [time for time in flashes_of(pictures) if begin < time < end]
    assert len(flashes) >= 10
    return max(min(abs(flash - beep) for beep in beeps) for flash in flashes)


def _go(folder: Path) -> Outcome:
    once = make_clip(
        folder / "once.mp4", width=64, height=36, rate=Fraction(12), seconds=10, crf=18
    )
    seconds = repeat_packets(once.path, folder / "film.mp4", TURNS)
    began = time.monotonic()
    encode_title(folder / "film.mp4", folder / "title", SETTINGS)
    title = Title(folder / "title")
    outcome = Outcome(
        f"{float(seconds) / 3600:g} hours at 12 pictures a second, encoded in "
        f"{time.monotonic() - began:.0f} s: greatest distance of flash and beep, in ms.",
        ("of", *PARTS),
    )
    last = title.grid.segment_count - 1
    offsets = [_offset(title, first) for first in (0, last // 2, last - 1)]
    outcome.rows.append(["480p", *(f"{float(1000 * offset):.2f}" for offset in offsets)])
    outcome.misses += [
        f"{part}: {float(1000 * offset):.2f} ms"
        for part, offset in zip(PARTS, offsets, strict=True)
        if offset > IN_SYNC
    ]
    if title.grid.frames != TURNS * once.frames:
        outcome.misses.append(f"{title.grid.frames} pictures, not {TURNS * once.frames}")
    return outcome


async def drill(folder: Path) -> Outcome:
    return await asyncio.to_thread(_go, folder)
