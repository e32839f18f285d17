"""Private files: whole or not at all, and an error names the file that people know."""

import errno
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.commands import REPOSITORY
from videoflix.errors import ServiceUnavailable
from videoflix.private_files import read_or_create_private, usable_root, write_private

WRITERS = [write_private, read_or_create_private]
ON_A_FULL_DISK = """
import resource, sys
from pathlib import Path
from videoflix import private_files
resource.setrlimit(resource.RLIMIT_FSIZE, (10, 10))
getattr(private_files, sys.argv[1])(Path(sys.argv[2]), "x" * 100)
"""


def test_a_file_is_replaced_and_private(tmp_path: Path) -> None:
    path = tmp_path / "note"
    for text in ("one", "two"):
        write_private(path, text)
        assert path.read_text(encoding="utf-8") == text
    assert path.stat().st_mode & 0o777 == 0o600
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.parametrize("write", WRITERS)
def test_a_place_that_takes_no_file_is_named(write: Callable[[Path, str], object]) -> None:
    with pytest.raises(OSError, match="note") as refused:
        write(Path("/proc/note"), "text")
    assert refused.value.filename == "/proc/note"
    assert refused.value.filename2 is None


def test_what_stands_in_the_way_is_named(tmp_path: Path) -> None:
    path = tmp_path / "note"
    path.mkdir()
    with pytest.raises(IsADirectoryError) as refused:
        write_private(path, "text")
    assert (refused.value.filename, refused.value.filename2) == (str(path), None)
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.parametrize("write", [writer.__name__ for writer in WRITERS])
def test_a_write_that_fails_leaves_nothing(tmp_path: Path, write: str) -> None:
    """A limit on a file's size in the place of a full disk."""
    path = tmp_path / "note"
    ended = subprocess.run(
        [sys.executable, "-c", ON_A_FULL_DISK, write, str(path)],
        cwd=REPOSITORY,
        capture_output=True,
        text=True,
        check=False,
    )
    assert ended.returncode == 1
    said = f"OSError: [Errno {errno.EFBIG}] File too large: '{path}'"
    assert ended.stderr.splitlines()[-1] == said
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("number", [errno.EIO, errno.ESTALE, errno.ENOSPC])
def test_a_disk_that_fails_or_is_away_is_no_wrong_setting(tmp_path: Path, number: int) -> None:
    said = pytest.raises(ServiceUnavailable, match=r"storage\.root: .*/titles: ")
    with said, usable_root(tmp_path):
        raise OSError(number, os.strerror(number), str(tmp_path / "titles"))
