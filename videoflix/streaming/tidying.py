"""Segments of encodes that are no more leave the cache of every machine.

Whoever deletes a film, or an encode of it, deletes its segments in his own cache; others find out
here. First the cache is looked at, then the record: a generation that was in the cache and is not
in the record afterwards never will be.
"""

import asyncio
from typing import Never

import structlog

from videoflix.errors import VideoflixError
from videoflix.offload import Offload
from videoflix.ports import LeftoverStore, SegmentPurge

TIDY_SECONDS = 600.0

_log = structlog.get_logger(__name__)


class CacheTidying:
    def __init__(self, records: LeftoverStore, cache: SegmentPurge, offload: Offload) -> None:
        self._records = records
        self._cache = cache
        self._offload = offload

    async def tidy(self) -> int:
        """Returns how many segments went. Raises DatabaseUnavailable."""
        gone = 0
        for video_id, cached in (await self._offload(self._cache.generations)).items():
            needed = await self._records.generations_of(video_id)
            for generation in sorted(set(cached) - set(needed)):
                purged = await self._offload(self._cache.purge, video_id, generation)
                gone += purged.files
        if gone:
            _log.info("cached segments of former encodes deleted", segments=gone)
        return gone

    async def regularly(self, seconds: float = TIDY_SECONDS) -> Never:
        """Tidy each time so many seconds have passed."""
        while True:
            await asyncio.sleep(seconds)
            try:
                await self.tidy()
            except VideoflixError as error:
                _log.warning("cache not tidied", reason=str(error))
            except Exception:
                _log.exception("cache not tidied")
