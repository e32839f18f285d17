"""A child that confines itself reaches its own files, and no others."""

import subprocess
import sys
from pathlib import Path

import pytest

from tests.clips.fixtures import ClipCache
from tests.media_pipeline.titles import run_encoder
from tests.videoflix.uploads.pictures import write_picture

PROGRAM = """
import sys
from pathlib import Path
from media_pipeline.landlock import confine

inside, outside = map(Path, sys.argv[1:])
refused = confine([inside / "source"], [inside / "work"])
assert refused == [], refused
import wave  # of the standard library: still there

def can(act):
    try:
        act()
    except PermissionError:
        return False
    return True

print(
    can((inside / "source").read_bytes),
    can(lambda: (inside / "source").write_bytes(b"")),
    can(lambda: (inside / "work" / "made").write_bytes(b"x")),
    can((inside / "work" / "folder").mkdir),
    can((inside / "work" / "made").unlink),
    can((inside / "secret_key").read_bytes),
    can(lambda: list(outside.iterdir())),
    can(lambda: (outside / "made").write_bytes(b"x")),
    can(lambda: Path("/etc/passwd").read_bytes()),
)
"""


@pytest.fixture
def folders(tmp_path: Path) -> tuple[Path, Path]:
    inside, outside = tmp_path / "inside", tmp_path / "outside"
    (inside / "work").mkdir(parents=True)
    outside.mkdir()
    for name in ("source", "secret_key"):
        (inside / name).write_bytes(b"x")
    return inside, outside


def test_only_what_was_named_is_reached(folders: tuple[Path, Path]) -> None:
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM, *map(str, folders)],
        cwd=Path(__file__).parents[2],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    read, write, make, folder, delete, *others = done.stdout.split()
    assert (read, write, make, folder, delete) == ("True", "False", "True", "True", "True")
    assert set(others) == {"False"}
    assert (folders[0] / "source").read_bytes() == b"x"
    assert list(folders[1].iterdir()) == []


def test_neither_child_is_refused_a_limit(clip_cache: ClipCache, tmp_path: Path) -> None:
    """Each says on its standard error what the kernel did not let it give up. PyAV starts threads
    when it is imported, and then the network cannot be given up any more."""
    clip = clip_cache.clip(width=64, height=48, frames=12)
    run = run_encoder(clip.path, tmp_path / "title")
    assert (run.last["event"], run.errors) == ("done", "")
    picture = write_picture(tmp_path / "picture", "png", 320, 180)
    done = subprocess.run(
        [
            sys.executable,
            "-m",
            "media_pipeline.programs.picture",
            str(picture),
            str(tmp_path / "made.jpg"),
        ],
        cwd=Path(__file__).parents[2],
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stderr) == (0, "")
