"""GStreamer's playbin3 with hlsdemux2 and dashdemux2, in a process of its own."""

import json
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest

from tests.clips.read import read_frame_number
from tests.players.film import FIRST_NUMBER, HIGH, LOW, SEEKS, Film, middle
from tests.players.matrix import Row
from tests.players.theatre import FORMATS, Theatre
from tests.processes import ended

PYTHON = "/usr/bin/python3"  # the system's: ``gi`` belongs to it
SCRIPT = Path(__file__).with_name("gst_player.py")
READY = "import gi; gi.require_version('Gst', '1.0'); from gi.repository import Gst; Gst.init();"
NEEDED = ("hlsdemux2", "dashdemux2", "tsdemux", "h264parse", "avdec_h264", "avdec_aac")
PACKAGES = (
    "python3-gi gir1.2-gstreamer-1.0 gstreamer1.0-plugins-base gstreamer1.0-plugins-good"
    " gstreamer1.0-plugins-bad gstreamer1.0-libav"
)


@pytest.fixture(scope="module")
def gstreamer() -> None:
    looked = f"{READY} assert all(map(Gst.ElementFactory.find, {NEEDED}))"
    if not Path(PYTHON).exists() or subprocess.run([PYTHON, "-c", looked], check=False).returncode:
        pytest.skip(f"needs GStreamer (Debian: apt-get install {PACKAGES})")


@dataclass(frozen=True)
class Shown:
    kind: str
    number: int
    height: int


def shown_in(out: bytes) -> Iterator[Shown | str]:
    """Its pictures, then its version."""
    position = 0
    while position < len(out):
        end = out.index(b"\n", position) + 1
        head = json.loads(out[position:end])
        luma = np.frombuffer(out, np.uint8, head["size"], end)
        position = end + head["size"]
        if head["kind"] == "end":
            yield head["version"]
        else:
            picture = luma.reshape(head["height"], head["width"])
            yield Shown(head["kind"], read_frame_number(picture), head["height"])


def first_beside(film: Film, picture: int) -> int:
    """The first picture of the segment of another one. GStreamer 1.22 leaves the edit list of track
    files out, and begins MPEG-TS with the first decoding, so that all pictures come late by the
    reordering; where a segment begins it shows none of the segment before it."""
    firsts = (film.title.grid.segment(index).first_frame for index in range(film.segments))
    return max(first for first in firsts if first <= picture)


@pytest.mark.usefixtures("gstreamer")
@pytest.mark.parametrize("form", FORMATS)
async def test_gstreamer(stage: Theatre, form: str) -> None:
    film = stage.film
    pictures = [*film.known, *film.seeks]
    status, out, complaints = await ended(
        *(PYTHON, str(SCRIPT), stage.url(form), await stage.cookie()),
        *(str(middle(picture)) for picture in pictures),
    )
    assert (status, complaints.decode()) == (0, "")
    *shown, version = shown_in(out)
    found = [picture for picture in shown if isinstance(picture, Shown)]
    played = [picture for picture in found if picture.kind == "played"]
    assert [picture.number for picture in played] == film.numbers
    heights = [picture.height for picture in played]
    assert heights == sorted(heights)
    assert set(heights) == {LOW, HIGH}
    sought = [picture.number - FIRST_NUMBER for picture in found if picture.kind == "sought"]
    late = 0 if sought == pictures else film.reordering
    assert sought == [max(picture - late, first_beside(film, picture)) for picture in pictures]
    Row(
        player="GStreamer",
        version=str(version).removeprefix("GStreamer "),
        format=form,
        played=f"yes, {film.frames} of {film.frames} pictures, no warning",
        seeks=f"{SEEKS + 3} of {SEEKS + 3} exact" + (f", {late} pictures late" if late else ""),
        rendition=f"{LOW}p to {HIGH}p",
        sound="default",
        subtitles="switched off",
    ).record()
