"""Counters of tries in Redis, as moving windows (the library ``limits``)."""

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from limits import RateLimitItemPerSecond
from limits.aio.storage import RedisStorage
from limits.aio.strategies import MovingWindowRateLimiter
from redis.asyncio import ConnectionPool
from redis.exceptions import RedisError

from videoflix.errors import QueueUnavailable
from videoflix.settings import RedisSettings

PREFIX = "videoflix:limits"


class RedisRateCounters:
    """Implements ``videoflix.ports.RateCounters``. Close it with ``aclose``."""

    def __init__(self, settings: RedisSettings) -> None:
        self._seconds = settings.timeout
        self._pool: ConnectionPool = ConnectionPool.from_url(
            settings.url.get_secret_value(),
            socket_timeout=settings.timeout,
            socket_connect_timeout=settings.timeout,
        )
        options: dict[str, Any] = {"connection_pool": self._pool}
        # The pool has the address and the password: the URL is only the name of the driver.
        storage = RedisStorage(
            "async+redis://", implementation="redispy", key_prefix=PREFIX, **options
        )
        self._windows = MovingWindowRateLimiter(storage)

    async def hit(self, key: str, amount: int, seconds: int) -> float | None:
        window = RateLimitItemPerSecond(amount, seconds)
        async with self._translated():
            if await self._windows.hit(window, key):
                return None
            stats = await self._windows.get_window_stats(window, key)
        return max(stats.reset_time - time.time(), 0.0)

    async def clear(self, key: str, amount: int, seconds: int) -> None:
        async with self._translated():
            await self._windows.clear(RateLimitItemPerSecond(amount, seconds), key)

    async def aclose(self) -> None:
        await self._pool.aclose()

    @asynccontextmanager
    async def _translated(self) -> AsyncIterator[None]:
        try:
            async with asyncio.timeout(self._seconds):
                yield
        except (RedisError, OSError, TimeoutError) as error:
            raise QueueUnavailable("The queue cannot be reached.") from error
