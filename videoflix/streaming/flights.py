"""Segments that are being cut: one flight for all who wait for the same one.

Who waits is answered once the segment is cut; the flight lands when it is in the cache, too.
Until then others join it.
"""

import asyncio
from collections import Counter
from collections.abc import Callable, Coroutine, Iterator
from contextlib import contextmanager
from typing import Any

from videoflix.ports import SegmentKey
from videoflix.streaming.shared import Block


class Flight:
    """One cut. Its block is None where the segment was found in the cache."""

    def __init__(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._block: asyncio.Future[Block | None] = self._loop.create_future()
        self._landing: asyncio.Task[None] | None = None

    def begin(self, work: Coroutine[Any, Any, None], landed: Callable[[], None]) -> None:
        """``work`` ends after it has told of the block, or raises; then ``landed`` is called."""
        self._landing = asyncio.create_task(work)
        self._landing.add_done_callback(self._ended)
        self._landing.add_done_callback(lambda _: landed())

    def tell(self, block: Block | None) -> None:
        """From any thread: the segment is there."""
        self._loop.call_soon_threadsafe(self._set, block)

    async def block(self) -> Block | None:
        """Raises what the work raises. Who is cancelled does not cancel the flight."""
        return await asyncio.shield(self._block)

    async def landed(self) -> None:
        """Wait until the segment is in the cache, or could not be put there, or not be cut."""
        if self._landing is not None:
            await asyncio.wait([self._landing])

    @property
    def has_landed(self) -> bool:
        return self._landing is not None and self._landing.done()

    def _set(self, block: Block | None) -> None:
        if not self._block.done():
            self._block.set_result(block)

    def _ended(self, landing: asyncio.Task[None]) -> None:
        if landing.cancelled():
            self._block.cancel()
        elif (error := landing.exception()) and not self._block.done():
            self._block.set_exception(error)
            self._block.exception()  # perhaps nobody waits for it any more


class Flights:
    """Those of one process, by their segments."""

    def __init__(self) -> None:
        self._flights: dict[SegmentKey, Flight] = {}
        self._looking: Counter[SegmentKey] = Counter()

    def __contains__(self, key: SegmentKey) -> bool:
        return key in self._flights

    def find(self, key: SegmentKey) -> Flight | None:
        return self._flights.get(key)

    def take_off(
        self, key: SegmentKey, work: Callable[[Flight], Coroutine[Any, Any, None]]
    ) -> Flight:
        """``work`` is told which flight it is for."""
        flight = self._flights[key] = Flight()
        flight.begin(work(flight), lambda: self._forget(key))
        return flight

    @contextmanager
    def looking_for(self, key: SegmentKey) -> Iterator[None]:
        """Around a look into the cache: a flight that lands meanwhile can still be found, for what
        it cut may not be there."""
        self._looking[key] += 1
        try:
            yield
        finally:
            self._looking[key] -= 1
            self._forget(key)

    async def all_landed(self) -> None:
        while flights := [flight for flight in self._flights.values() if not flight.has_landed]:
            await asyncio.gather(*(flight.landed() for flight in flights))

    def _forget(self, key: SegmentKey) -> None:
        if self._looking[key]:
            return
        del self._looking[key]
        flight = self._flights.get(key)
        if flight is not None and flight.has_landed:
            del self._flights[key]
