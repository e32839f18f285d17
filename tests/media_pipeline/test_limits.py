"""What is too much of a film is refused for good, in plain words: R35."""

import struct
import subprocess
import sys
from contextlib import suppress
from dataclasses import replace
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import pytest

from media_pipeline.job import EncodeJob, EncodeSettings
from media_pipeline.sources.limits import largest_file
from tests.clips.fixtures import ClipCache
from tests.clips.spec import Track
from tests.media_pipeline.titles import ONE_RUNG, ROOT, run_encoder

SMALL: dict[str, Any] = {"width": 64, "height": 48, "seconds": 4}


def refusal(source: Path, folder: Path, settings: EncodeSettings = ONE_RUNG) -> str:
    """The reason; it has to be permanent, and to leave nothing behind."""
    run = run_encoder(source, folder / "title", settings)
    assert run.last["event"] == "failed", run.last
    assert run.last["permanent"] is True
    assert not (folder / "title").exists()
    assert run.errors == ""
    return str(run.last["reason"])


@pytest.mark.parametrize(
    ("limits", "reason"),
    [
        ({"max_pixels": 64 * 48 - 1}, "The picture is too large: 64×48 pixels."),
        ({"max_duration": 3}, "The film is too long: 4 seconds, at most 3 are accepted."),
        ({"max_rate": 10}, "The film has too many pictures: more than 10 a second"),
        ({"max_streams": 1}, "This file has too many streams: 2, at most 1 are"),
    ],
)
@pytest.mark.parametrize("suffix", [".mp4", ".mkv", ".ts"])
def test_r35_limits_of_the_settings(
    clip_cache: ClipCache, tmp_path: Path, suffix: str, limits: dict[str, Any], reason: str
) -> None:
    clip = clip_cache.clip(suffix=suffix, **SMALL)
    assert refusal(clip.path, tmp_path, replace(ONE_RUNG, **limits)).startswith(reason)


def test_r35_reading_stops_where_no_film_goes_on(clip_cache: ClipCache, tmp_path: Path) -> None:
    """A file of a second with countless pictures is not read to its end."""
    clip = clip_cache.clip(**{**SMALL, "seconds": 1}, rate=Fraction(100))
    settings = replace(ONE_RUNG, max_duration=1, max_rate=20)
    assert "too many pictures" in refusal(clip.path, tmp_path, settings)


def test_r35_a_header_that_promises_a_hundred_hours(clip_cache: ClipCache, tmp_path: Path) -> None:
    data = bytearray(clip_cache.clip(suffix=".mkv", **SMALL).path.read_bytes())
    first = data.index(b"\x44\x89\x88") + 3  # Duration, in milliseconds (RFC 9559 §5.1.2.10)
    data[first : first + 8] = struct.pack(">d", 100 * 3_600_000)
    source = tmp_path / "source"
    source.write_bytes(data)
    assert refusal(source, tmp_path).startswith("The film is too long: 360000 seconds,")


@pytest.mark.parametrize(
    ("suffix", "fields", "reason"),
    [
        (".avi", {"codec": "cinepak", "pix_fmt": "rgb24"}, "The video"),
        (".avi", {"codec": "huffyuv", "pix_fmt": "yuv422p"}, "The video"),
        (".mkv", {"sound": Track(codec="wavpack")}, "The sound"),
        (".mkv", {"sound": Track(codec="tta")}, "The sound"),
    ],
)
def test_r35_codecs_that_are_not_listed(
    clip_cache: ClipCache, tmp_path: Path, suffix: str, fields: dict[str, Any], reason: str
) -> None:
    clip = clip_cache.clip(suffix=suffix, **SMALL, **fields)
    name = fields.get("codec") or fields["sound"].codec
    assert refusal(clip.path, tmp_path) == (
        f"{reason} in this file is of a kind that is not accepted: {name}."
    )


@pytest.mark.parametrize(
    "fields",
    [
        {"width": 64, "height": 1040},
        {"width": 1088, "height": 64},
        {"width": 64, "height": 48, "sample_aspect_ratio": Fraction(30)},
    ],
)
def test_r35_a_line_of_pixels_is_no_picture(
    clip_cache: ClipCache, tmp_path: Path, fields: dict[str, Any]
) -> None:
    clip = clip_cache.clip(frames=5, sound=None, **fields)
    assert "16 times as long as it is wide" in refusal(clip.path, tmp_path)


def test_r35_a_size_that_grows_in_the_middle(clip_cache: ClipCache, tmp_path: Path) -> None:
    """What the header says is no promise: the decoder has the limit too."""
    clips = [clip_cache.clip(suffix=".ts", **{**SMALL, **size}, sound=None) for size in (
        {}, {"width": 640, "height": 360})]  # fmt: skip
    source = tmp_path / "source"
    source.write_bytes(b"".join(clip.path.read_bytes() for clip in clips))
    settings = replace(ONE_RUNG, max_pixels=64 * 48)
    assert "100 of 200 pictures" in refusal(source, tmp_path, settings)


def test_r35_a_huge_picture_beside_the_film_is_not_decoded(
    clip_cache: ClipCache, tmp_path: Path
) -> None:
    """A second video stream, as cover art often is."""
    source = tmp_path / "source"
    with (
        av.open(str(clip_cache.clip(**SMALL, sound=None).path)) as film,
        av.open(str(source), "w", format="matroska") as output,
    ):
        stream = output.add_stream_from_template(film.streams.video[0])
        huge = output.add_stream("mjpeg", rate=25)
        huge.width, huge.height, huge.pix_fmt = 4096, 4096, "yuvj420p"
        for packet in huge.encode(av.VideoFrame(4096, 4096, "yuvj420p")):
            output.mux(packet)
        for packet in film.demux(video=0):
            if packet.size:
                packet.stream = stream
                output.mux(packet)
    run = run_encoder(source, tmp_path / "title", replace(ONE_RUNG, max_pixels=64 * 48))
    assert run.last["event"] == "done"


def test_r36_no_file_may_grow_without_end() -> None:
    """A second of the largest rung fits many times, a film of an hour is no blank cheque."""
    assert largest_file(Fraction(1), 8_000_000) >= 20_000_000
    assert largest_file(Fraction(3600), 8_000_000) <= 10 * 3600 * 1_000_000


def test_r36_threads_are_counted_by_the_settings_alone(
    clip_cache: ClipCache, tmp_path: Path
) -> None:
    """No library starts threads by the number of the machine's cores: an encode with one thread
    for each decoder, scaler and encoder has no more than those."""
    clip = clip_cache.clip(**SMALL, b_frames=2)
    job = tmp_path / "job.json"
    EncodeJob(clip.path, tmp_path / "title", replace(ONE_RUNG, threads=1)).save(job)
    child = subprocess.Popen(
        [sys.executable, "-m", "media_pipeline.programs.encode", str(job)],
        cwd=ROOT,
        stdout=subprocess.DEVNULL,
    )
    most = 0
    while child.poll() is None:
        with suppress(OSError):
            most = max(most, len(list(Path(f"/proc/{child.pid}/task").iterdir())))
    assert child.returncode == 0
    assert 1 <= most <= 8
