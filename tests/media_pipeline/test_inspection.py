"""Whether a title is there: what cannot be looked at is not taken for missing."""

from pathlib import Path

import pytest

from media_pipeline.titles import inspection
from media_pipeline.titles.manifest import MANIFEST


def test_a_folder_with_a_manifest_is_a_title(tmp_path: Path) -> None:
    (tmp_path / MANIFEST).touch()
    assert inspection.is_there(tmp_path)


def test_without_a_manifest_or_a_folder_there_is_none(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    for folder in (tmp_path, tmp_path / "gone", tmp_path / "file"):
        assert not inspection.is_there(folder)


def test_an_error_of_the_disk_is_an_error(tmp_path: Path) -> None:
    """A loop of links stands for it: EIO and ESTALE come from disks that fail."""
    (tmp_path / MANIFEST).symlink_to(MANIFEST)
    with pytest.raises(OSError, match="symbolic links"):
        inspection.is_there(tmp_path)
