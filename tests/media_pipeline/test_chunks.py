"""Films encoded in chunks: the same titles as encoded whole, and when they are not tried."""

import json
import shutil
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from media_pipeline.encoding.join import joined_pictures
from media_pipeline.encoding.picture_index import INDEX
from media_pipeline.encoding.plan import chunk_borders
from media_pipeline.errors import NotInChunks
from media_pipeline.job import EncodeSettings
from media_pipeline.parts import FACTS
from media_pipeline.pictures.rate_buffer import RateBuffer
from tests.clips.fixtures import ClipCache
from tests.clips.read import read_pictures
from tests.clips.real import BIKES, real_clip
from tests.clips.repeat import repeat_packets
from tests.clips.similarity import similarities
from tests.clips.spec import Track
from tests.media_pipeline.chunked import ChunkedFilm, chunked_title
from tests.media_pipeline.joined import assert_same_title
from tests.media_pipeline.titles import EncodeFailed, cached_title

SMALL = EncodeSettings(preset="ultrafast", rungs=("480p=320x180",))
TINY: dict[str, Any] = {"width": 320, "height": 180, "b_frames": 2, "gop": 40}
UNEVEN = [Fraction(n, 30) + Fraction(n * 7919 % 33, 1000) for n in range(330)]
LONG_SOUND = Track(seconds=Fraction(19))
OPEN_GOPS = {"options": {"x264-params": "open-gop=1"}, "gop": 37}


@pytest.mark.parametrize(
    ("suffix", "fields"),
    [
        (".mp4", {"seconds": 13, "start": Fraction(3), "sound": LONG_SOUND}),
        (".mkv", {**OPEN_GOPS, "frames": 380, "rate": Fraction(30000, 1001), "sound": None}),
        (".mkv", {"times": [t + (t > 9) * Fraction(7, 2) for t in UNEVEN]}),
        (".mp4", {"seconds": 13, "interlaced": True}),
    ],
    ids=["late, long sound", "open GOPs, silent", "uneven, a hole", "interlaced"],
)
def test_chunks_join_to_the_title_of_a_whole_encode(
    clip_cache: ClipCache, suffix: str, fields: dict[str, Any]
) -> None:
    """Frames, times, IDRs, durations and parameter sets; the same pictures shown at every time."""
    facts = clip_cache.clip(suffix=suffix, **{**TINY, **fields})
    plan, joined = chunked_title(clip_cache, facts.path, SMALL, 4)
    whole = cached_title(clip_cache, facts.path, SMALL)
    assert len(plan.borders) >= 2
    assert_same_title(whole, joined)
    shown = [
        [picture.number for picture in read_pictures(title.folder / "480p.mp4")]
        for title in (whole, joined)
    ]
    assert shown[0] == shown[1]
    for index in range(joined.grid.segment_count):
        assert joined.cut_ts("480p", index)


def test_no_seam_is_seen_and_no_rate_exceeded_where_chunks_meet(
    clip_cache: ClipCache, tmp_path: Path
) -> None:
    """A real clip, over and over, with a bit rate that it always needs all of."""
    film = clip_cache.once("bikes, twice", _two_bikes, suffix=".mp4")
    settings = EncodeSettings(preset="superfast", crf=14, rungs=("480p=320x180",))
    plan, joined = chunked_title(clip_cache, film, settings, 8)
    whole = cached_title(clip_cache, film, settings)
    assert_same_title(whole, joined)
    largest = [_largest_rate(title.folder) for title in (whole, joined)]
    assert largest[1] <= 1.1 * largest[0]
    rate, gop = int(plan.rate), plan.grid.gop_frames
    likeness = [
        np.array(similarities(film, title.folder / "480p.mp4", tmp_path))
        for title in (whole, joined)
    ]
    for border in plan.borders[1:]:
        beside = slice(border * gop - rate, border * gop + rate)
        assert likeness[1][beside].min() >= likeness[0][beside].min() - 0.02
        assert likeness[1][beside].mean() >= likeness[0][beside].mean() - 0.005
    assert abs(likeness[1].mean() - likeness[0].mean()) <= 0.002


def _two_bikes(target: Path) -> None:
    repeat_packets(real_clip(BIKES), target, 2)


def _largest_rate(folder: Path) -> float:
    manifest = json.loads((folder / "manifest.json").read_text())
    return float(manifest["renditions"][0]["peak_bandwidth"])


