"""The steps of a backup that block, stopped when the wait for them is cancelled."""

import threading
from collections.abc import Callable
from typing import ParamSpec, TypeVar

from videoflix.offload import Offload
from videoflix.tasks import to_its_end

P = ParamSpec("P")
T = TypeVar("T")


class Stopped(Exception):
    """Ends a step that nobody waits for any more; its caller sees the cancellation instead."""


class Steps:
    """Runs steps one after the other. A cancelled wait stops the step at its next ``checkpoint``,
    and is over only when the step is: nobody is at work then on what the caller clears away."""

    def __init__(self, offload: Offload) -> None:
        self._offload = offload
        self._stop = threading.Event()

    async def __call__(self, call: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        return await to_its_end(self._offload(call, *args, **kwargs), self._stop.set)

    def checkpoint(self, _count: int) -> None:
        """A ``Note`` for steps that read files. Raises Stopped."""
        if self._stop.is_set():
            raise Stopped
