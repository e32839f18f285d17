"""Text subtitles inside a film become WebVTT files beside it."""

from fractions import Fraction
from pathlib import Path

import av
import pytest
from av.stream import Disposition

from media_pipeline.sides.subtitles import MOST_CHARACTERS, MOST_CUES, SubtitleEncoder
from media_pipeline.titles.manifest import SubtitleFacts
from media_pipeline.titles.title import Title
from tests.clips.fixtures import ClipCache
from tests.clips.spec import ClipFacts, Track
from tests.clips.texts import TextTrack, with_texts
from tests.media_pipeline.input_rows import SMALL
from tests.media_pipeline.titles import cached_title
from tests.media_pipeline.webvtt import ReadCue, read_by_libavformat, read_webvtt

PLAIN = [(500, 1500, "One"), (1000, 3000, "Two\nlines")]
SEEN = [ReadCue(500, 1500, "One"), ReadCue(1000, 3000, "Two\nlines")]


def small_clip(cache: ClipCache, start: Fraction = Fraction(0)) -> ClipFacts:
    return cache.clip(
        suffix=".mkv", width=160, height=90, seconds=4, start=start, sound=Track(start=start)
    )


def titled(cache: ClipCache, suffix: str, *texts: TextTrack) -> Title:
    clip = with_texts(cache, small_clip(cache), suffix, *texts)
    return cached_title(cache, clip.path, SMALL)


def cues_of(title: Title, number: int = 0) -> list[ReadCue]:
    path = title.folder / f"text-{number}.vtt"
    cues = read_webvtt(path)
    assert read_by_libavformat(path) == [(cue.start, cue.end) for cue in cues]
    return cues


@pytest.mark.parametrize(
    ("suffix", "codec"),
    [(".mkv", "srt"), (".mkv", "ass"), (".mkv", "webvtt"), (".mp4", "mov_text")],
)
def test_every_kind_of_text_keeps_times_and_lines(
    clip_cache: ClipCache, suffix: str, codec: str
) -> None:
    cues = [(s, e, t.replace("\n", r"\N") if codec == "ass" else t) for s, e, t in PLAIN]
    if codec == "mov_text":  # an MP4 track has one cue at a time, and its first is the default
        cues[0] = (500, 1000, "One")
    title = titled(clip_cache, suffix, TextTrack(codec, cues, language="ger"))
    assert cues_of(title) == [ReadCue(500, cues[0][1], "One"), SEEN[1]]
    assert title.manifest.subtitles == (
        SubtitleFacts("text-0", 2, "de", "German", suffix == ".mp4", False, False),
    )


def test_styles_become_tags_and_all_else_is_text(clip_cache: ClipCache) -> None:
    srt = TextTrack(
        "srt",
        [
            (0, 900, '<i>slanted</i> <font color="red">red</font> & <b>bold</b>'),
            (900, 1000, "{\\an8}<script>alert(1)</script>\n00:00:01,000 --> 00:00:02,000"),
            (1000, 1100, "<i>  </i>"),
        ],
    )
    ass = TextTrack("ass", [(0, 900, r"{\i1\c&HFF&}slanted{\i0} {\b1}bold{\b0}\Nnew <line>")])
    title = titled(clip_cache, ".mkv", srt, ass)
    assert [cue.text for cue in cues_of(title)] == [
        "<i>slanted</i> red &amp; <b>bold</b>",
        "alert(1)\n00:00:01,000 --&gt; 00:00:02,000",
    ]
    assert [cue.text for cue in cues_of(title, 1)] == [
        "<i>slanted</i> <b>bold</b>\nnew &lt;line&gt;"
    ]


@pytest.mark.parametrize("start", [Fraction(0), Fraction(5)])
def test_times_are_the_titles(clip_cache: ClipCache, start: Fraction) -> None:
    """Cut at both ends of the film; none of what lies outside of it."""
    ms = int(start * 1000)
    cues = [(1000, 1500, "in"), (3500, 60_000, "to the end"), (4100, 5000, "after")]
    if ms:
        cues = [(-4000, -3000, "before"), (-500, 500, "from before"), *cues]
    clip = with_texts(
        clip_cache,
        small_clip(clip_cache, start),
        ".mkv",
        TextTrack("srt", [(s + ms, e + ms, text) for s, e, text in cues]),
    )
    title = cached_title(clip_cache, clip.path, SMALL)
    assert title.grid.duration == 4
    first = [ReadCue(0, 500, "from before")] if ms else []
    assert cues_of(title) == [
        *first,
        ReadCue(1000, 1500, "in"),
        ReadCue(3500, 4000, "to the end"),
    ]


