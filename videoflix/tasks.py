"""Ending asyncio tasks."""

import asyncio
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import asynccontextmanager
from typing import Any, TypeVar

T = TypeVar("T")

AGAIN_SECONDS = 0.1


async def cancel_for_good(task: "asyncio.Task[Any]") -> None:
    """Cancel the task until it has ended: some clients lose a cancellation now and then, when it
    comes in the middle of a command."""
    while not task.done():
        task.cancel()
        await asyncio.wait((task,), timeout=AGAIN_SECONDS)
    if not task.cancelled():
        task.exception()  # seen: whoever needs it awaits the task


async def to_its_end(work: Coroutine[Any, Any, T], stop: Callable[[], object] = lambda: None) -> T:
    """Await ``work`` to its end, whatever cancels this task meanwhile, and however often; the
    cancellation is raised afterwards. For what gives back connections, processes and files, and
    for what can only be asked to end: ``stop`` is called for each cancellation."""
    task = asyncio.create_task(work)
    cancelled: asyncio.CancelledError | None = None
    while not task.done():
        try:
            await asyncio.wait((task,))
        except asyncio.CancelledError as error:
            cancelled = error
            stop()
    if cancelled is not None:
        task.exception()  # seen: the cancellation goes first
        raise cancelled
    return await task


@asynccontextmanager
async def running_beside(work: Coroutine[Any, Any, None], name: str) -> AsyncIterator[None]:
    """Run ``work`` for as long as the block lasts, unless it ends before."""
    task = asyncio.create_task(work, name=name)
    try:
        yield
    finally:
        await cancel_for_good(task)
