"""Multivariant playlists and bandwidths, from plain values."""

from dataclasses import replace
from fractions import Fraction

import pytest

from media_pipeline.packages.bandwidth import average, largest, peak
from media_pipeline.packages.hls_sides import sound_rendition
from media_pipeline.packages.multivariant import Rates, Rendition, Variant, multivariant_playlist
from media_pipeline.titles.manifest import AudioFacts
from tests.media_pipeline.conforming import attributes

VARIANT = Variant("/v", Rates(2, 1), "avc1.64001e", 640, 360, Fraction(30000, 1001))
SOUND = Rendition("AUDIO", "sound", "English", "en", "/a", is_default=True, channels=2)
TEXT = Rendition("SUBTITLES", "text", "English", "en", "/t", is_default=False)


def media(*renditions: Rendition) -> list[dict[str, str]]:
    return attributes(multivariant_playlist([VARIANT], media=renditions), "EXT-X-MEDIA")


def test_names_that_quotes_make_equal_are_told_apart() -> None:
    """RFC 8216 §4.2 has no quotes in quoted-strings, §4.3.4.1.1 no equal names in a group."""
    names = ['a "b"', "a 'b'", "a 'b' (2)"]
    found = media(*(replace(SOUND, name=name, uri=name[:1]) for name in names))
    assert len({each["NAME"] for each in found}) == 3
    # Another group may have the same name.
    both = media(SOUND, TEXT)
    assert {each["NAME"] for each in both} == {'"English"'}


def test_a_group_has_one_default() -> None:
    found = media(SOUND, replace(SOUND, name="German", language="de"))
    assert [each["DEFAULT"] for each in found] == ["YES", "NO"]


def test_players_choose_by_themselves_between_what_differs_alone() -> None:
    """RFC 8216 §4.3.4.1.1. The default is one of them, wherever it stands."""
    found = media(
        TEXT,
        replace(TEXT, name="Signs", is_forced=True),
        replace(TEXT, name="Spoken", characteristics=("public.easy-to-read",)),
        replace(TEXT, name="Again"),
        replace(TEXT, name="German", language="de"),
        replace(TEXT, name="Chosen", is_default=True),
    )
    assert [each["AUTOSELECT"] for each in found] == ["NO", "YES", "YES", "NO", "YES", "YES"]
    assert [each.get("FORCED") for each in found] == [None, "YES", None, None, None, None]


def test_an_unknown_language_is_not_said() -> None:
    [found] = media(replace(SOUND, language="und"))
    assert "LANGUAGE" not in found


@pytest.mark.parametrize(
    ("roles", "expected"),
    [
        ((), None),
        (("commentary",), None),
        (("description",), '"public.accessibility.describes-video"'),
    ],
)
def test_sounds_say_for_whom_they_are(roles: tuple[str, ...], expected: str | None) -> None:
    facts = AudioFacts("audio-0", "mp4a.40.2", 9, "en", "English", True, roles)
    [found] = media(sound_rendition(facts, "/a"))
    assert found.get("CHARACTERISTICS") == expected


def test_the_rate_has_three_decimals() -> None:
    [found] = attributes(multivariant_playlist([VARIANT]), "EXT-X-STREAM-INF")
    assert found["FRAME-RATE"] == "29.970"  # RFC 8216 §4.3.4.2


def test_a_last_picture_alone_is_no_peak() -> None:
    """RFC 8216 §4.1: runs of between half and one and a half target durations."""
    seconds = [Fraction(2), Fraction(2), Fraction(1, 25)]
    sizes = [1000, 3000, 2000]
    assert largest(sizes, seconds) == 8 * 2000 * 25
    assert peak(sizes, seconds, 2) == 8 * 5000 / Fraction(51, 25)
    assert average(sizes, seconds) == 8 * 6000 / Fraction(101, 25)


def test_a_film_shorter_than_any_run_has_its_own_rate() -> None:
    assert peak([500], [Fraction(1, 5)], 1) == 8 * 2500
