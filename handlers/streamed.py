"""Requests whose body is read as it arrives, and refused so that the client hears why."""

import asyncio
from typing import Any, ClassVar, cast

import structlog
from tornado.http1connection import HTTP1Connection
from tornado.iostream import StreamClosedError

from handlers.base import BaseHandler
from handlers.errors import BadRequest

# A client that is still sending reads an answer only if the connection stays open for a while.
DISCARD_SECONDS = 2.0
BODY_SECONDS = 24 * 3600.0
UNLIMITED = 1 << 62


class StreamedHandler(BaseHandler):
    """For subclasses decorated with ``tornado.web.stream_request_body``. Only the bodies of
    ``streamed_methods`` are received, whose methods are ``respond``; what comes with another
    method is dropped.

    An error before or while the body arrives is answered at once; what the client goes on
    sending is dropped, and after two seconds the connection is closed. Nothing is completed for
    who was signed out while the body arrived.
    """

    idle_seconds: ClassVar[float] = 20.0
    streamed_methods: ClassVar[frozenset[str]] = frozenset({"POST"})

    _is_refused = False
    _is_completing = False
    _is_cut_off = False
    _timer: asyncio.TimerHandle | None = None

    async def begin(self) -> None:
        """Before the body, after all checks of the base handler."""

    async def receive(self, data: bytes) -> None:
        """The next bytes of the body; no more are read until this returns."""

    async def complete(self) -> None:
        """The body is there: answer."""

    async def abandon(self) -> None:
        """Clean up. Called once or more, however the request ends."""

    async def undo(self) -> None:
        """After ``abandon`` and before the client hears of it, where the request is refused: not
        where its line was cut."""

    @property
    def body_size(self) -> int | None:
        """What the request says in ``Content-Length``; None for a body in chunks.

        Raises BadRequest for what is no number: Tornado looks at it after ``begin`` only, and
        takes lists of equal numbers too (RFC 9112 §6.3), which no client sends.
        """
        value = self.request.headers.get("Content-Length")
        if value is None:
            return None
        if not (value.isascii() and value.isdigit()):
            raise BadRequest("The header Content-Length must be a number of bytes.")
        return int(value)

    async def prepare(self) -> None:
        # Tornado's own limits would close the connection without an answer.
        self._connection.set_max_body_size(UNLIMITED)
        self._connection.set_body_timeout(BODY_SECONDS)
        try:
            await super().prepare()
            if self._is_streamed:
                await self.begin()
            if self._is_cut_off:  # meanwhile, so that there was nothing to clean up yet
                await self.abandon()
        except Exception as error:
            if not self._is_streamed and self.request.method in self.route.access:
                raise  # its method would run after a refusal
            await self._refuse(error)
        else:
            self._start_timer(self.idle_seconds)

    async def data_received(self, chunk: bytes) -> None:
        if self._is_refused or self._is_cut_off or not self._is_streamed:
            return
        self._stop_timer()
        # This runs in the connection's context, not in the request's.
        with structlog.contextvars.bound_contextvars(request_id=self.request_id):
            try:
                await self.receive(chunk)
            except Exception as error:
                await self._refuse(error)
            else:
                self._start_timer(self.idle_seconds)

    def send_error(self, status_code: int = 500, **kwargs: Any) -> None:
        """Nothing more is said to who was refused, also by a method that does not exist."""
        if not self._is_refused:
            super().send_error(status_code, **kwargs)
        elif not self._finished:
            self.finish()

    async def respond(self) -> None:
        """What a streamed method does once its body is there."""
        self._stop_timer()
        if self._is_refused or self._is_cut_off:
            return
        self._is_completing = True
        try:
            # The body may have taken hours: whoever was signed out meanwhile changes nothing.
            self.container.guard.check(self.principal)
            await self.complete()
        except Exception:
            await self._clean_up()
            raise
        finally:
            await self.abandon()

    def on_connection_close(self) -> None:
        super().on_connection_close()
        self._is_cut_off = True
        self._stop_timer()
        if not self._is_completing:
            self.in_flight.spawn(self.abandon())

    def on_finish(self) -> None:
        super().on_finish()
        self._stop_timer()

    @property
    def _is_streamed(self) -> bool:
        return self.request.method in self.streamed_methods

    @property
    def _connection(self) -> HTTP1Connection:
        return cast(HTTP1Connection, self.request.connection)

    async def _clean_up(self) -> None:
        """After a refusal: a step that fails, as a disk may, stops neither the other nor the
        answer."""
        for step in (self.abandon, self.undo):
            try:
                await step()
            except Exception as error:
                self.log_exception(type(error), error, error.__traceback__)

    async def _refuse(self, error: Exception) -> None:
        self._is_refused = True
        await self._clean_up()
        self.log_exception(type(error), error, error.__traceback__)
        self.answer_error(error)
        self.set_header("Connection", "close")
        if self.request.headers.get("Expect", "").lower() == "100-continue":
            self.finish()  # such a client has not begun to send
            return
        try:
            await self.flush()
        except StreamClosedError:
            return
        self._start_timer(DISCARD_SECONDS)

    def _start_timer(self, seconds: float) -> None:
        self._stop_timer()
        self._timer = asyncio.get_running_loop().call_later(seconds, self.hang_up)

    def _stop_timer(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def hang_up(self) -> None:
        """The client sends nothing any more, or still sends after it was refused."""
        self._connection.close()
