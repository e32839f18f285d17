"""Keeping a lease while the work under it goes on."""

import asyncio

import structlog

from videoflix.encoding.progress import ProgressTracker
from videoflix.errors import ServiceUnavailable
from videoflix.models import EncodeProgress, Lease
from videoflix.ports import VideoStore

LONGEST_PAUSE = 2.0  # progress is written with each renewal, and people watch it

_log = structlog.get_logger(__name__)


class LeaseKeeper:
    """Renews ``lease`` for ``seconds`` each time, at least three times in that span."""

    def __init__(self, videos: VideoStore, lease: Lease, seconds: float) -> None:
        self._videos = videos
        self._lease = lease
        self._seconds = seconds
        self._tracker = ProgressTracker()

    def note(self, progress: EncodeProgress) -> None:
        """Progress to record with the next renewal."""
        self._tracker.note(progress)

    async def keep(self) -> None:
        """Runs until it is cancelled. Raises LeaseLost.

        A database that is away does not end the work: nobody else can claim the job meanwhile,
        and if somebody has when it is back, the renewal says so.
        """
        while True:
            await asyncio.sleep(min(self._seconds / 3, LONGEST_PAUSE))
            try:
                await self._videos.renew(self._lease, self._seconds, self._tracker.current())
            except ServiceUnavailable as error:
                _log.warning("lease not renewed", video=self._lease.video_id, reason=str(error))
