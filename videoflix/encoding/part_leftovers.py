"""Parts of films that are not encoded any more: deleted when a job ends, and by sweeps."""

import structlog

from videoflix.models import ProcessingStatus
from videoflix.offload import Offload
from videoflix.ports import ChunkStore, PartStore, VideoStore

_UNFINISHED = (ProcessingStatus.PENDING, ProcessingStatus.PROCESSING)

_log = structlog.get_logger(__name__)


class PartLeftovers:
    def __init__(
        self, videos: VideoStore, chunks: ChunkStore, parts: PartStore, offload: Offload
    ) -> None:
        self._videos = videos
        self._chunks = chunks
        self._parts = parts
        self._offload = offload

    async def clear(self, video_id: int) -> bool:
        """Delete a film's parts unless it waits or is being encoded; whether it did. Records of
        who made which part stay when the film is ready. Raises DatabaseUnavailable, OSError."""
        video = await self._videos.find(video_id)
        if video is not None and video.status in _UNFINISHED:
            return False
        is_ready = video is not None and video.status is ProcessingStatus.READY
        await self._chunks.drop(video_id, keep_finished=is_ready)
        await self._offload(self._parts.discard, video_id)
        return True

    async def sweep(self) -> int:
        """Clear every film of which there are parts; returns how many were."""
        cleared = 0
        for video_id in sorted(await self._offload(self._parts.films)):
            if await self.clear(video_id):
                _log.info("parts deleted", video=video_id)
                cleared += 1
        return cleared
