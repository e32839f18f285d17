"""Work that goes on for as long as its lease holds and nobody wants to stop."""

import asyncio
import time
from collections.abc import Awaitable, Callable, Coroutine, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from typing import Any, TypeVar

import structlog

from videoflix.encoding.lease import LeaseKeeper
from videoflix.errors import ServiceUnavailable
from videoflix.ports.measures import EncodingMeasures

AGAIN_SECONDS = 1.0

T = TypeVar("T")

_log = structlog.get_logger(__name__)


class Stopped(Exception):
    """The worker is to stop."""


@dataclass(slots=True)
class Ended:
    """How an attempt ended; an error that nobody foresaw, or a cancellation, leaves the lease to
    run out."""

    outcome: str = "lost"


@contextmanager
def timed_job(measures: EncodingMeasures, kind: str) -> Iterator[Ended]:
    """Tell the outcome, which the block is to set, and the time of an attempt."""
    began = time.monotonic()
    ended = Ended()
    try:
        yield ended
    finally:
        measures.job(kind, ended.outcome, time.monotonic() - began)


async def under_lease(
    work: Coroutine[Any, Any, None], keeper: LeaseKeeper, stop: asyncio.Event
) -> None:
    """Run ``work`` to its end. Raises LeaseLost and Stopped; ``work`` is cancelled then."""
    working = asyncio.create_task(work)
    keeping = asyncio.create_task(keeper.keep())
    stopping = asyncio.create_task(stop.wait())
    tasks = (working, keeping, stopping)
    try:
        await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        if keeping.done():
            await keeping
        if not working.done():
            raise Stopped
        await working
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


async def insist(call: Callable[[], Awaitable[T]], stop: asyncio.Event, *, video: int) -> T:
    """Try until the database answers; once the worker is to stop, try only once more."""
    while True:
        is_last = stop.is_set()
        try:
            return await call()
        except ServiceUnavailable as error:
            _log.warning("the job's record waits", video=video, reason=str(error))
            if is_last:
                raise
        with suppress(TimeoutError):
            async with asyncio.timeout(AGAIN_SECONDS):
                await stop.wait()
