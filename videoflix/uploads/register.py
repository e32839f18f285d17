"""Entering a received film into the catalogue, in an order that a crash cannot spoil.

The file is moved to its place with a mark beside it, the record is written, the mark is taken
off. A crash in between leaves a marked film: ``settle`` later deletes it where there is no
record, and takes the mark off where there is one. A film without a mark is never deleted here,
not even when the database has forgotten it.
"""

from collections.abc import Awaitable, Callable, Collection
from pathlib import Path

import structlog

from videoflix.errors import Conflict, DatabaseUnavailable, QueueUnavailable
from videoflix.models import Video, VideoDetails
from videoflix.offload import Offload
from videoflix.ports import Doorbell, SourceStore, UploadFile, VideoStore

Claimed = Callable[[], Awaitable[Collection[int]]]

_log = structlog.get_logger(__name__)


class Register:
    def __init__(
        self, videos: VideoStore, media: SourceStore, doorbell: Doorbell, offload: Offload
    ) -> None:
        self._videos = videos
        self._media = media
        self._doorbell = doorbell
        self._offload = offload

    async def enter(
        self,
        upload: UploadFile,
        details: VideoDetails,
        *,
        thumbnail: Path | None,
        on_reserved: Callable[[int], Awaitable[None]] | None = None,
    ) -> Video:
        """Move the (synced) upload to its place, record it, ring. ``on_reserved`` is awaited with
        the id before the move. Raises DatabaseUnavailable."""
        size = upload.size
        video_id = await self._install(upload, on_reserved)
        if thumbnail is not None:
            await self._offload(self._media.install_thumbnail, thumbnail, video_id)
        return await self.finish(video_id, details, size, has_own_thumbnail=thumbnail is not None)

    async def finish(
        self, video_id: int, details: VideoDetails, size: int, *, has_own_thumbnail: bool = False
    ) -> Video:
        """Record a film that is in its place, and ring. May be repeated: there is one record.
        Raises DatabaseUnavailable."""
        video = await self._record(video_id, details, size, has_own_thumbnail=has_own_thumbnail)
        await self._offload(self._media.confirm_source, video_id)
        _log.info("film received", video=video_id, bytes=size)
        await self._ring(video_id)
        return video

    async def resume(self, video_id: int, details: VideoDetails, size: int) -> Video | None:
        """Go on where ``enter`` was cut off after the film was moved; None where the film has
        gone since. Raises DatabaseUnavailable."""
        video = await self._videos.find(video_id)
        if video is not None:
            await self._offload(self._media.confirm_source, video_id)
            return video
        if not await self._offload(self._media.source(video_id).exists):
            return None
        return await self.finish(video_id, details, size)

    async def settle(self, age: float, claimed: Claimed) -> int:
        """Decide about films that stay marked for ``age`` seconds; returns how many went.
        ``claimed`` names those that somebody may still come back for; it is asked last."""
        gone = 0
        marked = await self._offload(self._media.unconfirmed_sources, age)
        kept = await claimed() if marked else frozenset()
        for video_id in marked:
            if video_id in kept:
                continue
            if await self._videos.find(video_id) is None:
                await self._offload(self._media.discard_source, video_id)
                _log.warning("film without a record deleted", video=video_id)
                gone += 1
            else:
                await self._offload(self._media.confirm_source, video_id)
        return gone

    async def _install(
        self, upload: UploadFile, on_reserved: Callable[[int], Awaitable[None]] | None
    ) -> int:
        """Move to the next free place. One may be taken: by the leftover of a crash, or by films
        that are older than a database which starts anew. They are never overwritten."""
        while True:
            video_id = await self._videos.next_id()
            if on_reserved is not None:
                await on_reserved(video_id)
            try:
                await self._offload(self._media.install_source, upload, video_id)
            except FileExistsError:
                _log.warning("there is a film under the next id already", video=video_id)
            else:
                return video_id

    async def _record(
        self, video_id: int, details: VideoDetails, size: int, *, has_own_thumbnail: bool
    ) -> Video:
        try:
            return await self._videos.add(
                video_id, details, source_size=size, has_own_thumbnail=has_own_thumbnail
            )
        except (Conflict, DatabaseUnavailable):
            # It may have been written before, or just now and only the answer lost.
            video = await self._videos.find(video_id)
            if video is None:
                raise
            return video

    async def _ring(self, video_id: int) -> None:
        try:
            await self._doorbell.ring(video_id)
        except QueueUnavailable as error:
            _log.warning("doorbell not rung; the worker's poll finds it", reason=str(error))
