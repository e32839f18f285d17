"""Connections of clients: taken within a bound, and closed when their clients keep them waiting."""

import asyncio
import os
import resource
import socket
import time
from collections.abc import Awaitable, Iterable
from dataclasses import dataclass
from typing import Any, cast

from tornado.http1connection import HTTP1ServerConnection
from tornado.httpserver import HTTPServer
from tornado.httputil import (
    HTTPConnection,
    HTTPHeaders,
    HTTPMessageDelegate,
    RequestStartLine,
    ResponseStartLine,
)
from tornado.iostream import IOStream, StreamClosedError

from videoflix.rare import RareWarning

_TAKEN_AT_ONCE = 128  # connections, before others get their turn
_REST_SECONDS = 0.1  # until it is tried again, where no more can be taken
_TICK_SECONDS = 1.0  # between two looks at all connections, at most
# For files, the database, child processes: a share of the descriptors, and so many at least.
_SPARE_SHARE = 1 / 4
_SPARE_DESCRIPTORS = 256
# Who is slow to take a file has, beside the socket, that file and the socket once more
# (``ClientStream.send_file``).
_MORE_OF_SLOW = 2


@dataclass(frozen=True, slots=True)
class Patience:
    """Seconds that a client has: ``header`` for the first byte of a new connection, and from the
    first byte of each header to its end; ``keep_alive`` for the first byte of another request;
    ``write`` to take any byte of its answer."""

    header: float
    keep_alive: float
    write: float

    @property
    def tick(self) -> float:
        return min(_TICK_SECONDS, min(self.header, self.keep_alive, self.write) / 4)


PATIENCE = Patience(header=15.0, keep_alive=75.0, write=60.0)


class ClientStream(IOStream):
    """A connection that knows how long it has been waiting for its client."""

    def __init__(
        self,
        connection: socket.socket,
        slow: "set[ClientStream] | None" = None,
        **sizes: int | None,
    ) -> None:
        """While a file waits to be sent on, the connection is in ``slow``."""
        super().__init__(connection, **sizes)
        self._slow = set() if slow is None else slow
        self.begun = 0  # requests that were waited for
        self._is_waiting = False  # for a request, from its first byte to the end of its header
        self._since = self._taken_at = time.monotonic()
        self._header_since: float | None = None
        self._has_room: asyncio.Future[None] | None = None  # while a file waits to be sent on

    def request_is_due(self) -> None:
        self.begun += 1
        self._is_waiting = True
        self._since = time.monotonic()
        self._header_since = None

    def header_is_there(self) -> None:
        self._is_waiting = False

    def write_to_fd(self, data: memoryview) -> int:
        count = super().write_to_fd(data)
        self._taken_at = time.monotonic()
        return count

    async def send_file(self, file: int, offset: int, count: int) -> int:
        """Have the kernel send bytes of an open file that it has in memory: they are copied into
        no memory of this process (sendfile(2)). How many of the ``count`` were taken, 0 at the
        end of the file. All that was written before must have been taken already.

        Raises StreamClosedError, and OSError when the file cannot be read.
        """
        while True:
            if self.closed():
                raise StreamClosedError(real_error=self.error)
            try:
                sent = os.sendfile(self.socket.fileno(), file, offset, count)
            except BlockingIOError:
                await self._room()
            except ConnectionError as error:
                self.close(exc_info=error)
            else:
                self._taken_at = time.monotonic()
                return sent

    async def _room(self) -> None:
        """Wait until the client's connection takes bytes again, or is closed."""
        loop = asyncio.get_running_loop()
        self._has_room = loop.create_future()
        # One of our own: Tornado watches the other, and a loop has one callback for each.
        descriptor = os.dup(self.socket.fileno())
        loop.add_writer(descriptor, self._wake)
        self._slow.add(self)
        try:
            await self._has_room
        finally:
            self._has_room = None
            self._slow.discard(self)
            loop.remove_writer(descriptor)
            os.close(descriptor)

    def _wake(self) -> None:
        if self._has_room is not None and not self._has_room.done():
            self._has_room.set_result(None)

    def writing(self) -> bool:
        return super().writing() or self._has_room is not None

    def close(self, exc_info: Any = False) -> None:
        super().close(exc_info)
        if self.error is not None:
            # It leads to what was being sent, and from there back to the error: megabytes that
            # would stay until garbage is collected.
            self.error.__traceback__ = None

    def close_fd(self) -> None:
        super().close_fd()
        self._wake()

    def waits_too_long(self, now: float, patience: Patience) -> bool:
        """Called again and again, so that it sees when a header begins."""
        if self.writing() and now - self._taken_at > patience.write:
            return True
        if not self._is_waiting:
            return False
        # Tornado's own, the only one that also knows of bytes that came with the request before.
        if self._read_buffer_size:
            self._header_since = self._header_since or now
            return now - self._header_since > patience.header
        return now - self._since > (patience.header if self.begun == 1 else patience.keep_alive)


