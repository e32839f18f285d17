"""The cache of segments by itself: purged, counted, and on disks that do not work."""

import errno
import os
import subprocess
import sys
import threading
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from types import SimpleNamespace

import pytest
from structlog.testing import capture_logs

from media_pipeline.titles.measures import muxer_slug
from media_pipeline.titles.title import SegmentFacts
from tests.drills.cache_site import can_mount, small_disk
from videoflix.adapters.segment_cache import IDENTITY, DiskSegmentCache, identity
from videoflix.ports import CacheShare, Purged, SegmentKey

BUDGET = 100_000
DATA = b"x" * 100


def filled(folder: Path) -> DiskSegmentCache:
    cache = DiskSegmentCache(folder, BUDGET)
    for video_id in (1, 2):
        for generation in ("abc", "def"):
            for index in range(3):
                cache.put(SegmentKey(video_id, generation, "480p", index), DATA)
    return cache


def test_purge_deletes_what_was_asked_for_and_nothing_else(tmp_path: Path) -> None:
    cache = filled(tmp_path)
    held = cache.open(SegmentKey(1, "abc", "480p", 0), SegmentFacts.of(DATA))
    assert held is not None
    with held:
        assert cache.purge(1, "abc") == Purged(3, 300)
        assert held.read() == DATA  # who reads it reads on
    assert cache.open(SegmentKey(1, "abc", "480p", 0), SegmentFacts.of(DATA)) is None
    assert cache.stats().titles == {1: CacheShare(3, 300), 2: CacheShare(6, 600)}
    assert not (tmp_path / "1" / "abc").exists()
    assert cache.purge(generation="def") == Purged(6, 600)
    assert not (tmp_path / "1").exists()
    assert cache.purge(2) == Purged(3, 300)
    assert cache.purge() == Purged(0, 0)
    assert (cache.stats().files, cache.stats().bytes) == (0, 0)


@pytest.mark.parametrize("name", ["..", "../..", "*", "", "abc/480p", "[a]bc"])
def test_purge_takes_no_generation_for_a_path_or_a_pattern(tmp_path: Path, name: str) -> None:
    cache = filled(tmp_path / "cache")
    beside = tmp_path / "other" / "480p" / "file"
    beside.parent.mkdir(parents=True)
    beside.write_bytes(b"not the cache's")
    assert cache.purge(1, name) == Purged(0, 0)
    assert cache.stats().files == 12
    assert beside.exists()


