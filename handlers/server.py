"""Running the application on sockets that somebody else opened."""

import asyncio
import socket
from collections.abc import Callable, Sequence

import structlog
from tornado.httputil import ParseBodyConfig, ParseMultipartConfig, set_parse_body_config

from handlers.access import Route
from handlers.app import make_app
from handlers.connections import Patience, most_connections
from handlers.draining import DrainingServer
from handlers.inflight import InFlight
from handlers.routes import ROUTES
from videoflix.container import Container
from videoflix.tasks import running_beside

MAX_BODY_BYTES = 1024 * 1024
MAX_HEADER_BYTES = 32 * 1024
# A header or body that has not arrived by then never will.
IDLE_SECONDS = 15.0
GRACE_SECONDS = 8.0
CLEANUP_SECONDS = 2.0
_CHUNK_BYTES = 256 * 1024
_BUFFER_BYTES = 4 * 1024 * 1024

_log = structlog.get_logger(__name__)


async def serve(
    container: Container,
    sockets: Sequence[socket.socket],
    stop: asyncio.Event,
    *,
    grace: float = GRACE_SECONDS,
    idle: float = IDLE_SECONDS,
    routes: Sequence[Route] = ROUTES,
    on_ready: Callable[[], None] | None = None,
) -> None:
    """Answer on the listening ``sockets`` until ``stop`` is set; ``on_ready`` is called once
    requests are answered.

    Then no new connection is taken; requests that run, and those of connections that were just
    taken, get ``grace`` seconds to end. The sockets are closed. A header, and a body that is no
    upload, must arrive within ``idle`` seconds; for the rest see the settings of the server.
    Raises ConfigurationError when a route declares no access rule.
    """
    # We never use Tornado's parser of multipart bodies: it holds them whole in memory.
    set_parse_body_config(ParseBodyConfig(multipart=ParseMultipartConfig(enabled=False)))
    application = make_app(container, routes)
    in_flight: InFlight = application.settings["in_flight"]
    chosen = container.settings.server
    server = DrainingServer(
        application,
        patience=Patience(idle, keep_alive=chosen.keep_alive, write=chosen.write_timeout),
        most=most_connections(),
        chunk_size=_CHUNK_BYTES,
        max_body_size=MAX_BODY_BYTES,
        max_buffer_size=_BUFFER_BYTES,
        max_header_size=MAX_HEADER_BYTES,
        body_timeout=idle,
    )
    server.add_sockets(sockets)
    async with (
        running_beside(container.cache_tidying.regularly(), "cache tidying"),
        container.reset_mails.delivering(stop),
    ):
        try:
            if on_ready is not None:
                on_ready()
            await stop.wait()
        finally:
            server.stop()
            if not await in_flight.drain(grace, server.is_waited_for):
                _log.warning("requests cut off by the stop of the server")
            await server.close_all_connections()
            await in_flight.drain(CLEANUP_SECONDS)
