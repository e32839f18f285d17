"""What admins do with jobs: cancel them, have failed ones tried again, and films encoded anew."""

from collections.abc import Sequence
from dataclasses import dataclass

import structlog

from videoflix.errors import Conflict, NotFound, QueueUnavailable
from videoflix.models import ProcessingStatus, Video, VideoQuery
from videoflix.offload import Offload
from videoflix.ports import Doorbell, MediaStore, VideoLists, VideoStore

CANCELLED = "Cancelled by an admin."
BULK_MAX = 200  # a request that takes a few seconds at most
_RINGS = 16  # each wakes one worker, and a worker that ends a job looks for the next by itself

_UNKNOWN = "There is no such video."
_NOT_FAILED = "Only a video that has failed can be tried again."
_UNDER_WAY = "The video waits to be encoded, or is being encoded, already."
_NO_SOURCE = "The film as it was uploaded is no longer kept; upload it again."

_ENDED = (ProcessingStatus.READY, ProcessingStatus.FAILED)

_log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Refusal:
    """Why one of many videos could not be tried again."""

    video_id: int
    reason: str


@dataclass(frozen=True, slots=True)
class Retried:
    """What came of a bulk retry; ``remaining`` failed videos were not looked at."""

    video_ids: tuple[int, ...]
    refused: tuple[Refusal, ...]
    remaining: int


class JobControl:
    """Takes effect by the record alone; the doorbell only saves seconds."""

    def __init__(
        self,
        videos: VideoStore,
        lists: VideoLists,
        media: MediaStore,
        doorbell: Doorbell,
        offload: Offload,
    ) -> None:
        self._videos = videos
        self._lists = lists
        self._media = media
        self._doorbell = doorbell
        self._offload = offload

    async def cancel(self, video_id: int) -> Video:
        """Take a job away from whoever has it: its worker hears of it with the next renewal and
        kills the encoder. It is not tried again by itself.

        The video is ``failed``; one that can be played, because an earlier encode of it is
        published, is ``ready`` with that. Raises NotFound, Conflict.
        """
        video = await self._videos.cancel(video_id, CANCELLED)
        if video is None:
            if await self._videos.find(video_id) is None:
                raise NotFound(_UNKNOWN)
            raise Conflict("Only a video that waits or is being encoded can be cancelled.")
        _log.info("encoding cancelled", video=video_id)
        return video

    async def retry(self, video_id: int) -> Video:
        """Give a failed video all its attempts again. Raises NotFound, Conflict."""
        video = await self._retry(video_id)
        await self._ring([video_id])
        return video

    async def encode_again(self, video_id: int) -> Video:
        """Have a video that is ready, or has failed, encoded anew, with all its attempts. What is
        published plays on until the new encode takes its place. Raises NotFound, Conflict."""
        await self._check_source(video_id, _UNDER_WAY, _ENDED)
        video = await self._videos.encode_again(video_id)
        if video is None:
            raise Conflict(_UNDER_WAY)
        await self._ring([video_id])
        return video

    async def retry_many(self, video_ids: Sequence[int] | None = None) -> Retried:
        """The same for many, or for all that have failed, ``BULK_MAX`` of them at a time."""
        failed = VideoQuery(status=ProcessingStatus.FAILED)
        found = (
            await self._lists.ids(failed, limit=BULK_MAX)
            if video_ids is None
            else list(dict.fromkeys(video_ids))
        )
        retried, refused = [], []
        for video_id in found:
            try:
                await self._retry(video_id)
            except (NotFound, Conflict) as error:
                refused.append(Refusal(video_id, str(error)))
            else:
                retried.append(video_id)
        await self._ring(retried)
        remaining = 0
        if video_ids is None:
            still_failed = (await self._lists.page(failed, skip=0, limit=1)).count
            remaining = max(0, still_failed - len(refused))
        return Retried(tuple(retried), tuple(refused), remaining)

    async def _retry(self, video_id: int) -> Video:
        await self._check_source(video_id, _NOT_FAILED, (ProcessingStatus.FAILED,))
        video = await self._videos.retry(video_id)
        if video is None:
            raise Conflict(_NOT_FAILED)
        return video

    async def _check_source(
        self, video_id: int, otherwise: str, statuses: Sequence[ProcessingStatus]
    ) -> None:
        """Raises NotFound, Conflict for another status or a source that is not kept."""
        found = await self._videos.find(video_id)
        if found is None:
            raise NotFound(_UNKNOWN)
        if found.status not in statuses:
            raise Conflict(otherwise)
        if not (found.has_source and await self._offload(self._media.source(video_id).exists)):
            raise Conflict(_NO_SOURCE)

    async def _ring(self, video_ids: Sequence[int]) -> None:
        try:
            for video_id in video_ids[:_RINGS]:
                await self._doorbell.ring(video_id)
        except QueueUnavailable as error:
            _log.warning("doorbell not rung; the worker's poll finds it", reason=str(error))