@pytest.mark.parametrize(
    ("suffix", "fields", "seconds", "reason"),
    [
        (".mp4", {"seconds": 7}, 4, ""),
        (".mp4", {"seconds": 9}, 0, ""),
        (".ts", {"seconds": 9}, 4, "cannot be entered reliably"),
        (".avi", {"seconds": 9}, 4, "cannot be entered reliably"),
        (".mp4", {"seconds": 16, "gop": 500}, 4, "keyframes lie too far apart"),
    ],
    ids=["short", "switched off", "TS", "AVI", "one keyframe"],
)
def test_what_is_no_film_for_chunks_is_encoded_whole_at_once(
    clip_cache: ClipCache,
    tmp_path: Path,
    suffix: str,
    fields: dict[str, Any],
    seconds: int,
    *,
    reason: str,
) -> None:
    """Why is said for the log, unless it is a matter of course."""
    facts = clip_cache.clip(suffix=suffix, **{**TINY, **fields})
    film = ChunkedFilm(facts.path, tmp_path / "film", SMALL, seconds)
    assert film.make_plan() is None
    said = (film.folder / "title.log").read_text()
    assert reason in said
    assert bool(reason) == ("not in chunks" in said)
    assert len(read_pictures(film.title / "480p.mp4")) == facts.frames


def test_a_source_that_decodes_to_other_pictures_is_not_encoded_in_chunks(
    clip_cache: ClipCache, tmp_path: Path
) -> None:
    facts = clip_cache.clip(seconds=9, **TINY)
    film = ChunkedFilm(facts.path, tmp_path / "film", SMALL, 4)
    plan = film.make_plan()
    assert plan is not None
    rows = np.load(film.plan / INDEX)
    rows["pts"][-30] += 1
    np.save(film.plan / INDEX, rows)
    with pytest.raises(EncodeFailed, match="other pictures") as caught:
        film.parts(plan)
    assert caught.value.event["whole"] is True
    assert not (film.folder / "part-1").exists()


def test_chunks_that_do_not_fit_together_are_not_joined(
    clip_cache: ClipCache, tmp_path: Path
) -> None:
    facts = clip_cache.clip(seconds=9, **TINY)
    film = ChunkedFilm(facts.path, tmp_path / "film", SMALL, 4)
    plan = film.make_plan()
    assert plan is not None
    first, second, _ = film.parts(plan)

    def changed(**values: object) -> None:
        shutil.copytree(second, tmp_path / "other", dirs_exist_ok=True)
        facts = json.loads((second / FACTS).read_text())
        (tmp_path / "other" / FACTS).write_text(json.dumps({**facts, **values}))
        shutil.rmtree(tmp_path / "out", ignore_errors=True)
        (tmp_path / "out").mkdir()
        joined_pictures([first, tmp_path / "other"], tmp_path / "out", plan.rate, lambda _: None)

    changed()
    with pytest.raises(NotInChunks, match="border's picture"):
        changed(first=1)
    with pytest.raises(NotInChunks, match="size"):
        changed(renditions={"480p": 1})
    with pytest.raises(NotInChunks, match="bits"):
        changed(levels={"480p": 2.0})
    _spoil_init(second / "480p.mp4")
    with pytest.raises(NotInChunks, match="coded differently"):
        changed()


def _spoil_init(path: Path) -> None:
    data = bytearray(path.read_bytes())
    data[data.index(b"avcC") + 5] ^= 1
    path.write_bytes(data)


def test_borders_leave_no_scrap() -> None:
    assert chunk_borders(10, 2) == (0, 2, 4, 6, 8)
    assert chunk_borders(11, 2) == (0, 2, 4, 6, 8)
    assert chunk_borders(3600, 150)[-2:] == (3300, 3450)
    assert chunk_borders(3670, 150)[-1] == 3450
    assert chunk_borders(3680, 150)[-1] == 3600
    for gops in range(2, 50):
        for size in (2, 3, 4, 5, 20):
            assert gops - chunk_borders(gops, size)[-1] >= 2


def test_the_rate_buffer_fills_and_empties() -> None:
    buffer = RateBuffer(800, Fraction(10))  # holds 1,600 bits, gains 80 a picture
    assert buffer.level == pytest.approx(0.9)
    buffer.take([0, 0])
    assert buffer.level == pytest.approx(1)
    buffer.take([100])
    assert buffer.level == pytest.approx(0.55)
    buffer.take([1000])
    assert buffer.level == pytest.approx(0.05)
