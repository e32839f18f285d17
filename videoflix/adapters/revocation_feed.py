"""Revoked sessions over Redis publish/subscribe, in JSON.

Nobody is let in by what is heard here, at most signed out; Redis may lose messages and go away
at any time, as every process also asks the database.
"""

import asyncio
import json
import re
from collections.abc import Callable, Iterator, Sequence
from functools import partial

from redis.asyncio import Redis
from redis.asyncio.client import PubSub
from redis.exceptions import RedisError

from videoflix.adapters.listening import listen_for_ever
from videoflix.errors import QueueUnavailable
from videoflix.settings import RedisSettings

CHANNEL = "videoflix:revoked-sessions"
MESSAGE_IDS = 500
QUIET_SECONDS = 10.0
LONGEST_PAUSE = 2.0

_ID = re.compile(r"[0-9a-f]{32}")


def _ids(data: bytes) -> Iterator[str]:
    """The ids in a message; nothing of what is no message of ours."""
    try:
        message = json.loads(data)
    except (ValueError, RecursionError):
        return
    sessions = message.get("sessions") if isinstance(message, dict) else None
    for session_id in sessions if isinstance(sessions, list) else []:
        if isinstance(session_id, str) and _ID.fullmatch(session_id):
            yield session_id


class RedisRevocationFeed:
    """Implements ``videoflix.ports.RevocationFeed``. Close it with ``aclose``."""

    def __init__(self, settings: RedisSettings) -> None:
        self._seconds = settings.timeout
        self._redis: Redis = Redis.from_url(
            settings.url.get_secret_value(),
            socket_timeout=settings.timeout,
            socket_connect_timeout=settings.timeout,
        )

    async def publish(self, session_ids: Sequence[str]) -> None:
        try:
            async with asyncio.timeout(self._seconds):
                for start in range(0, len(session_ids), MESSAGE_IDS):
                    part = list(session_ids[start : start + MESSAGE_IDS])
                    await self._redis.publish(CHANNEL, json.dumps({"sessions": part}))
        except (RedisError, OSError, TimeoutError) as error:
            raise QueueUnavailable("The queue cannot be reached.") from error

    async def listen(self, heard: Callable[[str], None]) -> None:
        await listen_for_ever(
            partial(self._round, heard), to="revocations", longest_pause=LONGEST_PAUSE
        )

    async def aclose(self) -> None:
        await self._redis.aclose()

    async def _round(self, heard: Callable[[str], None]) -> None:
        """Listen over one connection until it fails."""
        async with self._redis.pubsub() as subscription:
            await subscription.subscribe(CHANNEL)
            while True:
                await self._hear(subscription, heard)

    async def _hear(self, subscription: PubSub, heard: Callable[[str], None]) -> None:
        message = await subscription.get_message(timeout=QUIET_SECONDS)
        if message is None:
            # A connection that died without a word is only noticed by asking.
            await subscription.ping()
            message = await subscription.get_message(timeout=self._seconds)
            if message is None:
                raise TimeoutError
        if message["type"] == "message":
            for session_id in _ids(message["data"]):
                heard(session_id)
