"""The segment after the one that a viewer has just got: cut ahead of him while nobody waits.

One at a time, on a thread of its own, and only when no cut that somebody waits for is under way
in this process. Whoever asks for it meanwhile joins the flight that makes it. What has been cut
ahead and not been asked for yet is a small share of the cache, so that viewers who leave or seek
cannot push out what others watch.
"""

import asyncio
import time
from collections import OrderedDict
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from dataclasses import replace

import structlog

from media_pipeline.errors import DamagedTitle
from media_pipeline.titles.title import SegmentFacts, Title
from videoflix.offload import Offload
from videoflix.ports import SegmentCache, SegmentKey
from videoflix.streaming.flights import Flight

_WAITING = 64  # segments that wait to be cut ahead; the oldest make room for new ones
_MEMORY_SECONDS = 60.0  # for which a segment is not cut ahead again
_UNUSED_SHARE = 8  # at most this part of the budget was cut ahead and not asked for

_log = structlog.get_logger(__name__)

# Begins to cut a segment on the given thread, and adds it to the flights that others join; None
# where there is one already.
StartFlight = Callable[[SegmentKey, Title, SegmentFacts, Offload], Flight | None]


class Prefetch:
    """``max_bytes`` is the budget of ``cache``. ``aclose`` it before the loop ends."""

    def __init__(self, cache: SegmentCache, max_bytes: int, start: StartFlight) -> None:
        self._cache = cache
        self._most = max_bytes // _UNUSED_SHARE
        self._start = start
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="ahead")
        self._offload = Offload(self._thread)
        self._waiting: OrderedDict[SegmentKey, Title] = OrderedDict()
        # When each was noted, and its bytes while it was cut ahead and not asked for.
        self._noted: OrderedDict[SegmentKey, tuple[float, int]] = OrderedDict()
        self._unused = 0
        self._cuts = 0
        self._nobody_waits = asyncio.Event()
        self._nobody_waits.set()
        self._task: asyncio.Task[None] | None = None
        self._is_closed = False

    async def aclose(self) -> None:
        """Begin nothing more; what is being cut at this moment is finished and kept."""
        self._is_closed = True
        self._waiting.clear()
        if self._task is not None:
            self._task.cancel()
            with suppress(asyncio.CancelledError):
                await self._task
        await asyncio.to_thread(self._thread.shutdown, wait=True, cancel_futures=True)

    async def settled(self) -> None:
        """Wait until all that was noted is cut, or was found not to be needed."""
        while self._task is not None and not self._task.done():
            await asyncio.wait([self._task])

    @contextmanager
    def somebody_waits(self) -> Iterator[None]:
        """Around each cut that somebody waits for."""
        self._cuts += 1
        self._nobody_waits.clear()
        try:
            yield
        finally:
            self._cuts -= 1
            if not self._cuts:
                self._nobody_waits.set()

    def note(self, key: SegmentKey, title: Title) -> None:
        """A viewer has got this segment: he will want the next one. Does not wait."""
        if self._is_closed:
            return
        self._use(key)
        following = replace(key, index=key.index + 1)
        now = time.monotonic()
        self._forget_before(now - _MEMORY_SECONDS)
        if following.index >= title.grid.segment_count or following in self._noted:
            return
        self._noted[following] = (now, 0)
        self._waiting[following] = title
        if len(self._waiting) > _WAITING:
            self._waiting.popitem(last=False)
        if self._task is None or self._task.done():
            self._task = asyncio.create_task(self._run())

    async def _run(self) -> None:
        while self._waiting:
            await self._nobody_waits.wait()
            key, title = self._waiting.popitem(last=False)
            try:
                await self._cut(key, title)
            except (DamagedTitle, OSError) as error:  # who asks for it will hear of it
                _log.info("segment not cut ahead", segment=str(key), reason=str(error))

    async def _cut(self, key: SegmentKey, title: Title) -> None:
        facts = await self._offload(self._missing, key, title)
        if facts is None or self._unused + facts.size > self._most:
            return
        await self._nobody_waits.wait()
        flight = self._start(key, title, facts, self._offload)
        if flight is None:
            return
        if noted := self._noted.get(key):
            self._noted[key] = (noted[0], facts.size)
            self._unused += facts.size
        await flight.landed()  # a viewer may have joined it: it outlives this task
        await flight.block()

    def _missing(self, key: SegmentKey, title: Title) -> SegmentFacts | None:
        """What the segment must be, if it is to be cut. In a thread."""
        facts = title.ts_facts(key.rendition, key.index)
        if self._cache.holds(key, facts) or not self._cache.has_room(facts.size):
            return None
        return facts

    def _use(self, key: SegmentKey) -> None:
        self._waiting.pop(key, None)
        if noted := self._noted.get(key):
            self._unused -= noted[1]
            self._noted[key] = (noted[0], 0)

    def _forget_before(self, moment: float) -> None:
        while self._noted:
            key = next(iter(self._noted))
            noted_at, size = self._noted[key]
            if noted_at > moment:
                return
            self._unused -= size
            del self._noted[key]