def test_on_a_full_disk_several_at_once_give_up_a_tenth_together(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each of them meets the full disk before the first has made room."""
    count, at_once = 100, 8
    cache = DiskSegmentCache(tmp_path, BUDGET)
    for index in range(count):
        cache.put(SegmentKey(1, "old", "480p", index), DATA)
    met = threading.Barrier(at_once)
    has_met = threading.local()
    write = Path.write_bytes

    def on_full_disk(path: Path, data: bytes) -> int:
        if not hasattr(has_met, "the_disk"):
            has_met.the_disk = True
            met.wait(60)
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        if len(list(tmp_path.glob("1/*/*/*.ts"))) >= count:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        return write(path, data)

    monkeypatch.setattr(Path, "write_bytes", on_full_disk)
    keys = [SegmentKey(1, "new", "480p", index) for index in range(at_once)]
    threads = [threading.Thread(target=cache.put, args=(key, DATA)) for key in keys]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert all(cache.holds(key, SegmentFacts.of(DATA)) for key in keys)
    assert len(list(tmp_path.glob("1/old/*/*.ts"))) == count * 9 // 10


def test_a_purge_beside_a_writer_costs_him_a_segment_at_most(tmp_path: Path) -> None:
    """It removes folders that another thread is about to write into."""
    cache = DiskSegmentCache(tmp_path, BUDGET)
    key = SegmentKey(1, "abc", "480p", 0)
    done = threading.Event()

    def purge_again_and_again() -> None:
        while not done.is_set():
            cache.purge(1)

    purging = threading.Thread(target=purge_again_and_again)
    purging.start()
    for _ in range(300):
        cache.put(key, DATA)
        file = cache.open(key, SegmentFacts.of(DATA))
        if file is not None:
            with file:
                assert file.read() == DATA
    done.set()
    purging.join()
    cache.put(key, DATA)
    assert cache.holds(key, SegmentFacts.of(DATA))


def test_r50_a_reader_sees_all_of_a_segment_or_none_of_it(tmp_path: Path) -> None:
    """Whoever opens the file by its name, while it is written again and again."""
    cache = DiskSegmentCache(tmp_path, 10**9)
    key = SegmentKey(1, "abc", "480p", 0)
    data = os.urandom(1_000_000)
    done = threading.Event()
    seen: list[bool] = []

    def look_again_and_again() -> None:
        while not done.is_set():
            with suppress(FileNotFoundError):
                seen.append(cache.path(key).read_bytes() == data)

    reading = threading.Thread(target=look_again_and_again)
    reading.start()
    while len(seen) < 20:
        cache.put(key, data)
    done.set()
    reading.join()
    assert all(seen)


def test_r50_what_a_killed_writer_left_is_no_segment(tmp_path: Path) -> None:
    cache = DiskSegmentCache(tmp_path, BUDGET)
    key = SegmentKey(1, "abc", "480p", 0)
    cache.put(key, DATA)
    partial = cache.path(key).rename(cache.path(key).with_name(".tmp-0123"))
    assert cache.open(key, SegmentFacts.of(DATA)) is None
    assert cache.stats().files == 0
    assert partial.exists()  # its writer may be at work
    os.utime(partial, (0, 0))
    assert cache.stats().files == 0
    assert not partial.exists()


def _in_place(path: Path, data: bytes) -> None:
    path.write_bytes(data)


def _by_renaming(path: Path, data: bytes) -> None:
    beside = path.with_name("beside")
    beside.write_bytes(data)
    beside.replace(path)


@pytest.mark.parametrize("change", [_in_place, _by_renaming])
@pytest.mark.parametrize("keeps_mtime", [True, False])
def test_r53_a_file_that_is_another_one_is_verified_again(
    tmp_path: Path, change: Callable[[Path, bytes], None], keeps_mtime: bool
) -> None:
    """Of the same size: its inode or its times tell (ctime cannot be set back)."""
    cache = DiskSegmentCache(tmp_path, BUDGET)
    key, facts = SegmentKey(1, "abc", "480p", 0), SegmentFacts.of(DATA)
    cache.put(key, DATA)
    path = cache.path(key)
    for _ in range(2):  # known from now on
        file = cache.open(key, facts)
        assert file is not None
        file.close()
    before = path.stat()
    change(path, b"y" * len(DATA))
    if keeps_mtime:
        os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))
    assert cache.open(key, facts) is None
    change(path, DATA)  # and is right again
    file = cache.open(key, facts)
    assert file is not None
    file.close()


@pytest.mark.parametrize("field", ["st_dev", "st_ino", "st_size", "st_mtime_ns", "st_ctime_ns"])
def test_r53_each_part_of_a_files_identity_counts(tmp_path: Path, field: str) -> None:
    (tmp_path / "file").write_bytes(DATA)
    status = (tmp_path / "file").stat()
    values = {name: getattr(status, name) for name in IDENTITY}
    same = identity(SimpleNamespace(**values))  # type: ignore[arg-type]  # as os.stat_result
    assert same == identity(status)
    values[field] += 1
    assert identity(SimpleNamespace(**values)) != same  # type: ignore[arg-type]  # the same


@pytest.mark.parametrize("trouble", ["a file in the folder's place", "files in its way"])
def test_a_folder_that_cannot_be_used_is_warned_of_once(tmp_path: Path, trouble: str) -> None:
    folder = tmp_path / "cache"
    cache = DiskSegmentCache(folder, BUDGET)
    if trouble.startswith("a file"):
        folder.write_text("no folder")
    else:
        folder.mkdir()
        (folder / "1").write_text("no folder")
        (folder / ".locks").write_text("no folder")
    facts = SegmentFacts.of(DATA)
    with capture_logs() as logs:
        for index in range(20):
            key = SegmentKey(1, "abc", "480p", index)
            assert cache.open(key, facts) is None
            with cache.cutting(key):
                cache.put(key, DATA)
            assert not cache.holds(key, facts)
    assert [entry["event"] for entry in logs] == [
        "segments cannot be cached: they are cut each time"
    ]
    assert not cache.has_room(1)
    assert cache.purge(1) == Purged(0, 0)
    assert cache.stats().files == 0


def test_a_segment_that_cannot_be_read_is_warned_of_once(tmp_path: Path) -> None:
    """A folder under its name: it opens with an error, as on a disk that fails."""
    cache = DiskSegmentCache(tmp_path, BUDGET)
    key = SegmentKey(1, "abc", "480p", 0)
    (cache.path(key) / "full").mkdir(parents=True)
    with capture_logs() as logs:
        for _ in range(20):
            assert cache.open(key, SegmentFacts.of(DATA)) is None
            cache.put(key, DATA)
    assert sorted(entry["event"] for entry in logs) == [
        "cached segments cannot be read: they are cut again",
        "segments cannot be cached: they are cut each time",
    ]
    assert not list(cache.path(key).parent.glob(".tmp-*"))


FULL_DISK = """
import sys
from pathlib import Path
from structlog.testing import capture_logs
from videoflix.adapters.segment_cache import DiskSegmentCache
from videoflix.ports import SegmentKey

cache = DiskSegmentCache(Path(sys.argv[1]), 10**9)
for index, size in enumerate(map(int, sys.argv[2:])):
    key = SegmentKey(1, "abc", "480p", index)
    with capture_logs() as logs:
        cache.put(key, b"x" * size)
    names = sorted(path.name for path in cache.path(key).parent.iterdir())
    print(*names, *(entry["event"] for entry in logs), sep="; ")
"""


def test_on_a_full_disk_older_segments_make_room_for_one_that_fits(tmp_path: Path) -> None:
    if not can_mount():
        pytest.skip("mounts are not allowed")
    size = 512 * 1024
    sizes = (300_000, 300_000, 2 * size, 150_000, 450_000)
    folder = tmp_path / "cache"
    command = (*small_disk(folder, size), sys.executable, "-c", FULL_DISK, str(folder))
    done = subprocess.run(
        [*command, *map(str, sizes)], check=True, stdout=subprocess.PIPE, text=True
    )
    assert done.stdout.splitlines() == [
        "segment_000.ts",
        "segment_001.ts; the disk is full: cached segments make room for others",
        # Nothing is given up for what does not fit.
        "segment_001.ts; segments cannot be cached: they are cut each time",
        "segment_001.ts; segment_003.ts",
        "segment_004.ts",  # the warning is a rare one
    ]


def test_r53_two_processes_check_a_cached_segment_once_each(tmp_path: Path) -> None:
    """What one of them has just checked and sent, the other need not check anew, nor the first
    after that."""
    caches = [DiskSegmentCache(tmp_path, BUDGET) for _ in range(2)]
    key, facts = SegmentKey(1, "abc", "480p", 0), SegmentFacts.of(DATA)
    caches[0].put(key, DATA)
    for _ in range(3):
        for cache in caches:
            file = cache.open(key, facts)
            assert file is not None
            file.close()
    for cache in caches:
        file = cache.open_at_once(key, facts)
        assert file is not None
        file.close()


def test_folders_of_evicted_segments_leave_with_their_film(tmp_path: Path) -> None:
    cache = filled(tmp_path)
    for path in tmp_path.glob("1/*/*/*"):
        path.unlink()
    assert set(cache.generations()) == {1, 2}
    assert cache.purge(1, "abc") == Purged(0, 0)
    assert cache.generations() == {1: {"def"}, 2: {"abc", "def"}}
    assert cache.purge(1) == Purged(0, 0)
    assert set(cache.generations()) == {2}


def test_servers_with_different_muxers_do_not_share_segments(tmp_path: Path) -> None:
    """Their bytes differ: each would throw away what the other one has cached."""
    place = DiskSegmentCache(tmp_path, BUDGET).place(SegmentKey(1, "abc", "480p", 7))
    assert place == f"1/abc/480p.{muxer_slug()}/segment_007.ts"
    assert muxer_slug("another muxer/2") == "another-muxer-2"


def test_r53_what_is_opened_at_once_was_checked_and_has_not_changed(tmp_path: Path) -> None:
    cache = DiskSegmentCache(tmp_path, BUDGET)
    key, facts = SegmentKey(1, "abc", "480p", 0), SegmentFacts.of(DATA)
    assert cache.open_at_once(key, facts) is None
    cache.put(key, DATA)
    assert cache.open_at_once(key, facts) is None  # not checked yet
    for opened in (cache.open(key, facts), cache.open_at_once(key, facts)):
        assert opened is not None
        with opened:
            assert opened.read() == DATA
    assert DiskSegmentCache(tmp_path, BUDGET).open_at_once(key, facts) is None
    path = cache.path(key)
    recent = path.stat()
    path.write_bytes(b"y" * len(DATA))
    assert cache.open_at_once(key, facts) is None
    os.utime(path, ns=(recent.st_atime_ns, recent.st_mtime_ns))
    assert cache.open_at_once(key, facts) is None
    path.unlink()
    assert cache.open_at_once(key, facts) is None
