"""An HTTP server whose stop loses no request that a client has sent."""

import asyncio
from typing import Any, cast

from tornado.http1connection import HTTP1ServerConnection
from tornado.httpserver import HTTPServer
from tornado.httputil import HTTPConnection, HTTPMessageDelegate
from tornado.iostream import IOStream

# For the first request of a connection that was taken just before the stop.
LINGER_SECONDS = 1.0


class DrainingServer(HTTPServer):
    """Knows which connections must not be closed yet after ``stop``: those that have not brought
    their first request, and those whose answer is still on its way out."""

    def initialize(self, *args: Any, **kwargs: Any) -> None:
        super().initialize(*args, **kwargs)
        self._begun: dict[IOStream, int] = {}  # requests that were waited for, by connection
        self._lingers_until = 0.0

    def handle_stream(self, stream: IOStream, address: tuple[Any, ...]) -> None:
        self._begun[stream] = 0
        super().handle_stream(stream, address)

    def start_request(
        self, server_conn: object, request_conn: HTTPConnection
    ) -> HTTPMessageDelegate:
        """Called before a request is read; the second time, the first has been answered."""
        self._begun[cast(HTTP1ServerConnection, server_conn).stream] += 1
        return super().start_request(server_conn, request_conn)

    def on_close(self, server_conn: object) -> None:
        self._begun.pop(cast(HTTP1ServerConnection, server_conn).stream, None)
        super().on_close(server_conn)

    def stop(self) -> None:
        super().stop()
        self._lingers_until = asyncio.get_running_loop().time() + LINGER_SECONDS

    def is_waited_for(self) -> bool:
        """Whether, after ``stop``, closing the connections now would lose something. Connections
        that bring nothing count for ``LINGER_SECONDS``."""
        lingers = asyncio.get_running_loop().time() < self._lingers_until
        return any(
            stream.writing() or (lingers and begun < 2) for stream, begun in self._begun.items()
        )
