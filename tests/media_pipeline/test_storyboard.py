"""Storyboards and thumbnails: made of the finished film's own pictures."""

import re
from fractions import Fraction
from io import BytesIO
from itertools import pairwise
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest
from numpy.typing import NDArray

from media_pipeline.encoding.jpeg import jpeg_frame, write_jpeg
from media_pipeline.encoding.storyboard import StoryboardMaker, plan
from media_pipeline.timeline import FrameGrid
from media_pipeline.titles.manifest import StoryboardFacts
from tests.clips.fixtures import ClipCache
from tests.clips.read import read_frame_number
from tests.media_pipeline.input_rows import SMALL
from tests.media_pipeline.titles import cached_title
from tests.media_pipeline.webvtt import TIMING, ReadCue

AREA = re.compile(r"sprite-(\d+)\.jpg#xywh=(\d+),(\d+),(\d+),(\d+)")
HOUR = 3600


def cues_of(folder: Path) -> list[tuple[ReadCue, tuple[int, ...]]]:
    """Each cue with the sheet and the area it names."""
    head, *blocks = (folder / "storyboard.vtt").read_text().removesuffix("\n").split("\n\n")
    assert head == "WEBVTT"
    found = []
    for block in blocks:
        timing, text = block.split("\n")
        times = TIMING.fullmatch(timing)
        area = AREA.fullmatch(text)
        assert times
        assert area
        h, m, s, ms, *end = map(int, times.groups())
        start = ((h * 60 + m) * 60 + s) * 1000 + ms
        h, m, s, ms = end
        found.append(
            (
                ReadCue(start, ((h * 60 + m) * 60 + s) * 1000 + ms, text),
                tuple(map(int, area.groups())),
            )
        )
    return found


def luma(path: Path) -> NDArray[np.uint8]:
    with av.open(str(path)) as container:
        frame = next(container.decode(video=0))
    return np.asarray(frame.reformat(format="gray").to_ndarray(), np.uint8)


@pytest.mark.parametrize(
    ("rate", "seconds", "interval", "count"),
    [
        (25, Fraction(1, 25), 25, 1),
        (25, 8, 25, 8),
        (25, 100, 25, 100),
        (25, 101, 50, 51),
        (25, 400, 100, 100),
        (25, 401, 250, 41),
        (Fraction(30000, 1001), HOUR, 300, 360),
        (25, 3 * HOUR, 250, 1080),
        (25, 12 * HOUR, 500, 2160),
        (60, 24 * HOUR, 2400, 2160),
    ],
)
def test_a_film_of_any_length_has_a_bounded_number_of_pictures(
    rate: int | Fraction, seconds: int | Fraction, interval: int, count: int
) -> None:
    grid = FrameGrid(Fraction(rate), int(seconds * Fraction(rate)))
    facts = plan(grid, 1920, 1080)
    assert (facts.interval, facts.count) == (interval, count)
    assert facts.interval % grid.gop_frames == 0 or facts.interval < grid.gop_frames
    assert (facts.count - 1) * facts.interval < grid.frames <= facts.count * facts.interval
    assert facts.count <= facts.sheets * facts.columns * facts.rows


@pytest.mark.parametrize(
    ("size", "tile"),
    [
        ((1920, 1080), (160, 90)),
        ((1280, 534), (160, 66)),
        ((640, 480), (160, 120)),
        ((720, 720), (160, 160)),
        ((1080, 1920), (160, 284)),
        ((100, 1600), (18, 288)),
        ((1600, 100), (160, 10)),
    ],
)
def test_small_pictures_have_the_right_aspect(size: tuple[int, int], tile: tuple[int, int]) -> None:
    facts = plan(FrameGrid(Fraction(25), 25), *size)
    assert (facts.width, facts.height) == tile


