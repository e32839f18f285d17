"""Work that goes on for as long as its lease holds and nobody wants to stop."""

import asyncio
from collections.abc import Awaitable, Callable, Coroutine
from contextlib import suppress
from typing import Any, TypeVar

import structlog

from videoflix.encoding.lease import LeaseKeeper
from videoflix.errors import ServiceUnavailable

AGAIN_SECONDS = 1.0

T = TypeVar("T")

_log = structlog.get_logger(__name__)


class Stopped(Exception):
    """The worker is to stop."""


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
