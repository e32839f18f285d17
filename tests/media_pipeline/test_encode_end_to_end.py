"""The encoder child on films whose every picture and second is known."""

import json
import subprocess
from fractions import Fraction
from io import BytesIO
from pathlib import Path
from typing import Any

import av
import pytest

from media_pipeline.job import EncodeSettings
from media_pipeline.titles.title import Title
from media_pipeline.transport.mpegts import TS_START
from tests.clips.fixtures import ClipCache
from tests.clips.read import find_beeps, offsets_of, read_pictures, read_sound
from tests.clips.spec import ClipFacts, Track
from tests.media_pipeline.titles import (
    ONE_RUNG,
    QUICK,
    clip_title,
    joined,
    run_encoder,
    segments,
)
from tests.programs import program

NTSC = Fraction(30000, 1001)
# With the seconds of a film. Those that ``test_segments`` cuts, so that each is encoded once.
RATES = [(Fraction(25), 38), (NTSC, 65), (Fraction(60000, 1001), 26)]
IN_SYNC = Fraction(20, 1000)
TICK = Fraction(1, 90_000)
START = TS_START * TICK
LATE = Fraction(5000)
QUICK_VP9 = {"deadline": "realtime", "cpu-used": "8"}
PCM = Track(codec="pcm_s24le")
FULL_LADDER = EncodeSettings(preset="ultrafast", crf=30)


def check_rendition(facts: ClipFacts, title: Title, rendition: str, *, flashes: int) -> None:
    """Every picture of the source once, in order and in time, and its sound with it."""
    pictures = read_pictures(joined(title, rendition))
    assert [picture.number for picture in pictures] == list(facts.numbers)
    assert [picture.is_lit for picture in pictures] == list(facts.lit)
    rate = title.grid.rate
    late = [abs(picture.time - START - n / rate) for n, picture in enumerate(pictures)]
    assert max(late) <= TICK / 2
    sound = read_sound(joined(title, rendition))
    assert sound.gaps == ()
    assert sound.end - START >= title.grid.duration
    offsets = offsets_of(pictures, sound)
    assert len(offsets) == flashes
    assert max(abs(offset) for offset in offsets) <= IN_SYNC


def long_film(cache: ClipCache, rate: Fraction, seconds: int) -> tuple[ClipFacts, Title]:
    return clip_title(cache, QUICK, rate=rate, seconds=seconds, width=640, height=360)


@pytest.mark.parametrize(("rate", "seconds"), RATES)
def test_every_rendition_keeps_every_picture_and_its_sound(
    clip_cache: ClipCache, rate: Fraction, seconds: int
) -> None:
    facts, title = long_film(clip_cache, rate, seconds)
    assert title.names == ("480p", "720p", "1080p")
    assert title.grid.frames == facts.frames
    assert title.grid.rate == rate
    for name in title.names:
        check_rendition(facts, title, name, flashes=seconds)


@pytest.mark.parametrize(("rate", "seconds"), RATES)
def test_every_segment_holds_its_own_pictures(
    clip_cache: ClipCache, rate: Fraction, seconds: int
) -> None:
    """Decoded alone: no picture is missing, doubled or shared at a border; all renditions alike."""
    facts, title = long_film(clip_cache, rate, seconds)
    for name in title.names:
        found: list[int] = []
        for index, segment in enumerate(segments(title, name)):
            pictures = read_pictures(BytesIO(segment))
            first = title.grid.segment(index).first_frame
            assert pictures[0].number == first
            assert abs(pictures[0].time - START - first / rate) <= TICK / 2
            gop = title.grid.gop_frames
            keys = [picture.number % gop for picture in pictures if picture.is_key]
            assert keys == [0] * title.grid.segment(index).gops
            found += [picture.number for picture in pictures]
        assert found == list(facts.numbers)


def test_a_full_ladder_is_made_of_1080p(clip_cache: ClipCache) -> None:
    facts, title = clip_title(
        clip_cache, FULL_LADDER, seconds=7, width=1920, height=1080, b_frames=2
    )
    assert title.names == ("480p", "720p", "1080p")
    for name, size in zip(title.names, [(854, 480), (1280, 720), (1920, 1080)], strict=True):
        check_rendition(facts, title, name, flashes=7)
        pictures = read_pictures(joined(title, name))
        assert {(picture.width, picture.height) for picture in pictures} == {size}
        assert (title.renditions[name].width, title.renditions[name].height) == size


