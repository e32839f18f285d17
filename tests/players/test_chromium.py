"""hls.js, Shaka Player and Chromium's own HLS: to the end, to other places, other renditions."""

import asyncio
from collections.abc import Callable
from fractions import Fraction
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from tests.browser import browser
from tests.players.film import CUES, FIRST_NUMBER, HIGH, LOW, RATE, SEEKS, Film, middle
from tests.players.matrix import Row
from tests.players.screen import SIZES, Screen
from tests.players.theatre import Theatre
from tests.programs import npm_package

PROGRAMMED = (("HlsJs", "TS"), ("HlsJs", "CMAF"), ("Shaka", "DASH"), ("Shaka", "CMAF"))
NAMES = {"HlsJs": "hls.js", "Shaka": "Shaka Player", "Native": "Chromium's own HLS"}
# Its timeline begins with the first picture's decoding: sound, pictures and cues alike come later.
LATE = (("HlsJs", "TS"),)


@pytest.fixture(autouse=True)
def packages() -> None:
    npm_package("handlers/pages", "hls.js")
    npm_package("tests/web", "shaka-player")


async def show(
    stage: Theatre, profile: Path, player: str, form: str, look: Callable[[Screen], Any]
) -> None:
    """``look`` at a player; selenium waits for the browser, which waits for the server's loop."""

    def watch() -> None:
        with browser(profile) as opened:
            look(Screen(opened, stage, player, form))

    await asyncio.to_thread(watch)


def check_pictures(screen: Screen, film: Film, late: int) -> None:
    """At known places, also on the screen, and at others by chance."""
    for picture in film.known:
        number = FIRST_NUMBER + max(picture - late, 0)
        assert screen.stand_at(middle(picture)) == number
        screen.photograph(picture, number)
    sought = {picture: screen.stand_at(middle(picture)) for picture in film.seeks}
    assert sought == {picture: FIRST_NUMBER + max(picture - late, 0) for picture in film.seeks}


def check_play(seen: dict[str, Any], film: Film) -> None:
    """Shown to the end without a gap, the time always going on."""
    assert seen["ended"]
    assert all(before <= after for before, after in pairwise(seen["times"]))
    assert len(set(seen["times"])) > 5
    assert seen["times"][-1] >= film.clip.duration - Fraction(1, 10)
    assert len(seen["ranges"]) == 1
    assert seen["soundBytes"] > 0


def check_segments(screen: Screen, film: Film) -> None:
    """Each was put into the player's buffers, of pictures and of sound."""
    buffered: dict[str, set[int]] = {}
    starts = [film.title.grid.segment(index).first_frame / RATE for index in range(film.segments)]
    for kind, start in screen.run("films.segments"):
        nearest = min(range(len(starts)), key=lambda index: abs(starts[index] - Fraction(start)))
        assert abs(starts[nearest] - Fraction(start)) < Fraction(1, 5)
        buffered.setdefault(kind, set()).add(nearest)
    pictures = buffered.get("main") or buffered["video"]
    assert pictures == set(range(film.segments))
    # The second sound is chosen half-way through.
    assert buffered["audio"] >= set(range(film.segments // 2 + 1, film.segments))


def check_cues(seen: dict[str, Any], late: int) -> None:
    found = sorted(seen["cues"])
    shift = float(late / RATE)
    expected = [[start / 1000 + shift, end / 1000 + shift, text] for start, end, text in CUES]
    assert [text for *_, text in found] == [text for *_, text in expected]
    for cue, wanted in zip(found, expected, strict=True):
        assert cue[:2] == pytest.approx(wanted[:2], abs=0.001)


@pytest.mark.parametrize(("player", "form"), PROGRAMMED)
async def test_players_with_media_source_extensions(
    stage: Theatre, tmp_path: Path, player: str, form: str
) -> None:
    film = stage.film
    late = film.reordering if (player, form) in LATE else 0

    def look(screen: Screen) -> None:
        facts = screen.facts
        assert facts["heights"] == [LOW, HIGH]
        assert (facts["sounds"], facts["texts"]) == (["en", "de"], ["en"])
        assert facts["duration"] == pytest.approx(float(film.clip.duration), abs=0.1)
        screen.run("films.player.chooseText('en')")
        check_pictures(screen, film, late)
        seconds = film.clip.duration
        seen = screen.play(
            [(seconds / 7, "chooseHeight", HIGH), (seconds * 9 / 20, "chooseSound", "de")]
        )
        check_play(seen, film)
        assert (seen["sizes"], seen["sound"]) == (SIZES, "de")
        check_segments(screen, film)
        check_cues(seen, late)
        assert screen.errors == []
        waits = len(screen.run("films.waits"))
        waited = f", waited {waits} times" if waits else ""
        Row(
            player=NAMES[player],
            version=facts["version"],
            format=form,
            played=f"yes, {film.segments} of {film.segments} segments, no error" + waited,
            seeks=f"{SEEKS + 3} of {SEEKS + 3} exact" + (f", {late} pictures late" if late else ""),
            rendition=f"{LOW}p to {HIGH}p",
            sound="en to de",
            subtitles=f"{len(CUES)} cues in time",
        ).record()

    await show(stage, tmp_path / "profile", player, form, look)


@pytest.mark.parametrize("form", ["TS", "CMAF"])
async def test_chromium_without_a_player(stage: Theatre, tmp_path: Path, form: str) -> None:
    """Its own HLS gives no choice and says nothing of segments: the pictures do."""
    film = stage.film

    def look(screen: Screen) -> None:
        assert screen.facts["duration"] == pytest.approx(float(film.clip.duration), abs=0.1)
        check_pictures(screen, film, 0)
        seen = screen.play([])
        check_play(seen, film)
        assert set(seen["sizes"]) <= set(SIZES)
        assert screen.errors == []
        Row(
            player=NAMES["Native"],
            version=screen.facts["version"],
            format=form,
            played="yes, no error",
            seeks=f"{SEEKS + 3} of {SEEKS + 3} exact",
            rendition="by itself",
            sound="no choice",
            subtitles="not shown",
        ).record()

    await show(stage, tmp_path / "profile", "Native", form, look)
