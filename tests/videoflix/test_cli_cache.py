"""``cache``, as an operator types it."""

import json
from pathlib import Path

import pytest

from tests.commands import run
from videoflix.adapters.segment_cache import DiskSegmentCache
from videoflix.cli.cache import as_json, as_text, size
from videoflix.ports import CacheShare, CacheStats, SegmentKey
from videoflix.settings import Settings


@pytest.fixture
def environment(settings: Settings) -> dict[str, str]:
    """Of a command on the same services and database as ``settings``."""
    return {
        "VIDEOFLIX_MONGO__URI": settings.mongo.uri.get_secret_value(),
        "VIDEOFLIX_MONGO__DATABASE": settings.mongo.database,
        "VIDEOFLIX_REDIS__URL": settings.redis.url.get_secret_value(),
        "VIDEOFLIX_AUTH__SECRET_KEY": settings.auth.secret_key.get_secret_value(),
        "VIDEOFLIX_CACHE__MAX_BYTES": str(40 * 1024),
    }


def test_stats_and_purge(environment: dict[str, str], tmp_path: Path) -> None:
    root = tmp_path / "root"
    cache = DiskSegmentCache(root / "cache", 40 * 1024)
    for key in (
        SegmentKey(2, "abc", "480p", 0),
        SegmentKey(2, "abc", "720p", 1),
        SegmentKey(2, "def", "480p", 0),
        SegmentKey(3, "abc", "480p", 0),
    ):
        cache.put(key, b"x" * 1024)
    shown = run("cache", "stats", root=root, extra=environment)
    assert shown.stdout.splitlines() == [
        "budget    40.0 KiB",
        "used      4.0 KiB (10 %)",
        "segments  4",
        "  video 2: 3 segments, 3.0 KiB",
        "  video 3: 1 segments, 1.0 KiB",
    ]

    def purge(*arguments: str) -> tuple[int, str]:
        done = run("cache", "purge", *arguments, root=root, extra=environment)
        return done.returncode, done.stdout + done.stderr

    assert purge("--title", "2", "--generation", "abc") == (0, "Deleted 2 segments (2.0 KiB).\n")
    assert [path.name for path in (root / "cache" / "2").iterdir()] == ["def"]
    assert purge("--title", "99") == (1, "videoflix: there is no video 99\n")
    assert cache.stats().files == 2


def test_json() -> None:
    found = CacheStats(max_bytes=5, bytes=3, files=2, titles={7: CacheShare(2, 3)})
    assert json.loads(as_json(found)) == {
        "max_bytes": 5,
        "bytes": 3,
        "files": 2,
        "titles": [{"id": 7, "files": 2, "bytes": 3}],
    }
    assert as_text(CacheStats(0, 0, 0, {})).splitlines()[1] == "used      0 B"


@pytest.mark.parametrize(
    ("count", "said"),
    [
        (0, "0 B"),
        (1023, "1023 B"),
        (1024, "1.0 KiB"),
        (10 << 30, "10.0 GiB"),
        (3 << 50, "3072.0 TiB"),
    ],
)
def test_sizes(count: int, said: str) -> None:
    assert size(count) == said