@pytest.mark.parametrize(
    ("suffix", "fields"),
    [
        (
            ".ts",
            {
                "b_frames": 2,
                "rate": Fraction(30000, 1001),
                "start": LATE,
                "sound": Track(start=LATE),
            },
        ),
        (".mkv", {"rate": Fraction(24000, 1001), "sound": Track(codec="libopus")}),
        (".mkv", {"sound": Track(codec="pcm_s16le", rate=44100)}),
        (".webm", {"codec": "libvpx-vp9", "options": QUICK_VP9, "sound": Track(codec="libopus")}),
        (".mpg", {"codec": "mpeg2video", "sound": Track(codec="mp2")}),
        (".flv", {"codec": "flv1", "sound": Track(codec="libmp3lame", rate=44100)}),
        (".mov", {"codec": "prores_ks", "pix_fmt": "yuv422p10le", "sound": PCM}),
        (".mp4", {"sound": Track(layout="5.1", pitch=1500)}),
        (".mp4", {"sound": Track(layout="mono", rate=22050)}),
        (".mkv", {"sound": Track(codec="pcm_s16le", layout="7.1", rate=96000)}),
        (".mp4", {"sound": [Track(), Track(pitch=2000, language="deu")]}),
        (".mp4", {"pix_fmt": "yuv420p10le"}),
    ],
)
def test_sources_of_other_kinds(clip_cache: ClipCache, suffix: str, fields: dict[str, Any]) -> None:
    facts, title = clip_title(clip_cache, suffix=suffix, seconds=4, **fields)
    check_rendition(facts, title, "480p", flashes=4)


@pytest.mark.parametrize("sound", [None, Track(codec="libmp3lame")])
def test_an_avi_with_b_frames_keeps_its_order(clip_cache: ClipCache, sound: Track | None) -> None:
    """AVI has no presentation times: what libavformat guesses goes back and forth."""
    facts, title = clip_title(clip_cache, suffix=".avi", frames=75, b_frames=2, sound=sound)
    numbers = [picture.number for picture in read_pictures(joined(title, "480p"))]
    assert numbers == list(facts.numbers)


@pytest.mark.parametrize(
    ("fields", "size"),
    [
        ({"rotation": 90}, (360, 640)),
        ({"rotation": 180}, (640, 360)),
        ({"rotation": 270}, (360, 640)),
        ({"width": 720, "height": 576, "sample_aspect_ratio": Fraction(16, 15)}, (640, 480)),
        ({"width": 641, "height": 359, "pix_fmt": "yuv444p"}, (642, 360)),
        ({"width": 720, "height": 480, "interlaced": True}, (720, 480)),
        ({"width": 1280, "height": 534}, (854, 356)),
    ],
)
def test_pictures_are_upright_square_and_even(
    clip_cache: ClipCache, fields: dict[str, Any], size: tuple[int, int]
) -> None:
    facts, title = clip_title(clip_cache, frames=50, **fields)
    assert (title.renditions["480p"].width, title.renditions["480p"].height) == size
    pictures = read_pictures(joined(title, "480p"))
    assert [picture.number for picture in pictures] == list(facts.numbers)
    assert {(picture.width, picture.height) for picture in pictures} == {size}


def test_a_variable_rate_is_put_on_the_grid_in_sync(clip_cache: ClipCache) -> None:
    times = [Fraction(n * 40 + n * n % 17, 1000) for n in range(150)]
    facts, title = clip_title(clip_cache, times=times)
    assert title.grid.rate == 25
    check_rendition(facts, title, "480p", flashes=6)


def test_a_low_rate_is_repeated_evenly(clip_cache: ClipCache) -> None:
    facts, title = clip_title(clip_cache, rate=Fraction(5), seconds=4, sound=None)
    assert title.grid.rate == 20
    numbers = [picture.number for picture in read_pictures(joined(title, "480p"))]
    assert numbers == [number for number in facts.numbers for _ in range(4)]


def test_a_high_rate_is_halved_evenly(clip_cache: ClipCache) -> None:
    facts, title = clip_title(clip_cache, rate=Fraction(120), seconds=2)
    assert title.grid.rate == 60
    numbers = [picture.number for picture in read_pictures(joined(title, "480p"))]
    assert numbers == list(facts.numbers)[1::2]


