"""What the disk and the cache hold, and what a film's record says of it."""

import shutil
from pathlib import Path

import httpx

from tests.clips.fixtures import ClipCache
from tests.handlers.films import SECONDS, add_pending, encoded_title, publish
from tests.handlers.site import Server
from videoflix.adapters.disk import bytes_below
from videoflix.catalogue.storage import StorageFigures
from videoflix.container import Container
from videoflix.offload import Offload
from videoflix.ports import CacheStats, MediaUsage


def size_of(folder: Path) -> int:
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())


async def test_disk_and_cache(
    server: Server, admin: httpx.AsyncClient, clip_cache: ClipCache
) -> None:
    settings = server.container.settings
    video = await publish(server.container, encoded_title(clip_cache))
    source = server.container.media.source(video.id)
    source.parent.mkdir()
    source.write_bytes(b"film")
    with server.container.media.open_upload().path.open("ab") as upload:
        upload.write(b"half")
    segment = (await admin.get(f"video/{video.id}/480p/segment_000.ts")).content
    await server.container.streaming.prefetched()
    answer = (await admin.get("admin/storage/")).json()
    disk = shutil.disk_usage(settings.storage.root)
    assert answer["disk"]["total"] == disk.total
    assert 0 < answer["disk"]["free"] < disk.total
    assert answer["disk"]["floor"] == settings.storage.free_floor
    titles = size_of(settings.storage.root / "titles")
    assert (answer["sources"], answer["titles"], answer["uploads"]) == (4, titles, 4)
    cache = server.container.cache.stats()
    assert answer["cache"] == {
        "bytes": cache.bytes,
        "budget": settings.cache.max_bytes,
        "segments": cache.files,
    }
    assert cache.bytes >= len(segment)
    # Counted once for all who ask within some seconds.
    source.write_bytes(b"another film")
    assert (await admin.get("admin/storage")).json() == answer


class Counted:
    """Counts how often it is asked."""

    def __init__(self) -> None:
        self.times = 0

    def usage(self) -> MediaUsage:
        self.times += 1
        return MediaUsage(10, 5, 1, 1, self.times)


def empty() -> CacheStats:
    return CacheStats(max_bytes=1, bytes=0, files=0, titles={})


async def test_figures_are_counted_again_when_they_are_old(container: Container) -> None:
    counted, offload = Counted(), container.storage.offload
    never = StorageFigures(counted, empty, 0, offload, fresh=0.0)
    assert [(await never.now()).media.uploads for _ in range(3)] == [1, 2, 3]
    kept = StorageFigures(counted, empty, 0, offload, fresh=3600.0)
    assert [(await kept.now()).media.uploads for _ in range(3)] == [4, 4, 4]
    assert isinstance(offload, Offload)


def test_what_goes_away_meanwhile_is_not_counted(tmp_path: Path) -> None:
    (tmp_path / "a" / "b").mkdir(parents=True)
    (tmp_path / "a" / "b" / "file").write_bytes(b"1234")
    (tmp_path / "file").write_bytes(b"12")
    (tmp_path / "link").symlink_to(tmp_path / "a")
    assert bytes_below(tmp_path) == 6 + (tmp_path / "link").lstat().st_size
    assert bytes_below(tmp_path / "nothing") == 0


async def test_a_record_says_what_is_published(
    server: Server, admin: httpx.AsyncClient, clip_cache: ClipCache
) -> None:
    encoded = encoded_title(clip_cache)
    video = await publish(server.container, encoded)
    record = (await admin.get(f"admin/videos/{video.id}/")).json()
    assert record["duration"] == SECONDS
    assert record["renditions"] == ["480p", "720p", "1080p"]
    assert record["size"] == size_of(encoded)
    assert record["can_retry"] is False
    waiting = (await add_pending(server.container)).id
    record = (await admin.get(f"admin/videos/{waiting}/")).json()
    assert [record[name] for name in ("duration", "renditions", "size")] == [None, [], None]
    await admin.post(f"admin/videos/{waiting}/cancel/", json={})
    assert (await admin.get(f"admin/videos/{waiting}/")).json()["can_retry"] is True
