"""Text of subtitles as WebVTT: what a stranger writes is shown as text, and nothing else."""

import re
from fractions import Fraction

import pytest

from media_pipeline.sides.cues import LONGEST_TEXT, cue_block, cue_text

PREFIX = b"0,0,Default,,0,0,0,,"


def text(source: str) -> str:
    return cue_text(PREFIX + source.encode())


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ("Hello", "Hello"),
        ("one, two, three", "one, two, three"),
        (r"up\Ndown", "up\ndown"),
        (r"soft\nbreak", "soft break"),
        (r"hard\hspace", "hard\u00a0space"),
        (r"\N\None\N\N\Ntwo\N", "one\ntwo"),
        (r"{\i1}all{\i0}", "<i>all</i>"),
        (r"{\b1}bold{\i1}both{\b0}rest", "<b>bold<i>both</i></b><i>rest</i>"),
        (r"{\i1}two\Nlines{\r}end", "<i>two</i>\n<i>lines</i>end"),
        (r"{\b700}heavy{\b}not", "<b>heavy</b>not"),
        (r"{\u1}under", "<u>under</u>"),
        (r"{\an8\pos(10,20)\c&HFF&\fnArial\bord2\be1\blur2}plain", "plain"),
        (r"{a comment}seen", "seen"),
        (r"{\p1}m 0 0 l 100 0 100 100{\p0}after", "after"),
        (r"{\i1}{\i0}", ""),
        (r"{\i1} {\i0}\N  ", ""),
        ("", ""),
        ("<script>alert(1)</script>", "&lt;script&gt;alert(1)&lt;/script&gt;"),
        ("&amp; <b>", "&amp;amp; &lt;b&gt;"),
        ("a --> b", "a --&gt; b"),
        ("00:00:01.000 --> 00:00:02.000", "00:00:01.000 --&gt; 00:00:02.000"),
        ("a\r\nb\rc\nd", "a\nb\nc\nd"),
        ("a\n\nWEBVTT\n\nNOTE b", "a\nWEBVTT\nNOTE b"),
        ("a\u2028b", "a\nb"),
        ("bell\a tab\t escape\x1b[31m", "bell tab\t escape[31m"),
        ("unclosed {\\i1", "unclosed {\\i1"),
        ("}{", "}{"),
        ("Ümläut 日本語 עברית 👩\u200d👩\u200d👧", "Ümläut 日本語 עברית 👩\u200d👩\u200d👧"),
    ],
)
def test_an_event_becomes_cue_text(source: str, expected: str) -> None:
    assert text(source) == expected


@pytest.mark.parametrize(
    "event", [b"", b"no fields", b",,,,,,,", PREFIX, PREFIX + b"\xff\xfe", b"\x00" * 100]
)
def test_what_is_no_event_has_no_text(event: bytes) -> None:
    assert cue_text(event) == ""


def test_bytes_that_are_no_utf8_are_left_out() -> None:
    assert cue_text(PREFIX + b"caf\xe9 au lait") == "caf au lait"


@pytest.mark.parametrize(
    "source",
    [
        "x" * 1_000_000,
        "<" * 1_000_000,
        "{\\i1}a{\\i0}b" * 100_000,
        "\\N" * 1_000_000,
        "{" * 1_000_000,
        "{\\p" + "9" * 1_000_000,
        "{\\b" + "1" * 100_000 + "}x",
        "\u0301" * 1_000_000,
    ],
)
def test_a_million_characters_are_bounded(source: str) -> None:
    found = text(source)
    assert len(found) <= 9 * LONGEST_TEXT
    plain = re.sub(r"</?[ibu]>|&[a-z]+;", "x", found)
    assert len(plain) <= 5 * LONGEST_TEXT


def test_a_cue_lasts_at_least_a_thousandth() -> None:
    block = cue_block(Fraction(3661), Fraction(3661), "x")
    assert block == "\n01:01:01.000 --> 01:01:01.001\nx\n"


def test_hours_may_have_more_digits() -> None:
    block = cue_block(Fraction(360_000), Fraction(360_001, 1) + Fraction(1, 3), "x")
    assert block == "\n100:00:00.000 --> 100:00:01.333\nx\n"
