"""One attempt at a job: in a temporary folder, under the lease, published in one step.

A title becomes visible by one fenced write of its record. Before it the finished folder has its
final name but nobody refers to it; whatever ends the attempt there leaves a folder that the next
attempt at the same video deletes. The generation that this one replaces is deleted later
(``leftovers``).
"""

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import TypeVar

import structlog

from videoflix.encoding.chunk_work import OUTPUT
from videoflix.encoding.facts import title_facts
from videoflix.encoding.film import FilmEncode
from videoflix.encoding.lease import LeaseKeeper
from videoflix.encoding.leftovers import Leftovers
from videoflix.encoding.supervision import insist, under_lease
from videoflix.errors import InsufficientStorage, LeaseLost, ServiceUnavailable
from videoflix.models import EncodeProgress, Lease, Video
from videoflix.offload import Offload
from videoflix.ports import TitleStore, VideoStore

THUMBNAIL = "thumbnail.jpg"

T = TypeVar("T")

_log = structlog.get_logger(__name__)


class Attempt:
    """``make`` it once; then, where that raised, say what becomes of the job."""

    def __init__(
        self,
        videos: VideoStore,
        media: TitleStore,
        film: FilmEncode,
        leftovers: Leftovers,
        *,
        offload: Offload,
        lease: Lease,
        seconds: float,
        keep_source: bool,
        stop: asyncio.Event,
    ) -> None:
        self._videos = videos
        self._media = media
        self._film = film
        self._leftovers = leftovers
        self._offload = offload
        self._lease = lease
        self._seconds = seconds
        self._keep_source = keep_source
        self._stop = stop
        self._video_id = lease.video_id
        self._generation = lease.token  # unique to this attempt, whoever else may be at it

    async def make(self) -> None:
        """Encode and publish.

        Raises Stopped, LeaseLost, EncodeFailed, InsufficientStorage and OSError; nothing of this
        attempt is left on the disk then. DatabaseUnavailable is raised only during a stop.
        """
        await self._video()
        await self._insist(lambda: self._leftovers.clear(self._video_id))
        try:
            workspace = await self._offload(
                self._media.open_workspace, self._video_id, self._generation
            )
            keeper = await self._encode(workspace)
            await self._install(workspace / OUTPUT, keeper)
        finally:
            await asyncio.shield(
                self._offload(self._media.close_workspace, self._video_id, self._generation)
            )
        _log.info("video ready", video=self._video_id, generation=self._generation)
        if not self._keep_source:
            await self._delete_source()

    async def fail(self, reason: str) -> None:
        await self._insist(lambda: self._videos.fail(self._lease, reason))

    async def give_back(self, reason: str, *, pause: float, spent: bool) -> None:
        await self._insist(
            lambda: self._videos.give_back(self._lease, reason, pause=pause, spent=spent)
        )

    async def _video(self) -> Video:
        video = await self._insist(lambda: self._videos.find(self._video_id))
        if video is None:
            raise LeaseLost("The video was deleted.")
        return video

    async def _encode(self, workspace: Path) -> LeaseKeeper:
        """Encode for as long as the lease holds and nobody wants to stop."""

        async def renew(progress: EncodeProgress) -> None:
            await self._videos.renew(self._lease, self._seconds, progress)

        keeper = LeaseKeeper(renew, self._seconds, self._video_id)
        await under_lease(self._film.encode(workspace, keeper.note), keeper, self._stop)
        return keeper

    async def _install(self, output: Path, keeper: LeaseKeeper) -> None:
        try:
            await self._offload(self._media.install_title, output, self._video_id, self._generation)
            # Before the record says ready: nobody looks for leftovers of a ready video.
            await self._offload(self._media.close_workspace, self._video_id, self._generation)
            await self._install_thumbnail()
            await self._insist(keeper.renew_now)  # what the encoder said last
            facts = await self._offload(
                title_facts, self._media.title(self._video_id, self._generation)
            )
            await self._insist(
                lambda: self._videos.publish(
                    self._lease, self._generation, facts=facts, keep_source=self._keep_source
                )
            )
        except (LeaseLost, InsufficientStorage, OSError):
            # Only what certainly is not published: a database that does not answer may have
            # published this generation all the same.
            await self._offload(self._media.discard_title, self._video_id, self._generation)
            raise
        # Once more: an admin may have taken his own picture back since the last look.
        await self._install_thumbnail()

    async def _install_thumbnail(self) -> None:
        if not (await self._video()).has_own_thumbnail:
            picture = self._media.title(self._video_id, self._generation) / THUMBNAIL
            await self._offload(self._media.install_thumbnail, picture, self._video_id)

    async def _delete_source(self) -> None:
        """Only what the record has given up, and published a title of; a sweep does it later
        where it cannot be done now."""
        try:
            await self._leftovers.delete_sources()
        except (ServiceUnavailable, OSError) as error:
            _log.warning("source not deleted yet", video=self._video_id, reason=str(error))

    async def _insist(self, call: Callable[[], Awaitable[T]]) -> T:
        return await insist(call, self._stop, video=self._video_id)
