"""Sound beside the picture: several tracks, each in its place, all ending with the picture."""

from fractions import Fraction
from typing import Any

import pytest
from av.stream import Disposition

from media_pipeline.job import EncodeSettings
from media_pipeline.sources.side_streams import MAX_SOUNDS
from media_pipeline.tables import FRAGMENT, SAMPLE, Table, fragments_file, samples_file
from media_pipeline.timeline import AAC_FRAME, AUDIO_RATE
from media_pipeline.titles.title import Title
from tests.clips.fixtures import ClipCache
from tests.clips.read import (
    beeps_of,
    measure_pitch,
    read_sound,
)
from tests.clips.spec import ClipFacts, Track
from tests.clips.texts import Told, with_texts
from tests.drills.sync import offsets_in_parts
from tests.media_pipeline.input_rows import SMALL
from tests.media_pipeline.titles import cached_title, joined

IN_SYNC = Fraction(20, 1000)
TINY: dict[str, Any] = {"width": 160, "height": 90}
THREE_RUNGS = EncodeSettings(
    preset="ultrafast", rungs=("480p=96x54", "720p=128x72", "1080p=160x90")
)


def check_tracks(title: Title, count: int) -> None:
    """Every track is on the pictures' grid and ends with them."""
    grid = title.grid
    assert [facts.name for facts in title.manifest.audio] == [f"audio-{n}" for n in range(count)]
    borders = [grid.audio_border(gop) for gop in range(grid.gops)]
    for facts in title.manifest.audio:
        table = Table.open(title.folder / fragments_file(facts.name), FRAGMENT)
        fragments = table.read(0, table.rows)
        assert fragments["first_sample"].tolist() == borders
        rows = Table.open(title.folder / samples_file(facts.name), SAMPLE).read(0, facts.frames)
        assert rows["dts"].tolist() == [(n - 1) * AAC_FRAME for n in range(facts.frames)]
        sound = read_sound(title.folder / f"{facts.name}.mp4")
        assert sound.gaps == ()
        assert sound.start == 0
        assert sound.rate == AUDIO_RATE
        assert 0 <= sound.end - grid.duration <= Fraction(1, 4)


def check_sync(
    facts: ClipFacts, title: Title, track: int = 0, delay: Fraction = Fraction(0)
) -> None:
    """The track's beeps are where the source has them on the title's time line."""
    name = title.manifest.audio[track].name
    heard = beeps_of(read_sound(title.folder / f"{name}.mp4"))
    assert len(heard) == len(facts.sounds[track].beeps)
    for beep, at in zip(heard, facts.sounds[track].beeps, strict=True):
        assert abs(beep - (at + delay)) <= IN_SYNC


def test_every_track_with_its_language_and_label(clip_cache: ClipCache) -> None:
    sounds = [
        Track(language="eng"),
        Track(codec="ac3", layout="5.1", pitch=1500, language="ger"),
        Track(codec="libopus", layout="mono", pitch=2000, start=Fraction(3, 2), language="fre"),
        Track(codec="flac", rate=44100, pitch=2500, seconds=Fraction(2)),
        Track(codec="libmp3lame", pitch=3000, language="eng"),
    ]
    clip = clip_cache.clip(suffix=".mkv", seconds=5, sound=sounds, **TINY)
    told = {
        1: Told("Stereo", Disposition(0)),
        2: Told(None, Disposition.default),
        5: Told("Stereo", Disposition.comment),
    }
    clip = with_texts(clip_cache, clip, ".mkv", told=told)
    title = cached_title(clip_cache, clip.path, SMALL)
    check_tracks(title, 5)
    found = [(f.language, f.label, f.is_default, f.roles) for f in title.manifest.audio]
    assert found == [
        ("de", "German", True, ()),
        ("en", "Stereo", False, ()),
        ("fr", "French", False, ()),
        ("und", "Sound 4", False, ()),
        ("en", "Stereo (2)", False, ("commentary",)),
    ]
    pitches = [measure_pitch(title.folder / f"audio-{n}.mp4") for n in range(5)]
    assert pitches == pytest.approx([1500, 1000, 2000, 2500, 3000], abs=20)
    for track, of_source in enumerate([1, 0, 2, 3, 4]):
        heard = beeps_of(read_sound(title.folder / f"audio-{track}.mp4"))
        beeps = clip.sounds[of_source].beeps
        assert len(heard) == len(beeps)
        assert all(abs(a - b) <= IN_SYNC for a, b in zip(heard, beeps, strict=True))
    # What MPEG-TS segments carry is the default one.
    assert measure_pitch(joined(title, "480p")) == pytest.approx(1500, abs=20)