def test_languages_labels_and_roles(clip_cache: ClipCache) -> None:
    forced = Disposition.forced | Disposition.default
    title = titled(
        clip_cache,
        ".mkv",
        TextTrack(
            "srt", PLAIN, language="fre", title="Signs\n\x07 \u202eonly ", disposition=forced
        ),
        TextTrack("srt", PLAIN, language="eng", disposition=Disposition.hearing_impaired),
        TextTrack("srt", PLAIN, language="eng"),
        TextTrack("srt", PLAIN),
        TextTrack("srt", [(0, 1000, " ")], title="Nothing"),
    )
    assert title.manifest.subtitles == (
        SubtitleFacts("text-0", 2, "fr", "Signs only", True, True, False),
        SubtitleFacts("text-1", 2, "en", "English", False, False, True),
        SubtitleFacts("text-2", 2, "en", "English (2)", False, False, False),
        SubtitleFacts("text-3", 2, "und", "Subtitles 4", False, False, False),
    )
    assert title.manifest.left_out == ("Nothing: no subtitles in it.",)
    assert not (title.folder / "text-4.vtt").exists()


def test_subtitles_that_are_pictures_are_left_out_and_named(clip_cache: ClipCache) -> None:
    drawn = TextTrack("dvd_subtitle", [(0, 1000, bytes(20))], language="dut")
    title = titled(clip_cache, ".mkv", drawn, TextTrack("srt", PLAIN))
    assert [facts.name for facts in title.manifest.subtitles] == ["text-0"]
    assert title.manifest.left_out == ("Subtitles stream 2 (Dutch): dvd_subtitle is not text.",)


def test_what_a_stranger_writes_is_bounded(clip_cache: ClipCache) -> None:
    """A million characters in a cue, more text than any film has, zeros, broken UTF-8."""
    cues: list[tuple[int, int, str | bytes]] = [
        (0, 1000, "x" * 1_000_000),
        (0, 1000, b"before\0after"),
        (1, 1000, b"\xff\xfe\xc3caf\xc3\xa9"),
        (2, 2, "no time at all"),
    ]
    cues += [(3 + n // 100, 4000, "<" * 1500 + str(n)) for n in range(1000)]
    title = titled(clip_cache, ".mkv", TextTrack("srt", cues))
    found = cues_of(title)
    assert 0.9 * MOST_CHARACTERS < sum(len(cue.text) for cue in found) <= MOST_CHARACTERS
    assert [cue.text for cue in found[1:3]] == ["before", "no time at all"]
    assert (found[2].start, found[2].end) == (2, 4000)
    assert max(len(cue.text) for cue in found) <= 9 * 2000
    lost = len(cues) - len(found)
    assert title.manifest.left_out == (
        f"Subtitles 1: {lost} subtitles could not be read, or were too many.",
    )


def test_a_track_has_so_many_cues_and_no_more(clip_cache: ClipCache, tmp_path: Path) -> None:
    cues = [(n // 20, 4000, str(n)) for n in range(MOST_CUES + 100)]
    clip = with_texts(clip_cache, small_clip(clip_cache), ".mkv", TextTrack("srt", cues))
    encoder = SubtitleEncoder(tmp_path, "text-0", origin=Fraction(0))
    with av.open(str(clip.path)) as container:
        for packet in container.demux():
            if packet.stream.type == "subtitle":
                encoder.take(packet)
    assert encoder.left_out == 100
    assert encoder.finish(Fraction(4)) == MOST_CUES
    assert (tmp_path / "text-0.vtt").read_text().count(" --> ") == MOST_CUES


def test_a_film_without_text_has_none(clip_cache: ClipCache) -> None:
    title = cached_title(clip_cache, small_clip(clip_cache).path, SMALL)
    assert title.manifest.subtitles == ()
    assert not list(Path(title.folder).glob("text-*"))
