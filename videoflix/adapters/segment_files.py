"""The files of the segment cache as a whole: counted, purged, and evicted to keep to a budget.

What crashes left behind is swept on the way. Every step may run beside readers and writers of
other processes: a file that is removed stays readable for whoever has it open.
"""

import time
from collections import defaultdict
from collections.abc import Collection, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from videoflix.ports import CacheShare, CacheStats, Purged

TEMPORARY = ".tmp-"
_ABANDONED = 600  # seconds after which a temporary file belongs to nobody


@dataclass(frozen=True, slots=True, order=True)
class CachedFile:
    """A cached segment: when it was used last (its mtime), its size in bytes, where it is."""

    used: float
    size: int
    path: Path


@dataclass(frozen=True, slots=True)
class Eviction:
    """The bytes that are left, and what went."""

    bytes: int
    evicted: int
    evicted_bytes: int


class SegmentFiles:
    """Segments in ``folder``/<video id>/<generation>/<rendition>/. Methods block; a folder that
    is missing is empty."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def stats(self, max_bytes: int) -> CacheStats:
        """Raises OSError."""
        titles: defaultdict[int, list[int]] = defaultdict(list)
        for file in self._files("*", "*"):
            title = file.path.relative_to(self._folder).parts[0]
            if title.isdecimal():
                titles[int(title)].append(file.size)
        shares = {key: CacheShare(len(sizes), sum(sizes)) for key, sizes in sorted(titles.items())}
        return CacheStats(
            max_bytes=max_bytes,
            bytes=sum(share.bytes for share in shares.values()),
            files=sum(share.files for share in shares.values()),
            titles=shares,
        )

    def evict(self, most: int, least: int) -> Eviction:
        """Where there are more than ``most`` bytes, remove the least recently used until there
        are at most ``least``. Raises OSError."""
        files = sorted(self._files("*", "*"))
        total = left = sum(file.size for file in files)
        gone = 0
        for file in files if total > most else ():
            with suppress(OSError):
                file.path.unlink()
                left -= file.size
                gone += 1
            if left <= least:
                break
        return Eviction(left, gone, total - left)

    def purge(self, video: str, generation: str) -> Purged:
        """Delete the segments of one video, one generation, or (``*``) of all, and the folders
        that are empty then. Raises OSError when a folder cannot be read."""
        files, size, failed = 0, 0, 0
        for file in list(self._files(video, generation)):
            try:
                file.path.unlink(missing_ok=True)
            except OSError:
                failed += 1
                continue
            files += 1
            size += file.size
        # Those below first; eviction leaves empty ones, too.
        for pattern in (f"{video}/{generation}/*", f"{video}/{generation}", video):
            for folder in list(self._folder.glob(pattern)):
                if not folder.name.startswith("."):
                    with suppress(OSError):  # no folder, not empty, or another was faster
                        folder.rmdir()
        return Purged(files, size, failed)

    def generations(self) -> Mapping[int, Collection[str]]:
        """Those of each video that there is a folder of."""
        found: defaultdict[int, set[str]] = defaultdict(set)
        for folder in self._folder.glob("*/*"):
            if folder.parent.name.isdecimal():
                found[int(folder.parent.name)].add(folder.name)
        return found

    def _files(self, video: str, generation: str) -> Iterator[CachedFile]:
        """Sweeps abandoned temporary files."""
        for path in self._folder.glob(f"{video}/{generation}/*/*"):
            with suppress(OSError):
                status = path.stat()
                if not path.name.startswith(TEMPORARY):
                    yield CachedFile(status.st_mtime, status.st_size, path)
                elif time.time() - status.st_mtime > _ABANDONED:
                    path.unlink()
