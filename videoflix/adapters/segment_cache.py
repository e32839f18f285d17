"""The cache of cut segments on a local disk.

::

    <folder>/<video id>/<generation>/<rendition>.<muxer>/segment_000.ts
    <folder>/.locks/<00 to ff>          held while a segment is being cut
    <folder>/.locks/eviction            held by the process that evicts

A file appears under its name by renaming, so a reader sees all of it or none. Its size and
checksum are compared with what was verified when the title was published: at the first use in
this process, and again whenever the file's identity (device, inode, size, times) has changed.
Recency is a file's mtime, so that eviction agrees between processes and survives restarts.
"""

import errno
import os
import re
import secrets
import threading
import time
from collections import OrderedDict
from collections.abc import Collection, Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import BinaryIO

import structlog
import xxhash

from media_pipeline.packages.playlists import segment_name
from media_pipeline.titles.measures import muxer_slug
from media_pipeline.titles.title import SegmentFacts
from videoflix.adapters.lock_files import locked
from videoflix.adapters.segment_files import TEMPORARY, SegmentFiles
from videoflix.ports import CacheStats, Purged, SegmentKey
from videoflix.ports.measures import UNMEASURED, CacheMeasures
from videoflix.rare import RareWarning

_LOCKS = ".locks"
_MUXER = muxer_slug()  # servers of several versions may share the cache
_LOCK_FILES = 256
_REMEMBERED = 20_000  # files whose identity is kept in memory
_TOUCH_EVERY = 60  # seconds between updates of a file's recency
_EVICT_TO = 0.9  # of the budget
_RESCAN_SHARE = 0.02  # of the budget: written by this process before it counts all files again
_AHEAD_SHARE = 1 / 16  # of the budget: the largest segment that is put there before it is asked for
_REST_SECONDS = 30.0  # for which nothing is put there ahead, after a segment could not be written
_TRIES = 3
_READ = 1024 * 1024
_FULL = frozenset({errno.ENOSPC, errno.EDQUOT})
_NAME = re.compile(r"[A-Za-z0-9_-]+")  # of a generation; nothing that a path or a pattern means

_log = structlog.get_logger(__name__)

# Device, inode, size, mtime and ctime in ns: what a file must still be not to be read again.
# mtime is compared as this process last saw it.
IDENTITY = ("st_dev", "st_ino", "st_size", "st_mtime_ns", "st_ctime_ns")
_MTIME = IDENTITY.index("st_mtime_ns")


def identity(status: os.stat_result) -> tuple[int, ...]:
    return tuple(getattr(status, name) for name in IDENTITY)


def _checksum(file: BinaryIO) -> int:
    digest = xxhash.xxh3_64()
    while block := file.read(_READ):
        digest.update(block)
    file.seek(0)
    return digest.intdigest()


