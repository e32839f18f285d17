"""Who wants to hear of films' changes, whoever makes them: told from one look at the database a
second, however many listen, and none when nobody does."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from datetime import datetime, timedelta

import structlog

from videoflix.errors import DatabaseUnavailable
from videoflix.models import DeletedVideo, Video
from videoflix.ports import VideoLists
from videoflix.tasks import cancel_for_good

POLL_SECONDS = 1.0
# Whoever was away for longer, or missed more, begins anew.
RESUME_WITHIN = timedelta(hours=1)
RESUME_MAX = 1000

Change = Video | DeletedVideo

_log = structlog.get_logger(__name__)


class Listener:
    """What one listener has not taken yet: of each film the latest state alone, so that one who
    is slow costs no more than the catalogue."""

    def __init__(self) -> None:
        self.is_resumed = False
        self.began_at: datetime | None = None
        self._waiting: dict[int, Change] = {}
        self._wake = asyncio.Event()

    def put(self, video: Change) -> None:
        known = self._waiting.get(video.id)
        if known is None or known.updated_at <= video.updated_at:
            self._waiting[video.id] = video
        self._wake.set()

    def wake(self) -> None:
        """End a ``wait``."""
        self._wake.set()

    async def wait(self, seconds: float) -> None:
        """Until there is something to take, but no longer than this."""
        with suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await self._wake.wait()

    def take(self) -> list[Change]:
        """By the time of the change; empty when nothing has come."""
        self._wake.clear()
        taken = sorted(self._waiting.values(), key=lambda video: (video.updated_at, video.id))
        self._waiting.clear()
        return taken


class FilmWatch:
    """A film that changes more than once between two looks is told of once."""

    def __init__(self, lists: VideoLists, *, lag: float, resume_max: int = RESUME_MAX) -> None:
        """``lag``: seconds within which a change that is stamped is also visible. Who has missed
        more than ``resume_max`` films begins anew."""
        self._lists = lists
        self._overlap = timedelta(seconds=lag)
        self._resume_max = resume_max
        self._listeners: set[Listener] = set()
        self._told: dict[int, Change] = {}
        self._since: datetime | None = None
        self._polling: asyncio.Task[None] | None = None

    @property
    def is_resting(self) -> bool:
        """Whether nobody listens."""
        return self._polling is None and not self._listeners

    @asynccontextmanager
    async def listening(self, last: datetime | None = None) -> AsyncIterator[Listener]:
        """First every unfinished film, or, for who heard all until ``last``, what has changed
        since (``is_resumed``); then every change. Raises DatabaseUnavailable, but only here: a
        database that goes away later is waited for.
        """
        listener = Listener()
        self._listeners.add(listener)
        try:
            await self._begin(listener, last)
            if self._polling is None:
                self._polling = asyncio.create_task(self._poll(), name="film watch")
            yield listener
        finally:
            self._listeners.discard(listener)
            if not self._listeners:
                await self._rest()

    async def _begin(self, listener: Listener, last: datetime | None) -> None:
        now = await self._lists.now()
        listener.began_at = now
        if self._since is None:
            self._since = now - self._overlap
        if last is not None and now - RESUME_WITHIN < last <= now:
            limit = self._resume_max + 1
            missed = await self._lists.changed_since(last - self._overlap, limit=limit)
            listener.is_resumed = len(missed) < limit
        for video in missed if listener.is_resumed else await self._lists.unfinished():
            listener.put(video)

    async def _rest(self) -> None:
        polling, self._polling = self._polling, None
        self._since = None
        self._told.clear()
        if polling is not None:
            await cancel_for_good(polling)

    async def _poll(self) -> None:
        is_away = False
        while True:
            await asyncio.sleep(POLL_SECONDS)
            try:
                await self._look()
                is_away = False
            except DatabaseUnavailable as error:
                if not is_away:
                    _log.warning("films are not watched meanwhile", reason=str(error))
                is_away = True
            except Exception:
                _log.exception("films are not watched")

    async def _look(self) -> None:
        now = await self._lists.now()
        since = now - self._overlap if self._since is None else self._since
        for video in await self._lists.changed_since(since):
            if self._told.get(video.id) != video:
                self._told[video.id] = video
                for listener in self._listeners:
                    listener.put(video)
        self._since = now - self._overlap
        for video_id in [id_ for id_, v in self._told.items() if v.updated_at < self._since]:
            del self._told[video_id]
