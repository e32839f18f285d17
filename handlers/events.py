"""Server-sent events (WHATWG HTML, §9.2): how films are getting on, as it happens.

``start`` comes first, then a ``video`` for each film that is unfinished and, from then on, for
each that changes; its data is the whole record, so an event may come twice and may be missed for
a later one. ``deleted`` names a film that is gone. The id is a time: a client that comes back with
it (``Last-Event-ID``) is told what has changed since, and ``start`` says so (``is_resumed``); else
it looks at the list again.
"""

import asyncio
import json
import re
from datetime import UTC, datetime, timedelta
from typing import ClassVar, cast

from tornado.http1connection import HTTP1Connection
from tornado.iostream import StreamClosedError

from handlers.cookies import ACCESS_COOKIE
from handlers.videos import AdminHandler
from videoflix.encoding.watch import Change, Listener
from videoflix.errors import ServiceUnavailable, Unauthenticated
from videoflix.models import DeletedVideo

EVENT_TYPE = "text/event-stream"
RETRY_MILLISECONDS = 2000
CHECK_SECONDS = 1.0
BATCH = 50  # events written at a time

_MOMENT = re.compile(r"[0-9]{1,14}")
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MILLISECOND = timedelta(milliseconds=1)


def event_id(moment: datetime) -> str:
    """Milliseconds since 1970."""
    return str((moment - _EPOCH) // _MILLISECOND)


def moment_of(last_event_id: str) -> datetime | None:
    """None for what is no id of ours."""
    if not _MOMENT.fullmatch(last_event_id):
        return None
    return _EPOCH + int(last_event_id) * _MILLISECOND


def event(name: str, data: object, moment: datetime | None) -> str:
    """One event. Its JSON has no line breaks, nor anything that a client might take for one."""
    text = json.dumps(data, ensure_ascii=True, separators=(",", ":"))
    identity = f"id: {event_id(moment)}\n" if moment else ""
    return f"event: {name}\n{identity}data: {text}\n\n"


class EventsHandler(AdminHandler):
    """Ends with the session, the client or the server, within about a second of it.

    A client that takes nothing for ``stuck_seconds`` is gone, or has stopped reading.
    """

    heartbeat_seconds: ClassVar[float] = 15.0
    stuck_seconds: ClassVar[float] = 60.0

    _is_closed = False
    _listener: Listener | None = None

    async def get(self) -> None:
        last = moment_of(self.request.headers.get("Last-Event-ID", ""))
        async with self.container.film_watch.listening(last) as listener:
            self._listener = listener
            self.set_header("Content-Type", f"{EVENT_TYPE}; charset=utf-8")
            self.set_header("X-Accel-Buffering", "no")  # nginx would hold events back
            start = event("start", {"is_resumed": listener.is_resumed}, listener.began_at)
            self.write(f"retry: {RETRY_MILLISECONDS}\n{start}")
            await self._send_all(listener)

    def on_connection_close(self) -> None:
        super().on_connection_close()
        self._is_closed = True
        if self._listener is not None:
            self._listener.wake()

    async def _send_all(self, listener: Listener) -> None:
        loop = asyncio.get_running_loop()
        is_open, written_at = await self._sent(), loop.time()
        while is_open and not self._is_over():
            videos = listener.take()
            for first in range(0, len(videos), BATCH):
                for video in videos[first : first + BATCH]:
                    self.write(self._told(video))
                is_open, written_at = is_open and await self._sent(), loop.time()
            if loop.time() - written_at >= self.heartbeat_seconds:
                self.write(": still here\n\n")
                is_open, written_at = await self._sent(), loop.time()
            if is_open and not videos:
                await listener.wait(CHECK_SECONDS)

    def _told(self, change: Change) -> str:
        if isinstance(change, DeletedVideo):
            return event("deleted", {"id": change.id}, change.updated_at)
        return event("video", self.record(change), change.updated_at)

    async def _sent(self) -> bool:
        """Wait until the client has taken what was written, so that no more than that is held for
        it; False when it, or its session, went away instead."""
        flushing = asyncio.ensure_future(self.flush())
        begun_at = asyncio.get_running_loop().time()
        while not flushing.done():
            await asyncio.wait([flushing], timeout=CHECK_SECONDS)
            is_stuck = asyncio.get_running_loop().time() - begun_at > self.stuck_seconds
            if not flushing.done() and (is_stuck or self._is_over()):
                flushing.cancel()
                cast(HTTP1Connection, self.request.connection).close()
                self._is_closed = True
                return False
        try:
            await flushing
        except StreamClosedError:
            self._is_closed = True
        return not self._is_closed

    def _is_over(self) -> bool:
        """The session is looked at again and again: it may end, and its token expires."""
        if self._is_closed or self.in_flight.is_stopping:
            return True
        try:
            self.container.guard.authenticate(self.get_cookie(ACCESS_COOKIE))
        except (Unauthenticated, ServiceUnavailable):
            return True
        return False
