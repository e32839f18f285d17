"""Sessions that have ended before their time: refused by every process within seconds.

The record is the session store. Each process keeps the ids of revoked sessions in memory: what it
revokes itself at once, what others revoke when the feed tells, and, where the feed is away or has
lost something, when it next asks the store.
"""

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import datetime, timedelta

import structlog

from videoflix.accounts.tokens import LEEWAY
from videoflix.errors import DatabaseUnavailable, QueueUnavailable
from videoflix.ports import RevocationFeed, SessionStore
from videoflix.tasks import running_beside

POLL_SECONDS = 2.0
# A revocation may become visible a little after the moment it is stamped with.
_OVERLAP = timedelta(seconds=30)

_log = structlog.get_logger(__name__)


class Revocations:
    """Made by ``open_revocations``, which keeps it fresh."""

    def __init__(self, sessions: SessionStore, feed: RevocationFeed, access: timedelta) -> None:
        """``access`` is how long an access token lives: what was revoked longer ago than that
        cannot come back."""
        self._sessions = sessions
        self._feed = feed
        self._memory = access + LEEWAY + _OVERLAP
        self._revoked: dict[str, float] = {}
        self._seen: datetime | None = None
        self._refreshed_at = time.monotonic()

    def __contains__(self, session_id: str) -> bool:
        return session_id in self._revoked

    @property
    def age(self) -> float:
        """Seconds since the store was last heard."""
        return time.monotonic() - self._refreshed_at

    async def end(self, session_id: str, user_id: int) -> bool:
        """End one session of a user everywhere; False when there is none of this id that is
        open. Raises DatabaseUnavailable."""
        if not await self._sessions.revoke(session_id, user_id):
            return False
        await self._tell([session_id])
        return True

    async def end_all(self, user_id: int, *, keep: str | None = None) -> None:
        """End all sessions of a user everywhere, but for ``keep``. Raises DatabaseUnavailable."""
        await self._tell(list(await self._sessions.revoke_all(user_id, keep=keep)))

    async def refresh(self) -> None:
        """Learn what was revoked anywhere. Raises DatabaseUnavailable."""
        asked_at = time.monotonic()
        moment = await self._sessions.now()
        since = moment - self._memory if self._seen is None else self._seen - _OVERLAP
        for session_id in await self._sessions.revoked_since(since):
            if session_id not in self._revoked:
                self.add(session_id)
        self._seen = moment
        self._refreshed_at = asked_at
        for session_id in [name for name, until in self._revoked.items() if until < asked_at]:
            del self._revoked[session_id]

    async def poll(self) -> None:
        """Refresh for ever; the database may be away in between."""
        while True:
            await asyncio.sleep(POLL_SECONDS)
            try:
                await self.refresh()
            except DatabaseUnavailable as error:
                _log.warning("revoked sessions not refreshed", reason=str(error))
            except Exception:
                _log.exception("revoked sessions not refreshed")

    def add(self, session_id: str) -> None:
        """Refuse the session's access tokens in this process from now on."""
        self._revoked[session_id] = time.monotonic() + self._memory.total_seconds()

    async def _tell(self, session_ids: list[str]) -> None:
        for session_id in session_ids:
            self.add(session_id)
        if not session_ids:
            return
        try:
            await self._feed.publish(session_ids)
        except QueueUnavailable as error:
            _log.warning("revocation not published; others will poll it", reason=str(error))


@asynccontextmanager
async def open_revocations(
    sessions: SessionStore, feed: RevocationFeed, access: timedelta
) -> AsyncIterator[Revocations]:
    """Revocations that are complete from the first moment on. Raises DatabaseUnavailable when
    they cannot be read now."""
    revocations = Revocations(sessions, feed, access)
    async with running_beside(feed.listen(revocations.add), "revocation feed"):
        await revocations.refresh()
        async with running_beside(revocations.poll(), "revocation poll"):
            yield revocations
