"""Warnings that would otherwise come with every request."""

import threading
import time

import structlog

_EVERY = 60.0  # seconds

_log = structlog.get_logger(__name__)


class RareWarning:
    """The first one is logged at once, then at most one in ``seconds``, with how many more there
    were. Thread-safe."""

    def __init__(self, event: str, *, seconds: float = _EVERY) -> None:
        self._event = event
        self._seconds = seconds
        self._lock = threading.Lock()
        self._last: float | None = None
        self._silent = 0

    def __call__(self, **fields: object) -> None:
        now = time.monotonic()
        with self._lock:
            if self._last is not None and now - self._last < self._seconds:
                self._silent += 1
                return
            silent, self._silent = self._silent, 0
            self._last = now
        _log.warning(self._event, not_logged=silent, **fields)
