"""What the default settings make of real films looks like them."""

from pathlib import Path

import pytest

from media_pipeline.job import EncodeSettings
from tests.benchmarks.quality import measure, table
from tests.clips.fixtures import ClipCache
from tests.clips.real import BIKES, CARPHONE_PRISTINE, REAL_CLIPS, real_clip
from tests.clips.similarity import similarity
from tests.media_pipeline.titles import cached_title

LEAST = 0.95


@pytest.mark.parametrize("name", REAL_CLIPS)
def test_every_rendition_is_like_its_scaled_source(
    clip_cache: ClipCache, tmp_path: Path, name: str
) -> None:
    title = cached_title(clip_cache, real_clip(name), EncodeSettings())
    for rendition in title.names:
        found = similarity(real_clip(name), title.folder / f"{rendition}.mp4", tmp_path)
        assert found.pictures == title.grid.frames
        assert found.mean >= LEAST
        assert found.least >= LEAST - 0.05


def test_a_worse_picture_is_less_alike(tmp_path: Path) -> None:
    """The measure tells a good encode from a bad one."""
    bad = measure(CARPHONE_PRISTINE, EncodeSettings(preset="ultrafast", crf=40), tmp_path)
    assert bad.likeness["480p"].mean < LEAST
    assert bad.size > 0


def test_a_shifted_film_is_less_alike(clip_cache: ClipCache, tmp_path: Path) -> None:
    title = cached_title(clip_cache, real_clip(CARPHONE_PRISTINE), EncodeSettings())
    with pytest.raises(ValueError, match="argument"):
        similarity(real_clip(BIKES), title.folder / "480p.mp4", tmp_path)


def test_the_table_has_a_row_for_each_choice() -> None:
    (row,) = table(presets=("ultrafast",), crfs=(30,), clips=(CARPHONE_PRISTINE,))
    assert row["preset"] == "ultrafast"
    assert row["wall"] > 0
    assert row["cpu"] > 0
    assert row["kilobytes"] > 1
    assert 0.5 < row["worst"] <= row["ssim"]["480p"] < 1
