"""A clip is made once, by whichever process asks first."""

import subprocess
import sys
from pathlib import Path

import pytest

from tests.clips.fixtures import ClipCache

ASK = """
import os, sys, time
from pathlib import Path
from tests.clips.fixtures import ClipCache

folder = Path(sys.argv[1])

def make(target):
    deadline = time.monotonic() + 30
    while len(list(folder.glob("*.asks"))) < 4 and time.monotonic() < deadline:
        time.sleep(0.01)
    (folder / f"{os.getpid()}.made").touch()
    target.write_bytes(b"slow")

(folder / f"{os.getpid()}.asks").touch()
print(ClipCache(folder / "cache").once("the key", make, suffix=".bin").read_bytes())
"""


def test_many_processes_make_a_clip_once(tmp_path: Path) -> None:
    asking = [
        subprocess.Popen(
            [sys.executable, "-c", ASK, str(tmp_path)],
            cwd=Path(__file__).parents[2],
            stdout=subprocess.PIPE,
        )
        for _ in range(4)
    ]
    answers = [process.communicate(timeout=60)[0] for process in asking]
    assert answers == [b"b'slow'\n"] * 4
    assert len(list(tmp_path.glob("*.made"))) == 1


def test_a_clip_is_kept(clip_cache: ClipCache) -> None:
    first = clip_cache.clip(frames=10)
    made = first.path.stat()
    again = clip_cache.clip(frames=10)
    assert again == first
    assert again.path.stat().st_mtime_ns == made.st_mtime_ns
    assert clip_cache.clip(frames=11).path != first.path


def test_a_failure_leaves_nothing_behind(tmp_path: Path) -> None:
    cache = ClipCache(tmp_path)

    def fail(target: Path) -> None:
        target.write_bytes(b"half")
        raise OSError("disk full")

    with pytest.raises(OSError, match="disk full"):
        cache.once("key", fail)
    assert [path.suffix for path in tmp_path.iterdir()] == [".lock"]
    made = cache.once("key", lambda target: target.write_bytes(b"whole"))
    assert made.read_bytes() == b"whole"


def test_a_folder_is_kept_too(tmp_path: Path) -> None:
    cache = ClipCache(tmp_path)
    assert cache.once("key", lambda target: target.mkdir()).is_dir()
    assert cache.once("key", lambda target: target.write_bytes(b"other")).is_dir()