def test_each_cue_shows_the_picture_of_its_time(clip_cache: ClipCache) -> None:
    clip = clip_cache.clip(width=160, height=90, seconds=25, suffix=".mkv")
    title = cached_title(clip_cache, clip.path, SMALL)
    facts = title.manifest.storyboard
    assert facts == StoryboardFacts(160, 90, 10, 3, 25, 25)
    cues = cues_of(title.folder)
    assert [(cue.start, cue.end) for cue, _ in cues] == [
        (n * 1000, n * 1000 + 1000) for n in range(25)
    ]
    sheet = luma(title.folder / "sprite-0.jpg")
    assert sheet.shape == (270, 1600)
    for number, (_, (sheet_number, x, y, w, h)) in enumerate(cues):
        assert (sheet_number, w, h) == (0, 160, 90)
        assert read_frame_number(sheet[y : y + h, x : x + w]) == number * 25
    assert sheet[188:, 808:].max() < 8  # places that nothing is in are black


def test_a_long_film_fills_several_sheets(tmp_path: Path) -> None:
    """Told by their brightness, without encoding a film."""
    grid = FrameGrid(Fraction(25), 25 * 2105)
    maker = StoryboardMaker(tmp_path, grid)
    shown = {}
    for index in range(0, grid.frames, 50):
        level = 30 + index // 250 % 200
        shown[index] = level
        pixels = np.full((54, 64), 128, np.uint8)
        pixels[:36] = level
        maker.look(index, av.VideoFrame.from_ndarray(pixels, format="yuv420p"))
    facts = maker.finish()
    assert facts == StoryboardFacts(160, 90, 10, 10, 250, 211)
    assert sorted(path.name for path in tmp_path.iterdir()) == [
        "sprite-0.jpg",
        "sprite-1.jpg",
        "sprite-2.jpg",
        "storyboard.vtt",
    ]
    sheets = [luma(tmp_path / f"sprite-{n}.jpg") for n in range(3)]
    assert {sheet.shape for sheet in sheets} == {(900, 1600)}
    cues = cues_of(tmp_path)
    assert len(cues) == 211
    assert cues[-1][0].end == 2105 * 1000
    assert all(a.end == b.start for (a, _), (b, _) in pairwise(cues))
    for number, (_, (sheet, x, y, w, h)) in enumerate(cues):
        expected = (shown[number * 250] - 16) * 255 / 219
        inner = sheets[sheet][y + 8 : y + h - 8, x + 8 : x + w - 8]  # JPEG blurs borders
        assert np.abs(inner - expected).max() < 3


@pytest.mark.parametrize(
    ("matrix", "red"), [(1, (63, 102, 240)), (5, (81, 90, 240))], ids=["BT.709", "BT.601"]
)
def test_a_jpeg_has_the_films_colours(tmp_path: Path, matrix: int, red: Any) -> None:
    picture = av.VideoFrame(64, 64, "yuv420p")
    for plane, level in zip(picture.planes, red, strict=True):
        plane.update(bytes([level]) * plane.buffer_size)
    picture.colorspace, picture.color_range = matrix, 1
    write_jpeg(jpeg_frame(picture, 32, 32), tmp_path / "red.jpg", 2)
    data = (tmp_path / "red.jpg").read_bytes()
    with av.open(BytesIO(data), "r") as container:
        pixel = next(container.decode(video=0)).to_ndarray(format="rgb24")[16, 16]
    assert np.abs(pixel.astype(int) - (255, 0, 0)).max() <= 4


def test_the_thumbnail_is_not_a_black_first_picture(clip_cache: ClipCache) -> None:
    """The whole film is black but for one second."""
    path = clip_cache.once("one telling second", _mostly_black, suffix=".mkv")
    title = cached_title(clip_cache, path, SMALL)
    thumbnail = luma(title.folder / "thumbnail.jpg")
    assert thumbnail.shape == (360, 640)
    assert thumbnail.std() > 40


def _mostly_black(target: Path) -> None:
    stripes = np.tile(np.repeat(np.arange(0, 256, 16, dtype=np.uint8), 10), (90, 1))
    with av.open(str(target), "w") as container:
        stream = container.add_stream("libx264", rate=25, options={"preset": "ultrafast"})
        stream.width, stream.height, stream.pix_fmt = 160, 90, "yuv420p"
        for index in range(10 * 25):
            pixels = np.full((135, 160), 128, np.uint8)
            pixels[:90] = stripes if 150 <= index < 175 else 16
            frame = av.VideoFrame.from_ndarray(pixels, format="yuv420p")
            frame.pts = index
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
