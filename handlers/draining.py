"""An HTTP server whose stop loses no request that a client has sent."""

import asyncio
from typing import Any

from handlers.connections import PatientServer

# For the first request of a connection that was taken just before the stop.
LINGER_SECONDS = 1.0


class DrainingServer(PatientServer):
    """Knows which connections must not be closed yet after ``stop``: those that have not brought
    their first request, and those whose answer is still on its way out."""

    def initialize(self, *args: Any, **kwargs: Any) -> None:
        super().initialize(*args, **kwargs)
        self._lingers_until = 0.0

    def stop(self) -> None:
        super().stop()
        self._lingers_until = asyncio.get_running_loop().time() + LINGER_SECONDS

    def is_waited_for(self) -> bool:
        """Whether, after ``stop``, closing the connections now would lose something. Connections
        that bring nothing count for ``LINGER_SECONDS``."""
        lingers = asyncio.get_running_loop().time() < self._lingers_until
        return any(stream.writing() or (lingers and stream.begun < 2) for stream in self.streams)
