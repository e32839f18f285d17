"""What is not counted as it happens but looked at when somebody asks: is the server ready, how
long are the queues, how late is the event loop."""

import asyncio
import math
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

import structlog

from videoflix.errors import DatabaseUnavailable
from videoflix.metrics.measures import PrometheusMeasures
from videoflix.offload import Offload
from videoflix.ports import MediaStore
from videoflix.ports.measures import Backlog, BacklogStore
from videoflix.readiness import Readiness
from videoflix.tasks import running_beside

LAG_EVERY = 0.25  # seconds
_UNKNOWN = Backlog(films={}, oldest_job=math.nan, mails=math.nan, oldest_mail=math.nan)

_log = structlog.get_logger(__name__)


class Figures:
    """The figures of one process, as text. What cannot be looked at now is left out, or no number
    (NaN), for which no alert fires: ``videoflix_ready`` says what is away."""

    def __init__(
        self,
        measures: PrometheusMeasures,
        *,
        readiness: Readiness,
        backlog: BacklogStore,
        media: MediaStore,
        free_floor: int,
        offload: Offload,
    ) -> None:
        self._measures = measures
        self._readiness = readiness
        self._backlog = backlog
        self._media = media
        self._free_floor = free_floor
        self._offload = offload

    async def text(self) -> bytes:
        """All figures in Prometheus' text format; takes a few seconds at most."""
        await asyncio.gather(self._sample_readiness(), self._sample_backlog())
        # In a thread: requests get their turn in between.
        return await asyncio.to_thread(self._measures.text)

    @asynccontextmanager
    async def watching_the_loop(self) -> AsyncIterator[None]:
        async with running_beside(watch_loop(self._measures.lag), "loop lag"):
            yield

    async def _sample_readiness(self) -> None:
        troubles = await self._readiness.troubles()
        for part, trouble in troubles.items():
            self._measures.ready.labels(part).set(0 if trouble else 1)
        self._measures.disk_floor.set(self._free_floor)
        try:
            free: float = await self._offload(self._media.free_bytes)
        except OSError:
            free = math.nan
        self._measures.disk_free.set(free)

    async def _sample_backlog(self) -> None:
        try:
            found = await self._backlog.now()
        except DatabaseUnavailable as error:
            _log.debug("queues not counted", reason=str(error))
            found = _UNKNOWN
        measures = self._measures
        measures.films.clear()
        for status, count in found.films.items():
            measures.films.labels(status).set(count)
        measures.oldest_due.set(found.oldest_job)
        measures.mails_waiting.set(found.mails)
        measures.oldest_mail.set(found.oldest_mail)


async def watch_loop(tell: Callable[[float], None], every: float = LAG_EVERY) -> None:
    """Tell again and again by how many seconds the event loop woke up late. Never returns."""
    loop = asyncio.get_running_loop()
    while True:
        due = loop.time() + every
        await asyncio.sleep(every)
        tell(max(0.0, loop.time() - due))
