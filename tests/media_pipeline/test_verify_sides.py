"""What stands beside the picture is checked before anyone may see it."""

import shutil
from pathlib import Path

import pytest

from media_pipeline.encoding.verify_sides import check_sound, check_storyboard, check_text
from media_pipeline.errors import EncodeError, MediaError
from media_pipeline.sources.side_facts import SourceSound, SourceText
from media_pipeline.timeline import FrameGrid
from media_pipeline.titles.title import Title
from tests.clips.fixtures import ClipCache
from tests.clips.texts import TextTrack, with_texts
from tests.media_pipeline.input_rows import SMALL
from tests.media_pipeline.titles import cached_title

SOUND = SourceSound(1, "audio-0", "en", "English", is_default=True)
TEXT = SourceText(2, "text-0", "de", "German", is_default=False)
CUES = [(0, 1000, "One"), (500, 2000, "Two"), (2500, 3500, "Three")]


@pytest.fixture
def title(clip_cache: ClipCache, tmp_path: Path) -> Title:
    """One of its own, to be damaged."""
    clip = clip_cache.clip(suffix=".mkv", width=160, height=90, seconds=4)
    clip = with_texts(clip_cache, clip, ".mkv", TextTrack("srt", CUES))
    shutil.copytree(cached_title(clip_cache, clip.path, SMALL).folder, tmp_path / "title")
    return Title(tmp_path / "title")


def test_what_is_whole_passes(title: Title) -> None:
    found = title.manifest
    sound = check_sound(title.folder, SOUND, title.grid)
    assert (sound.frames, sound.language) == (found.audio[0].frames, "en")
    text = check_text(title.folder, TEXT, title.grid)
    assert (text.cues, text.label) == (3, "German")
    check_storyboard(title.folder, found.storyboard)


@pytest.mark.parametrize("frames", [50, 90, 110, 200])
def test_sound_that_does_not_end_with_the_picture(title: Title, frames: int) -> None:
    with pytest.raises(EncodeError):
        check_sound(title.folder, SOUND, FrameGrid(title.grid.rate, frames))


@pytest.mark.parametrize("share", [0.3, 0.9])
def test_sound_that_is_cut_off(title: Title, share: float) -> None:
    path = title.folder / "audio-0.mp4"
    data = path.read_bytes()
    path.write_bytes(data[: int(len(data) * share)])
    with pytest.raises(EncodeError):
        check_sound(title.folder, SOUND, title.grid)


@pytest.mark.parametrize("table", ["samples", "fragments"])
def test_sound_without_its_table(title: Title, table: str) -> None:
    (title.folder / f"audio-0.{table}.npy").unlink()
    with pytest.raises(MediaError):
        check_sound(title.folder, SOUND, title.grid)


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("WEBVTT", "WEBVT"),
        (" --> ", " -> "),
        ("00:00:00.500", "00:00:03.500"),
        ("00:00:00.500", "0.5"),
        ("00:00:00.500 --> 00:00:02.000", "00:00:00.500 --> 00:00:00.400"),
        ("Two\n", "a --> b\n"),
        ("Two\n", "\n"),
        ("Two\n", "\0\n"),
        ("00:00:02.500 --> 00:00:03.500", "00:00:04.001 --> 00:00:05.000"),
    ],
)
def test_texts_that_are_malformed(title: Title, old: str, new: str) -> None:
    path = title.folder / "text-0.vtt"
    content = path.read_text()
    assert old in content
    path.write_text(content.replace(old, new))
    with pytest.raises(EncodeError):
        check_text(title.folder, TEXT, title.grid)


def test_a_storyboard_with_a_damaged_sheet(title: Title) -> None:
    (title.folder / "sprite-0.jpg").write_bytes(b"no picture")
    with pytest.raises(EncodeError):
        check_storyboard(title.folder, title.manifest.storyboard)


def test_a_storyboard_that_lacks_a_cue(title: Title) -> None:
    path = title.folder / "storyboard.vtt"
    path.write_text(path.read_text().rpartition("\n\n")[0] + "\n")
    with pytest.raises(EncodeError):
        check_storyboard(title.folder, title.manifest.storyboard)
