"""The manifest: what is saved is what is loaded, and nothing of another version."""

import json
from dataclasses import replace
from fractions import Fraction
from pathlib import Path

import pytest

from media_pipeline.errors import DamagedTitle
from media_pipeline.titles.manifest import (
    MANIFEST,
    AudioFacts,
    FileFacts,
    Manifest,
    RenditionFacts,
    StoryboardFacts,
    SubtitleFacts,
)

WHOLE = Manifest(
    rate=Fraction(30000, 1001),
    frames=300,
    muxer="libavformat",
    renditions=(RenditionFacts("480p", 854, 480, "avc1.64001e", 900_000, 800_000),),
    audio=(
        AudioFacts("audio-0", "mp4a.40.2", 471, "de", "Deutsch", True, ()),
        AudioFacts("audio-1", "mp4a.40.2", 471, "und", "Sound 2", False, ("commentary", "dub")),
    ),
    subtitles=(SubtitleFacts("text-0", 7, "pt-BR", "“Signs” 日本", False, True, False),),
    storyboard=StoryboardFacts(160, 90, 10, 10, 300, 101),
    left_out=("Subtitles stream 4: hdmv_pgs_subtitle is not text.",),
    files=(FileFacts("480p.mp4", 812, 2**64 - 1), FileFacts("text-0.vtt", 300, 0)),
)


@pytest.mark.parametrize(
    "manifest", [WHOLE, replace(WHOLE, audio=(), subtitles=(), left_out=())], ids=["all", "least"]
)
def test_what_is_saved_is_loaded(tmp_path: Path, manifest: Manifest) -> None:
    manifest.save(tmp_path)
    assert Manifest.load(tmp_path) == manifest
    assert manifest.storyboard.sheets == 2


def test_another_version_is_refused_in_plain_words(tmp_path: Path) -> None:
    WHOLE.save(tmp_path)
    values = json.loads((tmp_path / MANIFEST).read_text())
    (tmp_path / MANIFEST).write_text(json.dumps({**values, "version": 1}))
    with pytest.raises(DamagedTitle, match="another version of Videoflix: encode the film again"):
        Manifest.load(tmp_path)


@pytest.mark.parametrize(
    "key", ["audio", "subtitles", "storyboard", "left_out", "files", "version"]
)
def test_a_manifest_that_lacks_something_is_damaged(tmp_path: Path, key: str) -> None:
    WHOLE.save(tmp_path)
    values = json.loads((tmp_path / MANIFEST).read_text())
    del values[key]
    (tmp_path / MANIFEST).write_text(json.dumps(values))
    with pytest.raises(DamagedTitle):
        Manifest.load(tmp_path)
