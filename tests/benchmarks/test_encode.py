"""The encoding benchmark on a short clip: both sides make the same renditions."""

from pathlib import Path

import av

from media_pipeline.job import EncodeSettings
from tests.benchmarks.encode import compare, ratios
from tests.clips.fixtures import ClipCache
from tests.programs import program

TINY = EncodeSettings(preset="ultrafast", rungs=("480p=320x180", "720p=480x270"))


def pictures(path: Path) -> list[bool]:
    """For each picture in the order of the file, whether it is a key picture."""
    with av.open(str(path)) as container:
        return [packet.is_keyframe for packet in container.demux(video=0) if packet.size]


def test_both_sides_make_the_same_renditions(clip_cache: ClipCache, tmp_path: Path) -> None:
    program("ffmpeg")
    clip = clip_cache.clip(width=640, height=360, seconds=5)
    ours, theirs = compare(clip.path, tmp_path, TINY, rounds=1)
    for name in ("480p", "720p"):
        made = pictures(tmp_path / "title-0" / f"{name}.mp4")
        assert made == pictures(tmp_path / "ffmpeg-0" / f"{name}.mp4")
        assert sum(made) == 3
    assert min(cost.cpu for cost in (*ours, *theirs)) > 0
    assert list(ours[0].stages) == ["probe", "encode", "verify"]
    assert all(ratio > 0 for ratio in ratios(ours, theirs).values())
