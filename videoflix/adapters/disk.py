"""Small steps on a disk, and the disk's errors in the domain's words."""

import errno
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from videoflix.errors import InsufficientStorage

_FULL = frozenset({errno.ENOSPC, errno.EDQUOT})
_COPY_BYTES = 1024 * 1024


@contextmanager
def full_disk_translated() -> Iterator[None]:
    """Raise InsufficientStorage for a disk or quota that is full; other errors pass."""
    try:
        yield
    except OSError as error:
        if error.errno in _FULL:
            raise InsufficientStorage("The server's disk is full.") from error
        raise


def bytes_below(folder: Path) -> int:
    """The sizes of all files in a folder and the folders in it, added; what goes away meanwhile
    counts or does not."""
    total = 0
    with suppress(FileNotFoundError, NotADirectoryError), os.scandir(folder) as entries:
        for entry in entries:
            if entry.is_dir(follow_symlinks=False):
                total += bytes_below(Path(entry.path))
            else:
                with suppress(FileNotFoundError):
                    total += entry.stat(follow_symlinks=False).st_size
    return total


def still_to_come(size: int, status: os.stat_result) -> int:
    """How many of a file's ``size`` bytes the disk does not hold yet: neither written nor
    reserved (stat(2) counts blocks of 512 bytes)."""
    return max(0, size - max(status.st_size, status.st_blocks * 512))


def create_private(path: Path) -> int:
    """Open a new file for writing, mode 600; FileExistsError where there is one."""
    return os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)


def copy_durably(source: Path, target: Path) -> None:
    """Copy to the new file ``target`` and have its bytes on the disk."""
    with source.open("rb") as reader, os.fdopen(create_private(target), "wb") as writer:
        shutil.copyfileobj(reader, writer, _COPY_BYTES)
        writer.flush()
        os.fsync(writer.fileno())
