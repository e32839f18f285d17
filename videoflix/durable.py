"""Folders that survive a crash: an fsynced file is lost where its name is not on the disk."""

import os
from pathlib import Path


def sync_folder(folder: Path) -> None:
    """Have the folder's entries on the disk: a rename is safe only after this. Raises OSError."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def sync_tree(folder: Path) -> None:
    """The same for all folders in it, and then for itself. Raises OSError."""
    with os.scandir(folder) as entries:
        for entry in entries:
            if entry.is_dir(follow_symlinks=False):
                sync_tree(Path(entry.path))
    sync_folder(folder)