def test_more_tracks_than_are_taken(clip_cache: ClipCache) -> None:
    sounds = [Track(codec="flac", language="spa") for _ in range(MAX_SOUNDS + 1)]
    clip = clip_cache.clip(suffix=".mkv", seconds=1, sound=sounds, **TINY)
    title = cached_title(clip_cache, clip.path, SMALL)
    check_tracks(title, MAX_SOUNDS)
    assert len({facts.label for facts in title.manifest.audio}) == MAX_SOUNDS
    assert title.manifest.left_out == ("Sound stream 9 (Spanish): at most 8 sounds are taken.",)


def test_a_track_without_a_packet_is_none(clip_cache: ClipCache) -> None:
    sounds = [Track(), Track(seconds=Fraction(0), language="ita")]
    clip = clip_cache.clip(suffix=".mkv", seconds=2, sound=sounds, **TINY)
    title = cached_title(clip_cache, clip.path, SMALL)
    check_tracks(title, 1)
    assert title.manifest.left_out == ("Italian: no sound in it.",)
    assert not list(title.folder.glob("audio-1*"))


@pytest.mark.parametrize("codec", ["flac", "aac"])
@pytest.mark.parametrize("lead", [0, 1, 2, 10])
def test_sound_that_leads_stays_in_its_place(clip_cache: ClipCache, codec: str, lead: int) -> None:
    """The first picture is held for sound that leads by more than a coder's priming can."""
    start = Fraction(lead, 25)
    clip = clip_cache.clip(suffix=".mkv", seconds=3, start=start, sound=Track(codec=codec), **TINY)
    title = cached_title(clip_cache, clip.path, SMALL)
    held = lead if lead > 1 else 0
    assert title.grid.frames == 75 + held
    check_sync(clip, title, delay=Fraction(held, 25) - start)


@pytest.mark.parametrize("suffix", [".mp4", ".mov", ".mkv", ".webm"])
def test_priming_is_not_heard(clip_cache: ClipCache, suffix: str) -> None:
    """A coder's priming, said by an edit list or a codec delay, moves neither picture nor sound."""
    opus = suffix in (".mkv", ".webm")
    pictures: dict[str, Any] = (
        {"codec": "libvpx-vp9", "options": {"deadline": "realtime", "cpu-used": "8"}}
        if suffix == ".webm"
        else {"b_frames": 2, "preset": "veryfast"}
    )
    clip = clip_cache.clip(
        suffix=suffix,
        seconds=3,
        sound=Track(codec="libopus" if opus else "aac"),
        **pictures,
        **TINY,
    )
    title = cached_title(clip_cache, clip.path, SMALL)
    assert title.grid.frames == 75
    check_sync(clip, title)


def test_two_minutes_stay_in_sync_in_every_rendition(clip_cache: ClipCache) -> None:
    """29.97 pictures a second: a second of the clock is no whole number of pictures.
    ``make drills`` does ten minutes."""
    clip = clip_cache.clip(seconds=120, rate=Fraction(30000, 1001), **TINY)
    title = cached_title(clip_cache, clip.path, THREE_RUNGS)
    assert title.names == ("480p", "720p", "1080p")
    check_tracks(title, 1)
    check_sync(clip, title)
    for name in title.names:
        offsets = offsets_in_parts(title, name)
        assert len(offsets) == 3
        assert max(offsets) <= IN_SYNC


@pytest.mark.parametrize("bitrate", [32_000, 512_000])
def test_the_bounds_of_the_audio_rate(clip_cache: ClipCache, bitrate: int) -> None:
    clip = clip_cache.clip(seconds=3, **TINY)
    settings = EncodeSettings(preset="ultrafast", rungs=("480p=176x144",), audio_bitrate=bitrate)
    title = cached_title(clip_cache, clip.path, settings)
    check_tracks(title, 1)
    check_sync(clip, title)
