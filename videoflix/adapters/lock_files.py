"""Lock files between the processes of one machine."""

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


@contextmanager
def locked(path: Path, *, wait: bool) -> Iterator[bool]:
    """Hold the lock file at ``path`` (in a folder that exists) for as long as the block runs.

    Gives False when it is held elsewhere and ``wait`` is false. True also where no lock can be
    had at all, as in a folder that cannot be written: then nobody excludes anybody.
    """
    try:
        file = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    except OSError:
        yield True
        return
    try:
        yield _lock(file, wait=wait)
    finally:
        os.close(file)


def _lock(file: int, *, wait: bool) -> bool:
    try:
        fcntl.flock(file, fcntl.LOCK_EX | (0 if wait else fcntl.LOCK_NB))
    except BlockingIOError:
        return False
    except OSError:  # this file system has no locks, or none left
        return True
    return True
