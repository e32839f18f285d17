"""One piece of work for all who want its result at the same time."""

import asyncio
from collections.abc import Coroutine, Hashable
from typing import Any, TypeVar

T = TypeVar("T")


class SingleFlight:
    """Work that is under way, by key."""

    def __init__(self) -> None:
        self._running: dict[Hashable, asyncio.Task[Any]] = {}

    async def join(self, key: Hashable, work: Coroutine[Any, Any, T]) -> T:
        """The result of ``work``, or of that which is under way for ``key``. An error is
        everybody's too; one caller's leaving does not fail the others."""
        task: asyncio.Task[T] | None = self._running.get(key)
        if task is not None:
            work.close()
        else:
            task = asyncio.create_task(work)
            self._running[key] = task
            task.add_done_callback(lambda ended: self._ended(key, ended))
        return await asyncio.shield(task)

    def is_mine(self, key: Hashable) -> bool:
        """Whether the running task is what others still join for ``key``."""
        return self._running.get(key) is asyncio.current_task()

    def forget(self, key: Hashable) -> None:
        """Nobody joins what is under way any more; who waits for it gets it."""
        self._running.pop(key, None)

    def _ended(self, key: Hashable, task: asyncio.Task[Any]) -> None:
        if self._running.get(key) is task:
            del self._running[key]
