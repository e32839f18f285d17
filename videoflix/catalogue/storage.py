"""What the disk and the cache hold: counted off the event loop, once for all who ask."""

import asyncio
import time
from collections.abc import Callable
from dataclasses import dataclass

from videoflix.offload import Offload
from videoflix.ports import CacheStats, MediaUsage, UsageStore

FRESH_SECONDS = 5.0


@dataclass(frozen=True, slots=True)
class Figures:
    """``floor`` is the free space below which uploads are refused and encodes wait."""

    media: MediaUsage
    cache: CacheStats
    floor: int


class StorageFigures:
    def __init__(
        self,
        media: UsageStore,
        cache: Callable[[], CacheStats],
        floor: int,
        offload: Offload,
        fresh: float = FRESH_SECONDS,
    ) -> None:
        """``cache`` counts the cached segments; it blocks. Figures are counted again once they are
        ``fresh`` seconds old."""
        self._media = media
        self._cache = cache
        self._floor = floor
        self.offload = offload
        self._fresh = fresh
        self._counting = asyncio.Lock()
        self._known: tuple[float, Figures] | None = None

    async def now(self) -> Figures:
        """Raises OSError."""
        async with self._counting:
            if self._known is None or time.monotonic() - self._known[0] > self._fresh:
                self._known = time.monotonic(), await self.offload(self._count)
            return self._known[1]

    def _count(self) -> Figures:
        return Figures(self._media.usage(), self._cache(), self._floor)
