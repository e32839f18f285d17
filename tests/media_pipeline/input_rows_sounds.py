"""Rows of the table of inputs: kinds of sound, several sounds, and texts."""

from dataclasses import replace
from fractions import Fraction

import pytest
from av.stream import Disposition

from media_pipeline.titles.title import Title
from tests.clips.fixtures import ClipCache
from tests.clips.read import beeps_of, measure_pitch, read_sound
from tests.clips.remux import strung
from tests.clips.spec import ClipFacts, Track
from tests.clips.texts import TextTrack, Told, with_texts
from tests.media_pipeline.input_rows import HEIGHT, SECONDS, WIDTH, Check, Make, Row, clip
from tests.media_pipeline.webvtt import ReadCue, read_webvtt

IN_SYNC = Fraction(20, 1000)


def _sounds(*expected: tuple[str, str, int, Track]) -> Check:
    """Language, label and pitch of each track, and its beeps where the source has them."""

    def check(facts: ClipFacts, title: Title) -> None:
        found = title.manifest.audio
        assert [(f.language, f.label) for f in found] == [(e[0], e[1]) for e in expected]
        assert [f.is_default for f in found] == [n == 0 for n in range(len(expected))]
        for made, (_, _, pitch, track) in zip(found, expected, strict=True):
            path = title.folder / f"{made.name}.mp4"
            assert measure_pitch(path) == pytest.approx(pitch, abs=20)
            sound = read_sound(path)
            assert 0 <= sound.end - title.grid.duration <= Fraction(1, 4)
            source = next(sound for sound in facts.sounds if sound.track == track)
            heard = beeps_of(sound)
            assert len(heard) == len(source.beeps)
            assert all(abs(a - b) <= IN_SYNC for a, b in zip(heard, source.beeps, strict=True))

    return check


def _texts(*expected: tuple[str, bool, list[ReadCue]]) -> Check:
    """Language, whether it is forced, and the cues of each text."""

    def check(_facts: ClipFacts, title: Title) -> None:
        found = title.manifest.subtitles
        assert [(f.language, f.is_forced) for f in found] == [(e[0], e[1]) for e in expected]
        for made, (_, _, cues) in zip(found, expected, strict=True):
            assert read_webvtt(title.folder / f"{made.name}.vtt") == cues

    return check


KINDS = (
    clip("Sound: mono", sound=Track(layout="mono"), row={"treated": "From both sides."}),
    clip("Sound: 5.1", sound=Track(layout="5.1"), row={"treated": "Mixed down."}),
    clip("Sound: 7.1, 24 bits", ".mkv", sound=Track(codec="pcm_s24le", layout="7.1"),
         row={"treated": "Mixed down."}),
    clip("Sound: four channels without names", ".mkv",
         sound=Track(codec="pcm_s16le", layout="4 channels"), row={"treated": "Mixed down."}),
    clip("Sound: 8 kHz", ".mkv", sound=Track(codec="pcm_s16le", rate=8000),
         row={"treated": "Resampled."}),
    clip("Sound: 96 kHz", ".mkv", sound=Track(codec="flac", rate=96000),
         row={"treated": "Resampled."}),
    clip("Sound: 192 kHz, floating point", ".mkv", sound=Track(codec="pcm_f32le", rate=192000),
         row={"treated": "Resampled."}),
    clip("Sound: 8 bits", ".mkv", sound=Track(codec="pcm_u8")),
    clip("Sound: 22.05 kHz AAC, mono", sound=Track(rate=22050, layout="mono"),
         row={"treated": "Resampled."}),
)  # fmt: skip


def _changing(cache: ClipCache) -> ClipFacts:
    parts = []
    for index, sound in enumerate((Track(), Track(layout="mono", rate=44100))):
        start = Fraction(10 + SECONDS * index)
        parts.append(
            cache.clip(
                suffix=".ts",
                width=WIDTH,
                height=HEIGHT,
                frames=50,
                first_number=50 * index,
                start=start,
                sound=replace(sound, start=start, seconds=Fraction(SECONDS)),
            )
        )
    return strung(cache, *parts)


ENGLISH = Track(language="eng")
GERMAN = Track(codec="ac3", layout="5.1", pitch=1500, language="ger")
LATE = Track(codec="libopus", pitch=2000, start=Fraction(3, 4), language="fre")
SHORT = Track(codec="flac", rate=44100, pitch=2500, seconds=Fraction(5, 4))


def _several(cache: ClipCache) -> ClipFacts:
    clean = cache.clip(
        suffix=".mkv",
        width=WIDTH,
        height=HEIGHT,
        seconds=SECONDS,
        sound=[ENGLISH, GERMAN, LATE, SHORT],
    )
    told = {1: Told("Original", Disposition(0)), 2: Told(None, Disposition.default)}
    return with_texts(cache, clean, ".mkv", told=told)


SEVERAL = (
    Row("Sound that changes its rate and layout in the middle (MPEG-TS)", _changing, "Goes on.",
        flashes=4, numbers=lambda _: range(100)),
    Row("Several sounds, with languages, one later, one shorter", _several,
        "All are kept, the default one first.",
        also=(_sounds(("de", "German", 1500, GERMAN), ("en", "Original", 1000, ENGLISH),
                      ("fr", "French", 2000, LATE), ("und", "Sound 4", 2500, SHORT)),)),
)  # fmt: skip


def _with(suffix: str, *texts: TextTrack) -> Make:
    def make(cache: ClipCache) -> ClipFacts:
        clean = cache.clip(suffix=".mkv", width=WIDTH, height=HEIGHT, seconds=SECONDS)
        return with_texts(cache, clean, suffix, *texts)

    return make


TAGGED = [(200, 900, "<i>One</i> & two"), (800, 1500, "Three\nfour")]
STYLED = [(200, 900, r"{\i1}One{\i0} & two"), (800, 1500, r"{\an8}Three\Nfour")]
SEEN = [ReadCue(200, 900, "<i>One</i> &amp; two"), ReadCue(800, 1500, "Three\nfour")]
APART = [(200, 800, "One & two"), (800, 1500, "Three\nfour")]
SEEN_APART = [ReadCue(200, 800, "One &amp; two"), SEEN[1]]
TREATED = "Become WebVTT."
TEXTS = (
    Row("Text: SRT (MKV), two languages", _with(
            ".mkv", TextTrack("srt", TAGGED, "ger"),
            TextTrack("srt", TAGGED, "eng", disposition=Disposition.forced)), TREATED,
        also=(_texts(("de", False, SEEN), ("en", True, SEEN)),)),
    Row("Text: ASS (MKV)", _with(".mkv", TextTrack("ass", STYLED)), TREATED,
        also=(_texts(("und", False, SEEN)),)),
    Row("Text: WebVTT (MKV)", _with(".mkv", TextTrack("webvtt", TAGGED)), TREATED,
        also=(_texts(("und", False, SEEN)),)),
    Row("Text: mov_text (MP4)", _with(".mp4", TextTrack("mov_text", APART, "swe")), TREATED,
        also=(_texts(("sv", False, SEEN_APART)),)),
)  # fmt: skip

ROWS = (*KINDS, *SEVERAL, *TEXTS)
