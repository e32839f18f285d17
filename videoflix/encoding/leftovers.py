"""Folders, files and cached segments that nobody needs any more, deleted by any worker at any time.

Right by the order of two looks: first at the disk, then at the record. A generation's name is
given once, to one attempt; so a name that was on the disk and is not in the record afterwards is
neither published nor being made, and never will be. Whoever still works under it has lost its
lease.
"""

import structlog

from videoflix.offload import Offload
from videoflix.ports import LeftoverStore, SegmentPurge, TitleStore

# For this long a replaced generation can be played on: server processes believe a record for
# seconds, and players hold its playlists and have segments of it under way.
REPLACED_SECONDS = 60.0

_log = structlog.get_logger(__name__)


class Leftovers:
    def __init__(
        self, records: LeftoverStore, media: TitleStore, cache: SegmentPurge, offload: Offload
    ) -> None:
        self._records = records
        self._media = media
        self._cache = cache
        self._offload = offload

    async def clear(self, video_id: int) -> int:
        """Delete what dead attempts at a video left behind; returns how many. Replaced
        generations are left to ``sweep``. Raises DatabaseUnavailable."""
        found = await self._offload(self._media.generations, video_id)
        if not found:
            return 0
        dead = set(found) - set(await self._records.generations_of(video_id))
        for generation in sorted(dead):
            await self._discard(video_id, generation)
        return len(dead)

    async def sweep(self, replaced_seconds: float = REPLACED_SECONDS) -> int:
        """Delete generations that were replaced long enough ago, what killed workers have left of
        films that failed or were cancelled since, and sources that were given up; returns how
        many. Raises DatabaseUnavailable, OSError."""
        replaced = await self._records.replaced(replaced_seconds)
        for video_id, generation in replaced:
            await self._discard(video_id, generation)
            await self._records.forget_replaced(video_id, generation)
            _log.info("replaced generation deleted", video=video_id, generation=generation)
        # No next attempt clears these up. Films without a record are left alone: the database
        # may be the one that is wrong.
        dead = 0
        for video_id in await self._records.failed():
            dead += await self.clear(video_id)
        return len(replaced) + dead + await self.delete_sources()

    async def delete_sources(self) -> int:
        """Delete the sources that were given up when their films were published; returns how
        many. Raises DatabaseUnavailable, OSError."""
        given_up = await self._records.given_up_sources()
        for video_id in given_up:
            await self._offload(self._media.delete_source, video_id)
            await self._records.forget_source(video_id)
            _log.info("source deleted", video=video_id)
        return len(given_up)

    async def _discard(self, video_id: int, generation: str) -> None:
        await self._offload(self._media.close_workspace, video_id, generation)
        await self._offload(self._media.discard_title, video_id, generation)
        await self._offload(self._cache.purge, video_id, generation)
