"""arq as a doorbell, and only as that: the job is the record in the database.

A ring is a job without a result that wakes a worker. Both sides speak JSON: arq's default is
pickle, with which anybody who can write to Redis could run code here. Redis may lose everything
at any time; workers poll the database as well.
"""

import asyncio
import json
from collections.abc import Mapping
from contextlib import suppress
from types import UnionType
from typing import Any

from arq.connections import ArqRedis
from arq.worker import Worker, func
from redis.exceptions import RedisError

from videoflix.adapters.listening import listen_for_ever
from videoflix.errors import QueueUnavailable
from videoflix.settings import RedisSettings
from videoflix.tasks import cancel_for_good, to_its_end

QUEUE = "videoflix:doorbell"
RING = "ring"
KEPT_SECONDS = 3600
LISTEN_SECONDS = 0.5
LONGEST_PAUSE = 4.0
END_SECONDS = 2.0
# arq's names of a job's function, arguments, keyword arguments, try and time.
_JOB: Mapping[str, type | UnionType] = {"f": str, "a": list, "k": dict, "t": int | None, "et": int}


def _to_json(job: Mapping[str, Any]) -> bytes:
    return json.dumps(job).encode()


def _from_json(data: bytes) -> dict[str, Any]:
    """Raises ValueError for what is no job of arq's: with that under its own names arq would end
    its round, and other jobs of the round would only be run again after their time-out."""
    job: dict[str, Any] = json.loads(data)
    if not isinstance(job, dict) or not all(
        isinstance(job.get(name), kind) for name, kind in _JOB.items()
    ):
        raise ValueError("no job")
    return job


def _connect(settings: RedisSettings) -> ArqRedis:
    """A pool that connects when it is used, and again after every failure.

    Made from the URL itself: arq's own settings object shows the password when it is printed.
    """
    pool: ArqRedis = ArqRedis.from_url(
        settings.url.get_secret_value(),
        socket_timeout=settings.timeout,
        socket_connect_timeout=settings.timeout,
    )
    pool.job_serializer = _to_json
    pool.job_deserializer = _from_json
    pool.default_queue_name = QUEUE
    return pool


class ArqDoorbell:
    """Implements ``videoflix.ports.Doorbell``. Close it with ``aclose``."""

    def __init__(self, settings: RedisSettings) -> None:
        self._pool = _connect(settings)
        self._seconds = settings.timeout

    async def ring(self, video_id: int) -> None:
        try:
            async with asyncio.timeout(self._seconds):
                # Without an id of our own: arq drops a job whose namesake is just ending.
                await self._pool.enqueue_job(RING, video_id, _expires=KEPT_SECONDS)
        except (RedisError, OSError, TimeoutError) as error:
            raise QueueUnavailable("The queue cannot be reached.") from error

    async def check(self) -> None:
        """Raises QueueUnavailable where Redis does not answer."""
        try:
            async with asyncio.timeout(self._seconds):
                await self._pool.ping()
        except (RedisError, OSError, TimeoutError) as error:
            raise QueueUnavailable("The queue cannot be reached.") from error

    async def aclose(self) -> None:
        await self._pool.aclose()


class DoorbellListener:
    """A worker's ear: sets ``bell`` at every ring, for as long as ``listen`` runs."""

    def __init__(self, settings: RedisSettings, bell: asyncio.Event) -> None:
        self._settings = settings
        self._bell = bell

    async def listen(self) -> None:
        """Runs until it is cancelled (``listen_for_ever``)."""
        await listen_for_ever(self._round, to="doorbell", longest_pause=LONGEST_PAUSE)

    async def _round(self) -> None:
        async def ring(ctx: dict[Any, Any], *_args: Any, **_kwargs: Any) -> None:  # noqa: ARG001 -- arq's name
            self._bell.set()

        pool = _connect(self._settings)
        worker = Worker(
            functions=[func(ring, name=RING, keep_result=0, timeout=5)],
            redis_pool=pool,
            queue_name=QUEUE,
            handle_signals=False,
            poll_delay=LISTEN_SECONDS,
            keep_result=0,
            job_serializer=_to_json,
            job_deserializer=_from_json,
            log_results=False,
        )
        main = asyncio.create_task(worker.async_run())
        try:
            # Not awaited itself: a cancellation would be handed on to it, and it may swallow one.
            await asyncio.wait((main,))
        finally:
            await to_its_end(_end(worker, main, pool))
        await main


async def _end(worker: Worker, main: "asyncio.Task[None]", pool: ArqRedis) -> None:
    """Stop listening with nothing left behind, whether Redis answers or not (``Worker.close``
    needs one that does).

    A burst of no jobs is arq's own way to end, after its present round and with its jobs at
    their end. Cancelling in the middle of a command would lose the connection unclosed.
    """
    worker.burst, worker.max_burst_jobs = True, 0
    await asyncio.wait((main,), timeout=END_SECONDS)
    tasks = [main, *worker.tasks.values(), *worker.job_tasks.values()]
    if worker.main_task is not None:
        tasks.append(worker.main_task)
    for task in tasks:
        await cancel_for_good(task)
    with suppress(RedisError, OSError):
        await pool.aclose()
