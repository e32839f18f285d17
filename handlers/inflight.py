"""Requests that are being answered, so that a stop can wait for them."""

import asyncio
from collections.abc import Callable, Coroutine
from weakref import WeakSet

_POLL_SECONDS = 0.02


class InFlight:
    """Knows the running requests and keeps hold of clean-ups that outlive theirs."""

    def __init__(self) -> None:
        self.is_stopping = False
        # Weak: a request whose end nobody reports is over when its handler is gone.
        self._requests: WeakSet[object] = WeakSet()
        self._tasks: set[asyncio.Task[None]] = set()

    def enter(self, request: object) -> None:
        self._requests.add(request)

    def leave(self, request: object) -> None:
        """May be called more than once for one request."""
        self._requests.discard(request)

    def spawn(self, work: Coroutine[None, None, None]) -> None:
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def drain(self, seconds: float, is_expected: Callable[[], bool] | None = None) -> bool:
        """Wait until nothing is in flight and nothing ``is_expected``; False when that took too
        long."""
        self.is_stopping = True
        try:
            async with asyncio.timeout(seconds):
                while (  # noqa: ASYNC110 -- a dead handler sets no event
                    self._requests or self._tasks or (is_expected and is_expected())
                ):
                    await asyncio.sleep(_POLL_SECONDS)
        except TimeoutError:
            return False
        return True