class DiskSegmentCache:
    """See ``ports.SegmentCache``. ``max_bytes`` is the budget; 0 keeps nothing."""

    def __init__(self, folder: Path, max_bytes: int, measures: CacheMeasures = UNMEASURED) -> None:
        self._folder = folder
        self._max_bytes = max_bytes
        self._known: OrderedDict[SegmentKey, tuple[int, ...]] = OrderedDict()
        self._unscanned = max_bytes  # the first segment counts what earlier processes left
        self._lock = threading.Lock()
        self._files = SegmentFiles(folder)
        self._measures = measures
        self._failed_at: float | None = None  # when a segment could not be written, until one can
        self._warn_unreadable = RareWarning("cached segments cannot be read: they are cut again")
        self._warn_damaged = RareWarning("a cached segment is damaged: it is cut again")
        self._warn_full = RareWarning("the disk is full: cached segments make room for others")
        self._warn_unwritable = RareWarning("segments cannot be cached: they are cut each time")

    def path(self, key: SegmentKey) -> Path:
        return self._folder / self.place(key)

    def place(self, key: SegmentKey) -> str:
        rendition = f"{key.rendition}.{_MUXER}"
        return f"{key.video_id:d}/{key.generation}/{rendition}/{segment_name(key.index)}"

    def open(self, key: SegmentKey, facts: SegmentFacts) -> BinaryIO | None:
        path = self.path(key)
        try:
            file = path.open("rb")
        except (FileNotFoundError, NotADirectoryError):
            return None
        except OSError as error:
            self._warn_unreadable(path=str(path), error=str(error))
            return None
        try:
            if self._is_right(key, file, facts):
                return file
        except OSError as error:
            self._warn_unreadable(path=str(path), error=str(error))
        # Left where it is: another thread may have put the right one under this name meanwhile.
        file.close()
        return None

    def open_at_once(self, key: SegmentKey, facts: SegmentFacts) -> BinaryIO | None:
        known = self._known.get(key)
        if known is None or time.time() - known[_MTIME] / 1e9 > _TOUCH_EVERY:
            return None
        try:
            # The kernel has name and inode of what was used a minute ago in memory.
            file = self.path(key).open("rb")
        except OSError:
            return None
        status = os.fstat(file.fileno())
        if identity(status) == known and status.st_size == facts.size:
            return file
        file.close()
        return None

    def _is_right(self, key: SegmentKey, file: BinaryIO, facts: SegmentFacts) -> bool:
        status = os.fstat(file.fileno())
        if status.st_size != facts.size:
            self._warn_damaged(path=str(self.path(key)), reason="its size")
            return False
        with self._lock:
            known = self._known.get(key) == identity(status)
        if not known and _checksum(file) != facts.xxh3:
            self._warn_damaged(path=str(self.path(key)), reason="its checksum")
            return False
        now = time.time()
        # Not more often: each touch has all other processes check the file anew.
        if now - status.st_mtime > _TOUCH_EVERY:
            with suppress(OSError):  # a read-only cache still serves
                os.utime(file.fileno(), (now, now))
            status, known = os.fstat(file.fileno()), False
        if not known:
            self._remember(key, status)
        return True

    def _remember(self, key: SegmentKey, status: os.stat_result) -> None:
        with self._lock:
            self._known[key] = identity(status)
            self._known.move_to_end(key)
            if len(self._known) > _REMEMBERED:
                self._known.popitem(last=False)

    def put(self, key: SegmentKey, data: bytes | memoryview) -> None:
        if len(data) > self._max_bytes:
            return
        path = self.path(key)
        try:
            self._write(path, data)
            self._failed_at = None
        except OSError as error:
            self._failed_at = time.monotonic()
            if not self._put_on_full_disk(path, data, error):
                self._warn_unwritable(path=str(path), error=str(error))
                return
        with self._lock:
            self._unscanned += len(data)
            is_due = self._unscanned >= self._max_bytes * _RESCAN_SHARE
            if is_due:
                self._unscanned = 0
        if is_due:
            self._evict()

    def _put_on_full_disk(self, path: Path, data: bytes | memoryview, error: OSError) -> bool:
        """After ``error`` from writing: where the disk is smaller than the budget, or others have
        filled it, older segments make room. Returns whether it is there now."""
        if error.errno not in _FULL:
            return False
        # One at a time: what others are about to write must not take the room that was made.
        with self._locked("eviction", wait=True):
            with suppress(OSError):  # who had to wait may find room that others have made
                self._write(path, data)
                return True
            with suppress(OSError):
                if self._make_room(len(data)):
                    self._warn_full(path=str(path), error=str(error))
                    self._write(path, data)
                    return True
        return False

    def _write(self, path: Path, data: bytes | memoryview) -> None:
        for _ in range(_TRIES - 1):
            with suppress(FileNotFoundError):  # a purge has just removed the folder
                return self._try_to_write(path, data)
        return self._try_to_write(path, data)

    def _try_to_write(self, path: Path, data: bytes | memoryview) -> None:
        temporary = path.with_name(TEMPORARY + secrets.token_hex(8))
        self._make(path.parent)
        try:
            # Not fsynced: a file that a power cut left short fails its check and is cut again.
            temporary.write_bytes(data)
            temporary.replace(path)
        except OSError:
            temporary.unlink(missing_ok=True)
            raise

    def holds(self, key: SegmentKey, facts: SegmentFacts) -> bool:
        try:
            return self.path(key).stat().st_size == facts.size
        except OSError:
            return False

    def has_room(self, size: int) -> bool:
        failed_at = self._failed_at
        has_failed = failed_at is not None and time.monotonic() - failed_at < _REST_SECONDS
        return not has_failed and size <= self._max_bytes * _AHEAD_SHARE

    def stats(self) -> CacheStats:
        return self._files.stats(self._max_bytes)

    def purge(self, video_id: int | None = None, generation: str | None = None) -> Purged:
        if generation is not None and not _NAME.fullmatch(generation):
            return Purged(0, 0)
        video = "*" if video_id is None else f"{video_id:d}"
        try:
            purged = self._files.purge(video, generation or "*")
        except OSError as error:
            _log.warning("cached segments not deleted", video=video_id, error=str(error))
            return Purged(0, 0, failed=1)
        if purged.failed:
            _log.warning("cached segments not deleted", video=video_id, segments=purged.failed)
        return purged

    def generations(self) -> Mapping[int, Collection[str]]:
        return self._files.generations()

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
        folder = self._folder / _LOCKS
        with suppress(OSError):  # without a writable folder every process cuts for itself
            self._make(folder)
        with locked(folder / name, wait=wait) as is_mine:
            yield is_mine

    def _evict(self) -> None:
        """Count all files; over budget, remove the least recently used down to 90 %."""
        with self._locked("eviction", wait=False) as is_mine, suppress(OSError):
            if is_mine:
                self._evict_to(self._max_bytes, int(self._max_bytes * _EVICT_TO))

    def _make_room(self, size: int) -> bool:
        """Remove the least recently used down to 90 % of what is there, and until ``size`` bytes
        fit; nothing where they would not even then. Raises OSError."""
        there = self._files.stats(0).bytes
        disk = os.statvfs(self._folder)
        if size > there + disk.f_bavail * disk.f_frsize:
            return False
        self._evict_to(0, max(0, min(int(there * _EVICT_TO), there - size)))
        return True

    def _evict_to(self, most: int, least: int) -> None:
        """See ``SegmentFiles.evict``; measured."""
        found = self._files.evict(most, least)
        self._measures.cached(found.bytes)
        self._measures.evicted(found.evicted, found.evicted_bytes)
