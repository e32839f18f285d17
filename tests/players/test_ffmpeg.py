"""ffmpeg takes every format apart: every picture and sound of it, and pictures at other places."""

import re
from collections.abc import Sequence
from fractions import Fraction
from operator import eq

import numpy as np
import pytest

from media_pipeline.transport.mpegts import TS_START
from tests.clips.read import read_frame_number
from tests.players.film import FIRST_NUMBER, HIGH, LOW, RATE, SEEKS, Film
from tests.players.matrix import Row
from tests.players.theatre import FORMATS, Theatre
from tests.processes import ended
from tests.programs import program

SIZE = HIGH * 16 // 9 * HIGH
AAC = Fraction(1024, 48000)  # the sound's first frame is the encoder's priming, before the film
# It shows no subtitles of HLS, and says so once.
NOT_SHOWN = "Can't support the subtitle"
# ffmpeg 5.1 damages what it reads after a seek in fragmented MP4 of HLS, also what it wrote itself.
UNSEEKABLE = "CMAF"
# MPEG-TS has a clock of its own; seconds before its first picture.
CLOCK = {"TS": Fraction(TS_START, 90_000)}


async def run(*arguments: str) -> bytes:
    """What ffmpeg writes. It must not complain of anything."""
    command = (program("ffmpeg"), "-nostdin", "-v", "warning", *arguments, "-")
    status, out, complaints = await ended(*command)
    lines = [line for line in complaints.decode().splitlines() if line and NOT_SHOWN not in line]
    assert (status, lines) == (0, [])
    return out


def numbers_in(grey: bytes) -> list[int]:
    pictures = np.frombuffer(grey, np.uint8).reshape(-1, HIGH, HIGH * 16 // 9)
    return [read_frame_number(picture) - FIRST_NUMBER for picture in pictures]


async def check_streams(film: Film, source: Sequence[str], clock: Fraction) -> None:
    """Two renditions and two sounds, in MPEG-TS the first one in each rendition, all decoded; from
    the times on that they have in the film."""
    report = await run("-copyts", *source, "-map", "0:v", "-map", "0:a", "-f", "framecrc")
    lines = report.decode().splitlines()
    scales = dict(re.findall(r"(?m)^#tb (\d+): (\S+)", "\n".join(lines)))
    frames: dict[str, list[Fraction]] = {}
    for line in (line for line in lines if not line.startswith("#")):
        stream, _, pts = (part.strip() for part in line.split(",")[:3])
        frames.setdefault(stream, []).append(int(pts) * Fraction(scales[stream]) - clock)
    pictures, sounds = [frames.pop(name) for name in ("0", "1")], list(frames.values())
    assert len(sounds) == (3 if clock else 2)
    for times in pictures:
        assert [round(time * RATE) for time in times] == list(range(film.frames))
        assert abs(times[0]) < Fraction(1, 100)
    for times in sounds:
        assert abs(times[0] + AAC) < Fraction(1, 10_000)
        assert 0 <= times[-1] + AAC - film.clip.duration < AAC


def second_key(film: Film, picture: int) -> int:
    """Where ffmpeg 5.1 begins in some segments of MPEG-TS, its own too: it rounds decoding times to
    microseconds, and takes the first picture for one before the segment."""
    grid = film.title.grid
    firsts = [grid.segment(index).first_frame for index in range(film.segments)]
    return max(first for first in firsts if first <= picture) + grid.gop_frames


@pytest.mark.parametrize("form", FORMATS)
async def test_ffmpeg(stage: Theatre, form: str) -> None:
    film = stage.film
    source = ("-headers", f"Cookie: {await stage.cookie()}\r\n", "-i", stage.url(form))
    await check_streams(film, source, Fraction(CLOCK.get(form, 0)))
    grey = ("-map", "0:v:1", "-pix_fmt", "gray", "-f", "rawvideo", "-fps_mode", "passthrough")
    assert numbers_in(await run(*source, *grey)) == list(range(film.frames))
    sought = []
    seeks = [] if form == UNSEEKABLE else film.seeks
    for picture in seeks:
        # The first picture that is not before the time; a quarter of one before it, then.
        second = float(CLOCK.get(form, 0) + (picture - Fraction(1, 4)) / RATE)
        place = ("-seek_timestamp", "1", "-ss", f"{max(second, 0):.6f}")
        sought += numbers_in(await run(*place, *source, *grey, "-frames:v", "1"))
    for picture, seen in zip(seeks, sought, strict=True):
        assert seen == picture or (form == "TS" and seen == second_key(film, picture))
    exact = sum(map(eq, seeks, sought))
    Row(
        player="ffmpeg",
        version=(await run("-version")).split()[2].decode(),
        format=form,
        played=f"yes, {film.frames} of {film.frames} pictures, no warning",
        seeks=f"{exact} of {SEEKS} exact" if seeks else "cannot",
        rendition=f"both, {LOW}p and {HIGH}p",
        sound="all",
        subtitles="not shown",
    ).record()
