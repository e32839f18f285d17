"""The encoder child on films that were not made for it."""

from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest
from numpy.typing import NDArray

from media_pipeline.job import EncodeSettings
from media_pipeline.titles.title import Title
from media_pipeline.transport.mpegts import TS_START
from tests.clips.fixtures import ClipCache
from tests.clips.read import Source, open_strictly
from tests.clips.real import (
    BIG_BUCK_BUNNY,
    BIKES,
    CARPHONE_DISTORTED,
    CARPHONE_PRISTINE,
    real_clip,
)
from tests.media_pipeline.titles import cached_title, joined

SETTINGS = EncodeSettings(preset="ultrafast")
START = Fraction(TS_START, 90_000)
THUMB_WIDTH, THUMB_HEIGHT = 64, 36


def thumbs(source: Source) -> NDArray[np.float64]:
    """Every picture, very small, and without its mean brightness."""
    with open_strictly(source) as container:
        small = [
            frame.reformat(THUMB_WIDTH, THUMB_HEIGHT, "gray").to_ndarray().astype(np.float64)
            for frame in container.decode(video=0)
        ]
    pictures = np.array(small).reshape(len(small), -1)
    return np.asarray(pictures - pictures.mean(axis=1, keepdims=True))


def title_of(cache: ClipCache, name: str) -> tuple[Path, Title]:
    return real_clip(name), cached_title(cache, real_clip(name), SETTINGS)


@pytest.mark.parametrize(
    ("name", "sizes"),
    [
        (BIG_BUCK_BUNNY, {"480p": (854, 480), "720p": (1280, 720)}),
        (BIKES, {"480p": (640, 272)}),
        (CARPHONE_DISTORTED, {"480p": (192, 144)}),
        (CARPHONE_PRISTINE, {"480p": (192, 144)}),
    ],
)
def test_every_picture_is_there_once_and_in_order(
    clip_cache: ClipCache, name: str, sizes: dict[str, tuple[int, int]]
) -> None:
    """Each picture of a rendition is nearer to its own source picture than to its neighbours."""
    source, title = title_of(clip_cache, name)
    originals = thumbs(source)
    assert {facts.name: (facts.width, facts.height) for facts in title.manifest.renditions} == sizes
    assert title.grid.frames == len(originals)
    for rendition in sizes:
        copies = thumbs(joined(title, rendition))
        assert len(copies) == len(originals)
        own = _distance(copies, originals)
        for shift in (-2, -1, 1, 2):
            neighbours = np.roll(originals, shift, axis=0)
            other = _distance(copies, neighbours)
            moving = _distance(originals, neighbours) > 1
            assert moving[2:-2].mean() > 0.5
            assert np.all(own[2:-2][moving[2:-2]] < other[2:-2][moving[2:-2]])


def _distance(first: NDArray[np.float64], second: NDArray[np.float64]) -> NDArray[np.float64]:
    """Root mean square difference of each pair of pictures."""
    return np.asarray(np.sqrt(((first - second) ** 2).mean(axis=1)))


def test_the_sound_of_a_real_film_stays_in_place(clip_cache: ClipCache) -> None:
    """The loudness over time of source and rendition match best without a shift."""
    source, title = title_of(clip_cache, BIG_BUCK_BUNNY)
    with open_strictly(source) as container:
        start = next(container.decode(video=0)).time
    before = loudness(source, Fraction(start))
    after = loudness(joined(title, "720p"), START)
    length = min(len(before), len(after)) - 200
    shifts = range(-100, 101)
    matches = [
        np.corrcoef(before[100 : 100 + length], after[100 + s : 100 + s + length])[0, 1]
        for s in shifts
    ]
    best = int(np.argmax(matches))
    assert matches[best] > 0.8
    assert abs(shifts[best]) <= 20


def loudness(source: Source, start: Fraction) -> NDArray[np.float64]:
    """Of each millisecond from ``start`` on, of all channels together."""
    mono = av.AudioResampler(format="fltp", layout="mono")
    with open_strictly(source) as container:
        frames = [piece for f in container.decode(audio=0) for piece in mono.resample(f)]
    rate, first = frames[0].sample_rate, frames[0].time
    assert first is not None
    samples = np.concatenate([frame.to_ndarray()[0] for frame in frames]).astype(np.float64)
    lead = round((Fraction(first) - start) * rate)
    samples = np.concatenate([np.zeros(max(0, lead)), samples[max(0, -lead) :]])
    step = rate // 1000
    whole_steps = samples[: len(samples) // step * step].reshape(-1, step)
    return np.asarray(np.sqrt((whole_steps**2).mean(axis=1)))


@pytest.mark.parametrize("name", [BIKES, CARPHONE_DISTORTED, CARPHONE_PRISTINE])
def test_a_silent_real_clip_has_no_sound(clip_cache: ClipCache, name: str) -> None:
    _, title = title_of(clip_cache, name)
    with av.open(joined(title, "480p"), "r") as container:
        assert not container.streams.audio
