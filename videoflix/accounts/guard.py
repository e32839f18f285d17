"""Who makes a request: checks access tokens without asking the database.

A token is valid by its signature, its times and by not belonging to a revoked session. The
revoked sessions are kept in the process: added at once by a logout here, and by a poll of the
session store for what other processes revoked.
"""

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from datetime import datetime, timedelta

import structlog

from videoflix.accounts.tokens import LEEWAY, Tokens
from videoflix.errors import DatabaseUnavailable, ServiceUnavailable, Unauthenticated
from videoflix.models import Principal
from videoflix.ports import SessionStore

POLL_SECONDS = 2.0
STALE_SECONDS = 60.0
# A revocation may become visible a little after the moment it is stamped with.
_OVERLAP = timedelta(seconds=30)

_log = structlog.get_logger(__name__)


class Guard:
    """Made by ``open_guard``, which keeps its revoked sessions fresh."""

    def __init__(self, tokens: Tokens, sessions: SessionStore, access: timedelta) -> None:
        self._tokens = tokens
        self._sessions = sessions
        # What was revoked longer ago than an access token lives cannot come back.
        self._memory = access + LEEWAY + _OVERLAP
        self._revoked: dict[str, float] = {}
        self._seen: datetime | None = None
        self._refreshed_at = time.monotonic()

    def authenticate(self, token: str | None) -> Principal:
        """The maker of a request, from its access token.

        Raises Unauthenticated, and ServiceUnavailable when revocations have not been heard of
        for a minute: an answer could then be given to somebody who was signed out.
        """
        if not token:
            raise Unauthenticated("Authentication credentials were not provided.")
        principal = self._tokens.check_access(token)
        if principal.session_id in self._revoked:
            raise Unauthenticated("This session has ended.")
        if time.monotonic() - self._refreshed_at > STALE_SECONDS:
            raise ServiceUnavailable("Sessions cannot be checked at the moment.")
        return principal

    def revoke(self, session_id: str) -> None:
        """Refuse the session's access tokens in this process from now on."""
        self._revoked[session_id] = time.monotonic() + self._memory.total_seconds()

    async def refresh(self) -> None:
        """Learn what was revoked anywhere. Raises DatabaseUnavailable."""
        asked_at = time.monotonic()
        moment = await self._sessions.now()
        since = moment - self._memory if self._seen is None else self._seen - _OVERLAP
        for session_id in await self._sessions.revoked_since(since):
            if session_id not in self._revoked:
                self.revoke(session_id)
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


@asynccontextmanager
async def open_guard(
    tokens: Tokens, sessions: SessionStore, access: timedelta
) -> AsyncIterator[Guard]:
    """A guard that knows all revocations from its first request on. Raises DatabaseUnavailable
    when they cannot be read now."""
    guard = Guard(tokens, sessions, access)
    await guard.refresh()
    polling = asyncio.create_task(guard.poll(), name="revoked-sessions")
    try:
        yield guard
    finally:
        polling.cancel()
        with suppress(asyncio.CancelledError):
            await polling
