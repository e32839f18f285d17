"""Keeping a lease while the work under it goes on."""

import asyncio
from collections.abc import Awaitable, Callable

import structlog

from videoflix.encoding.progress import ProgressTracker
from videoflix.errors import ServiceUnavailable
from videoflix.models import EncodeProgress

Renew = Callable[[EncodeProgress], Awaitable[object]]

LONGEST_PAUSE = 2.0  # progress is written with each renewal, and people watch it

_log = structlog.get_logger(__name__)


class LeaseKeeper:
    """Calls ``renew`` with the progress at least three times in the ``seconds`` that each renewal
    of a lease on a ``video``, or on a part of it, gives."""

    def __init__(self, renew: Renew, seconds: float, video: int) -> None:
        self._renew = renew
        self._seconds = seconds
        self._video = video
        self._tracker = ProgressTracker()

    def note(self, progress: EncodeProgress) -> None:
        """Progress to record with the next renewal."""
        self._tracker.note(progress)

    async def renew_now(self) -> None:
        """Raises LeaseLost and ServiceUnavailable."""
        await self._renew(self._tracker.current())

    async def keep(self) -> None:
        """Runs until it is cancelled. Raises LeaseLost.

        A database that is away does not end the work: nobody else can claim the job meanwhile,
        and if somebody has when it is back, the renewal says so.
        """
        while True:
            await asyncio.sleep(min(self._seconds / 3, LONGEST_PAUSE))
            try:
                await self.renew_now()
            except ServiceUnavailable as error:
                _log.warning("lease not renewed", video=self._video, reason=str(error))