def test_sound_that_starts_late_stays_in_sync(clip_cache: ClipCache) -> None:
    facts, title = clip_title(clip_cache, seconds=5, sound=Track(start=Fraction(3, 2)))
    check_rendition(facts, title, "480p", flashes=3)


def test_sound_that_ends_early_is_filled_with_silence(clip_cache: ClipCache) -> None:
    facts, title = clip_title(clip_cache, seconds=9, sound=Track(seconds=Fraction(2)))
    check_rendition(facts, title, "480p", flashes=2)


def test_the_first_picture_is_held_while_only_sound_is_there(clip_cache: ClipCache) -> None:
    facts, title = clip_title(clip_cache, seconds=3, start=Fraction(12, 25), sound=Track())
    numbers = [picture.number for picture in read_pictures(joined(title, "480p"))]
    assert numbers == [0] * 12 + list(facts.numbers)
    beeps = [beep - START for beep in find_beeps(joined(title, "480p"))]
    assert all(abs(b - f) <= IN_SYNC for b, f in zip(beeps, facts.flashes, strict=True))


def test_a_silent_film_has_no_sound(clip_cache: ClipCache) -> None:
    facts, title = clip_title(clip_cache, frames=50, sound=None)
    assert title.manifest.audio == ()
    with av.open(joined(title, "480p"), "r") as container:
        assert [stream.type for stream in container.streams] == ["video"]
    numbers = [picture.number for picture in read_pictures(joined(title, "480p"))]
    assert numbers == list(facts.numbers)


def test_the_last_picture_is_shown_as_long_as_in_the_source(clip_cache: ClipCache) -> None:
    facts, title = clip_title(clip_cache, rate=Fraction(8), frames=17, sound=None)
    assert title.grid.duration == facts.duration


def test_one_picture_is_a_film(clip_cache: ClipCache) -> None:
    _, title = clip_title(clip_cache, frames=1, sound=None)
    assert [picture.number for picture in read_pictures(joined(title, "480p"))] == [0]


@pytest.mark.parametrize(
    ("fields", "height"),
    [({}, 360), ({"width": 320, "height": 240}, 480), ({"rotation": 90}, 1138)],
)
def test_the_thumbnail_is_a_jpeg_640_wide(
    clip_cache: ClipCache, fields: dict[str, Any], height: int
) -> None:
    _, title = clip_title(clip_cache, frames=50, **fields)
    data = (title.folder / "thumbnail.jpg").read_bytes()
    assert data.startswith(b"\xff\xd8\xff")
    assert data.endswith(b"\xff\xd9")
    with av.open(BytesIO(data), "r") as container:
        picture = next(container.decode(video=0))
    assert (picture.width, picture.height) == (640, height)


def test_the_child_reports_its_progress(clip_cache: ClipCache, tmp_path: Path) -> None:
    facts = clip_cache.clip(seconds=10, width=320, height=180)
    run = run_encoder(facts.path, tmp_path / "title", ONE_RUNG)
    assert run.status == 0
    assert run.last == {"event": "done", "duration": 10.0, "renditions": ["480p"]}
    progress = run.events[:-1]
    assert {event["event"] for event in progress} == {"progress"}
    percent = [event["percent"] for event in progress]
    assert percent == sorted(percent)
    assert percent[0] == 0
    assert percent[-1] >= 90
    assert max(percent) <= 100
    stages = list(dict.fromkeys(event["stage"] for event in progress))
    assert stages == ["probe", "encode", "verify"]
    encoding = [event for event in progress if event["stage"] == "encode"]
    assert len(encoding) >= 5
    assert encoding[-1]["frames"] > encoding[1]["frames"] > 0
    assert encoding[-1]["speed"] > 0
    # Verification says that it has begun before the first track is decoded, and of how much.
    first = next(event for event in progress if event["stage"] == "verify")
    assert (first["percent"], first["frames"]) == (92, facts.frames)


