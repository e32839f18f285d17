"""Work that goes on after its request was answered."""

import asyncio
from collections.abc import AsyncIterator, Coroutine
from contextlib import asynccontextmanager

import structlog

DRAIN_SECONDS = 10.0

_log = structlog.get_logger(__name__)


class Background:
    """Keeps hold of started tasks and logs what they raise. Made by ``open_background``."""

    def __init__(self) -> None:
        self._tasks: set[asyncio.Task[None]] = set()

    def start(self, work: Coroutine[None, None, None], name: str) -> None:
        task = asyncio.create_task(work, name=name)
        self._tasks.add(task)
        task.add_done_callback(self._done)

    def _done(self, task: asyncio.Task[None]) -> None:
        self._tasks.discard(task)
        if not task.cancelled() and (error := task.exception()):
            _log.error("background task failed", task=task.get_name(), exc_info=error)

    async def drain(self) -> None:
        """Wait for what is running, then cancel what is not done in time."""
        if self._tasks:
            await asyncio.wait(self._tasks, timeout=DRAIN_SECONDS)
        late = list(self._tasks)
        for task in late:
            task.cancel()
        await asyncio.gather(*late, return_exceptions=True)


@asynccontextmanager
async def open_background() -> AsyncIterator[Background]:
    """Tasks started in the block are finished, or cancelled, when it ends."""
    background = Background()
    try:
        yield background
    finally:
        await background.drain()
