"""The cache of segments by itself: purged, counted, and on disks that do not work."""

import threading
from pathlib import Path

import pytest

from media_pipeline.title import SegmentFacts
from videoflix.adapters.segment_cache import DiskSegmentCache
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
