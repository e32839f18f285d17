"""The cache of cut segments on a local disk.

::

    <folder>/<video id>/<generation>/<rendition>/segment_000.ts
    <folder>/.locks/<00 to ff>          held while a segment is being cut
    <folder>/.locks/eviction            held by the process that evicts

A file appears under its name by renaming, so a reader sees all of it or none. Its size and
checksum are compared with what was verified when the title was published: at the first use in
this process, and again whenever the file's identity (device, inode, size, times) has changed.
Recency is a file's mtime, so that eviction agrees between processes and survives restarts.
"""

import fcntl
import os
import secrets
import threading
import time
from collections import OrderedDict
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import BinaryIO

import structlog
import xxhash

from media_pipeline.playlists import segment_name
from media_pipeline.title import SegmentFacts
from videoflix.ports import SegmentKey

_LOCKS = ".locks"
_TEMPORARY = ".tmp-"
_LOCK_FILES = 256
_REMEMBERED = 20_000  # files whose identity is kept in memory
_TOUCH_EVERY = 60  # seconds between updates of a file's recency
_EVICT_TO = 0.9  # of the budget
_RESCAN_SHARE = 0.02  # of the budget: written by this process before it counts all files again
_ABANDONED = 600  # seconds after which a temporary file belongs to nobody
_READ = 1024 * 1024

_log = structlog.get_logger(__name__)

# Device, inode, size, mtime and ctime in ns: what a file must still be not to be read again.
# mtime is compared as this process last set it.
_Identity = tuple[int, int, int, int, int]


def _identity(status: os.stat_result) -> _Identity:
    return (
        status.st_dev,
        status.st_ino,
        status.st_size,
        status.st_mtime_ns,
        status.st_ctime_ns,
    )


def _checksum(file: BinaryIO) -> int:
    digest = xxhash.xxh3_64()
    while block := file.read(_READ):
        digest.update(block)
    file.seek(0)
    return digest.intdigest()


class DiskSegmentCache:
    """See ``ports.SegmentCache``. ``max_bytes`` is the budget; 0 keeps nothing."""

    def __init__(self, folder: Path, max_bytes: int) -> None:
        self._folder = folder
        self._max_bytes = max_bytes
        self._known: OrderedDict[SegmentKey, _Identity] = OrderedDict()
        self._unscanned = max_bytes  # the first segment counts what earlier processes left
        self._lock = threading.Lock()

    def path(self, key: SegmentKey) -> Path:
        return (
            self._folder
            / f"{key.video_id:d}"
            / key.generation
            / key.rendition
            / segment_name(key.index)
        )

    def open(self, key: SegmentKey, facts: SegmentFacts) -> BinaryIO | None:
        path = self.path(key)
        try:
            file = path.open("rb")
        except OSError:
            return None
        try:
            if self._is_right(key, file, facts):
                return file
        except OSError as error:
            _log.warning("cached segment cannot be read", path=str(path), error=str(error))
        # Left where it is: another thread may have put the right one under this name meanwhile.
        file.close()
        return None

    def _is_right(self, key: SegmentKey, file: BinaryIO, facts: SegmentFacts) -> bool:
        status = os.fstat(file.fileno())
        if status.st_size != facts.size:
            _log.warning("cached segment has a wrong size", path=str(self.path(key)))
            return False
        with self._lock:
            known = self._known.get(key) == _identity(status)
        if not known and _checksum(file) != facts.xxh3:
            _log.warning("cached segment is damaged", path=str(self.path(key)))
            return False
        now = time.time()
        if not known or now - status.st_mtime > _TOUCH_EVERY:
            with suppress(OSError):  # a read-only cache still serves
                os.utime(file.fileno(), (now, now))
            self._remember(key, os.fstat(file.fileno()))
        return True

    def _remember(self, key: SegmentKey, status: os.stat_result) -> None:
        with self._lock:
            self._known[key] = _identity(status)
            self._known.move_to_end(key)
            if len(self._known) > _REMEMBERED:
                self._known.popitem(last=False)

    def put(self, key: SegmentKey, data: bytes | memoryview) -> None:
        if len(data) > self._max_bytes:
            return
        path = self.path(key)
        temporary = path.with_name(_TEMPORARY + secrets.token_hex(8))
        try:
            self._make(path.parent)
            try:
                # Not fsynced: a file that a power cut left short fails its check and is cut again.
                temporary.write_bytes(data)
                temporary.replace(path)
            except OSError:
                temporary.unlink(missing_ok=True)
                raise
        except OSError as error:
            _log.warning("segment could not be cached", path=str(path), error=str(error))
            return
        with self._lock:
            self._unscanned += len(data)
            is_due = self._unscanned >= self._max_bytes * _RESCAN_SHARE
            if is_due:
                self._unscanned = 0
        if is_due:
            self._evict()

    def _make(self, folder: Path) -> None:
        """Make a folder of the cache. What is in there only the cache's owner may see, whoever
        can look into the folder above: ``mkdir`` gives its mode to the last folder alone."""
        self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)

    @contextmanager
    def cutting(self, key: SegmentKey) -> Iterator[None]:
        # One of a fixed number of files: none has to be removed, and two segments that share one
        # only wait for each other.
        name = f"{xxhash.xxh3_64_intdigest(str(key).encode()) % _LOCK_FILES:02x}"
        with self._locked(name, wait=True):
            yield

    @contextmanager
    def _locked(self, name: str, *, wait: bool) -> Iterator[bool]:
        """Hold a lock file; gives False when it is held elsewhere and ``wait`` is false."""
        try:
            folder = self._folder / _LOCKS
            self._make(folder)
            file = os.open(folder / name, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        except OSError:
            yield True  # without a writable folder every process cuts for itself
            return
        try:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | (0 if wait else fcntl.LOCK_NB))
            except BlockingIOError:
                yield False
                return
            yield True
        finally:
            os.close(file)

    def _evict(self) -> None:
        """Count all files; over budget, remove the least recently used down to 90 %."""
        with self._locked("eviction", wait=False) as is_mine:
            if not is_mine:
                return
            files = sorted(self._files())
            total = sum(size for _, size, _ in files)
            if total <= self._max_bytes:
                return
            for _, size, path in files:
                with suppress(OSError):
                    path.unlink()
                    total -= size
                if total <= self._max_bytes * _EVICT_TO:
                    break

    def _files(self) -> Iterator[tuple[float, int, Path]]:
        """Recency, size and path of all cached segments; sweeps what crashes left behind."""
        for path in self._folder.glob("*/*/*/*"):
            with suppress(OSError):
                status = path.stat()
                if not path.name.startswith(_TEMPORARY):
                    yield status.st_mtime, status.st_size, path
                elif time.time() - status.st_mtime > _ABANDONED:
                    path.unlink()