def test_a_title_is_complete(clip_cache: ClipCache, tmp_path: Path) -> None:
    facts = clip_cache.clip(seconds=10, width=320, height=180)
    run_encoder(facts.path, tmp_path / "title", ONE_RUNG)
    names = {path.name for path in (tmp_path / "title").iterdir()}
    assert {"manifest.json", "480p.mp4", "audio-0.mp4", "thumbnail.jpg"} <= names
    assert {"storyboard.vtt", "sprite-0.jpg"} <= names
    assert {Path(name).suffix for name in names} == {".json", ".mp4", ".jpg", ".npy", ".vtt"}
    assert json.loads((tmp_path / "title" / "manifest.json").read_text())["frames"] == 250
    assert [path.name for path in tmp_path.iterdir()] == ["title"]


def check_refused(source: Path, *, permanent: bool, reason: str = "") -> None:
    """Refused in plain words, and nothing but the source is left."""
    before = sorted(source.parent.iterdir())
    content = source.read_bytes()
    run = run_encoder(source, source.parent / "title", ONE_RUNG)
    assert run.status == 1
    assert run.last["event"] == "failed"
    assert run.last["permanent"] is permanent
    assert reason in run.last["reason"]
    assert run.last["reason"][0].isupper()
    assert run.last["reason"].endswith(".")
    for word in ("Traceback", "Errno", "Error(", str(source.parent), "av."):
        assert word not in run.last["reason"]
    assert sorted(source.parent.iterdir()) == before
    assert source.read_bytes() == content


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"This is no film at all.\n" * 100,
        b"\x89PNG\r\n\x1a\n" + bytes(100),
        b"#EXTM3U\n#EXTINF:6,\nfile:///etc/hostname\n#EXT-X-ENDLIST\n",
        b"ffconcat version 1.0\nfile /etc/hostname\n",
        b"v=0\no=- 0 0 IN IP4 127.0.0.1\ns=x\nc=IN IP4 127.0.0.1\nt=0 0\nm=video 9 RTP/AVP 96\n",
        bytes(range(256)) * 4096,
    ],
    ids=["empty", "text", "png", "m3u8", "ffconcat", "sdp", "noise"],
)
def test_what_is_no_film_is_refused_for_good(tmp_path: Path, content: bytes) -> None:
    """R34, R42"""
    source = tmp_path / "source"
    source.write_bytes(content)
    check_refused(source, permanent=True)


def test_texts_alone_are_refused_for_good(tmp_path: Path) -> None:
    source = tmp_path / "source"
    words = b"1\n00:00:00,000 --> 00:00:01,000\nHello.\n"
    command = [
        program("ffmpeg"),
        "-v",
        "error",
        "-f",
        "srt",
        "-i",
        "-",
        "-f",
        "matroska",
        str(source),
    ]
    subprocess.run(command, input=words, check=True)
    check_refused(source, permanent=True, reason="neither pictures nor sound")


@pytest.mark.parametrize(
    ("suffix", "options"),
    [(".mp4", {}), (".mp4", {"movflags": "+faststart"}), (".mkv", {})],
    ids=["header last", "header first", "matroska"],
)
@pytest.mark.parametrize("share", [0.1, 0.5, 0.9])
def test_a_film_that_was_cut_off_is_refused_for_good(
    clip_cache: ClipCache, tmp_path: Path, suffix: str, options: dict[str, str], share: float
) -> None:
    facts = clip_cache.clip(suffix=suffix, seconds=8, container_options=options)
    content = facts.path.read_bytes()
    source = tmp_path / "source"
    source.write_bytes(content[: int(len(content) * share)])
    check_refused(source, permanent=True, reason="damaged or incomplete")


def test_a_source_that_went_away_may_come_back(tmp_path: Path) -> None:
    """R42"""
    run = run_encoder(tmp_path / "gone.mp4", tmp_path / "title")
    assert run.status == 1
    assert run.last["event"] == "failed"
    assert run.last["permanent"] is False
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("share", [0.02, 0.1, 0.5, 0.97, 0.999])
def test_a_full_disk_leaves_nothing_behind(
    clip_cache: ClipCache, tmp_path: Path, share: float
) -> None:
    """D6: the largest output stops at a share of its size."""
    facts, title = clip_title(clip_cache, seconds=4)
    largest = max(path.stat().st_size for path in title.folder.iterdir())
    run = run_encoder(facts.path, tmp_path / "title", ONE_RUNG, largest_file=int(largest * share))
    assert run.status == 1
    assert run.last["event"] == "failed"
    assert run.last["permanent"] is False
    assert list(tmp_path.iterdir()) == []
