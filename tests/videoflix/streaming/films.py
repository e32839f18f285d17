"""What tests of streaming share: a published film, services on one cache, a viewer."""

from pathlib import Path

from videoflix.adapters.segment_cache import DiskSegmentCache
from videoflix.container import Container
from videoflix.models import Video
from videoflix.streaming.service import LENT_BYTES, StreamingService

FIRST = "segment_000.ts"
LARGE = 1_000_000_000


def cache_folder(container: Container) -> Path:
    return container.settings.storage.root / "cache"


def cached(container: Container) -> list[Path]:
    return sorted(cache_folder(container).glob("*/*/*/*"))


def service_on(
    container: Container,
    max_bytes: int = LARGE,
    *,
    prefetch: bool = False,
    threads: int = 2,
    lent: int = LENT_BYTES,
) -> StreamingService:
    """A service of its own, as another process on the same cache has it."""
    cache = DiskSegmentCache(cache_folder(container), max_bytes)
    return StreamingService(
        container.videos,
        container.media,
        cache,
        threads=threads,
        prefetch=max_bytes if prefetch else 0,
        lent=lent,
    )


async def fetch(
    service: StreamingService, video: Video, resolution: str = "480p", name: str = FIRST
) -> bytes:
    segment = await service.segment(video.id, resolution, name)
    async with segment.open() as file:
        data = file.read()
    assert len(data) == segment.size
    await service.landed(segment.key)  # tests look into the cache then
    return data
