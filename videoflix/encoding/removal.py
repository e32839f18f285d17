"""Deleting films, also while they are encoded or watched, so that nothing stays behind.

The record goes first, and leaves a note: from then on nobody finds the film, its worker's next
renewal says that the lease is lost, and whatever happens to this process, the note says what is
still to be deleted. Then the files go, at once as far as they are there. Who was at work on the
film deletes what it has made since when it ends; sweeps delete what is left of those who could
not.
"""

import structlog

from videoflix.errors import NotFound, ServiceUnavailable
from videoflix.offload import Offload
from videoflix.ports import (
    ChunkStore,
    PartStore,
    PositionStore,
    RemovalStore,
    SegmentPurge,
    TitleStore,
)

# Notes outlive every process that believes an old record, and whoever may resume events.
NOTE_SECONDS = 2 * 3600.0

_log = structlog.get_logger(__name__)


class Removal:
    def __init__(
        self,
        records: RemovalStore,
        *,
        chunks: ChunkStore,
        positions: PositionStore,
        media: TitleStore,
        parts: PartStore,
        cache: SegmentPurge,
        offload: Offload,
    ) -> None:
        self._records = records
        self._chunks = chunks
        self._positions = positions
        self._media = media
        self._parts = parts
        self._cache = cache
        self._offload = offload

    async def delete(self, video_id: int) -> None:
        """Once this returns the film is gone, or will be whatever happens. Raises NotFound and
        DatabaseUnavailable."""
        if not await self._records.delete(video_id):
            raise NotFound("There is no such video.")
        _log.info("film deleted", video=video_id)
        try:
            await self._clear(video_id)
        except (ServiceUnavailable, OSError) as error:
            _log.warning("deleted film not cleared yet", video=video_id, reason=str(error))

    async def finish(self, video_id: int) -> None:
        """Where the film was deleted: delete what there is again. Raises DatabaseUnavailable,
        OSError."""
        if await self._records.is_deleted(video_id):
            await self._clear(video_id)

    async def sweep(self, note_seconds: float = NOTE_SECONDS) -> int:
        """Delete what came late of films that were deleted, and let go of old notes; returns how
        many of those. Raises DatabaseUnavailable, OSError."""
        for video_id in await self._records.deleted():
            await self._clear(video_id)
        return await self._records.forget(note_seconds)

    async def _clear(self, video_id: int) -> None:
        await self._offload(self._media.delete_film, video_id)
        await self._offload(self._parts.discard, video_id)
        await self._offload(self._cache.purge, video_id)
        await self._chunks.drop(video_id, keep_finished=False)
        await self._positions.drop_video(video_id)
