"""Listening to Redis for as long as a process lives."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Never

import structlog
from redis.exceptions import RedisError

FIRST_PAUSE = 0.25

_log = structlog.get_logger(__name__)


async def listen_for_ever(
    listen: Callable[[], Awaitable[None]], *, to: str, longest_pause: float
) -> Never:
    """Call ``listen``, which returns or raises when it hears nothing any more, again and again,
    until this is cancelled.

    The death of Redis, and whatever is heard, end one round only: the next one begins after a
    pause that doubles up to ``longest_pause`` seconds, and is short again once a round was longer
    than that. ``to`` is what the log calls it.
    """
    clock = asyncio.get_running_loop().time
    pause = FIRST_PAUSE
    while True:
        started = clock()
        try:
            await listen()
        except (RedisError, OSError, TimeoutError) as error:
            _log.warning(f"{to} unheard; polling goes on", reason=type(error).__name__)
        except Exception:
            _log.exception(f"{to} unheard; polling goes on")
        if clock() - started > longest_pause:
            pause = FIRST_PAUSE
        await asyncio.sleep(pause)
        pause = min(pause * 2, longest_pause)