class _Noting(HTTPMessageDelegate):
    """Tells a connection that a header is complete; the rest is for ``inner``."""

    def __init__(self, stream: ClientStream, inner: HTTPMessageDelegate) -> None:
        self._stream = stream
        self._inner = inner

    def headers_received(
        self, start_line: RequestStartLine | ResponseStartLine, headers: HTTPHeaders
    ) -> Awaitable[None] | None:
        self._stream.header_is_there()
        return self._inner.headers_received(start_line, headers)

    def data_received(self, chunk: bytes) -> Awaitable[None] | None:
        return self._inner.data_received(chunk)

    def finish(self) -> None:
        self._inner.finish()

    def on_connection_close(self) -> None:
        self._inner.on_connection_close()


def most_connections() -> int | None:
    """How many a process may have, by the descriptors that it may have; None: any number. One who
    is slow to take a file counts as three."""
    soft, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft == resource.RLIM_INFINITY:
        return None
    return max(1, soft - max(_SPARE_DESCRIPTORS, int(soft * _SPARE_SHARE)))


class PatientServer(HTTPServer):
    """Takes at most ``most`` connections at a time: others wait in the kernel's queue, and nothing
    fails for want of a descriptor. ``add_sockets`` is called once."""

    def initialize(
        self, *args: Any, patience: Patience = PATIENCE, most: int | None = None, **kwargs: Any
    ) -> None:
        super().initialize(*args, **kwargs)
        self.conn_params.header_timeout = None  # see ``Patience``
        self._patience = patience
        self._most = most
        self.streams: set[ClientStream] = set()
        self._slow: set[ClientStream] = set()
        self._listeners: list[socket.socket] = []
        self._timers: dict[str, asyncio.TimerHandle] = {}
        self._warn = RareWarning("no more connections can be taken: new ones wait")
        self._warn_of_close = RareWarning("a slow connection cannot be closed")

    def add_sockets(self, sockets: Iterable[socket.socket]) -> None:
        self._listeners = list(sockets)
        self._listen()
        self._look()

    def stop(self) -> None:
        super().stop()
        self._stop_listening()
        if timer := self._timers.pop("rest", None):
            timer.cancel()
        for listener in self._listeners:
            listener.close()
        self._listeners = []

    async def close_all_connections(self) -> None:
        await super().close_all_connections()
        for timer in self._timers.values():
            timer.cancel()

    def start_request(
        self, server_conn: object, request_conn: HTTPConnection
    ) -> HTTPMessageDelegate:
        """Called before a request is read."""
        stream = _stream_of(server_conn)
        stream.request_is_due()
        return _Noting(stream, super().start_request(server_conn, request_conn))

    def on_close(self, server_conn: object) -> None:
        self.streams.discard(_stream_of(server_conn))
        super().on_close(server_conn)

    def _listen(self) -> None:
        for listener in self._listeners:
            asyncio.get_running_loop().add_reader(listener, self._take, listener)

    def _stop_listening(self) -> None:
        for listener in self._listeners:
            asyncio.get_running_loop().remove_reader(listener)

    def _take(self, listener: socket.socket) -> None:
        for _ in range(_TAKEN_AT_ONCE):
            taken = len(self.streams) + _MORE_OF_SLOW * len(self._slow)
            if self._most is not None and taken >= self._most:
                self._rest(f"{len(self.streams)} are open, {len(self._slow)} of them slow")
                return
            try:
                connection, address = listener.accept()
            except (BlockingIOError, ConnectionAbortedError):
                return
            except OSError as error:  # no descriptors or memory left: it would fail again at once
                self._rest(str(error))
                return
            stream = ClientStream(
                connection,
                self._slow,
                max_buffer_size=self.max_buffer_size,
                read_chunk_size=self.read_chunk_size,
            )
            self.streams.add(stream)
            self.handle_stream(stream, address)

    def _rest(self, reason: str) -> None:
        self._warn(reason=reason)
        self._stop_listening()
        self._timers["rest"] = asyncio.get_running_loop().call_later(_REST_SECONDS, self._listen)

    def _look(self) -> None:
        loop = asyncio.get_running_loop()
        now = time.monotonic()
        try:
            for stream in list(self.streams):
                self._look_at(stream, now)
        finally:
            self._timers["look"] = loop.call_later(self._patience.tick, self._look)

    def _look_at(self, stream: ClientStream, now: float) -> None:
        try:
            if stream.waits_too_long(now, self._patience):
                stream.close()
        except Exception as error:  # of this one alone: the others are looked at all the same
            self._warn_of_close(reason=repr(error), exc_info=error)


def _stream_of(server_conn: object) -> ClientStream:
    return cast(ClientStream, cast(HTTP1ServerConnection, server_conn).stream)
