"""A worker: one job at a time, claimed when the doorbell rings, when the next lease or pause is
over, and at every poll.

Nothing that goes away and comes back (the database, Redis, room on the disk) ends it, and no
error of one job either: it logs, waits a little and goes on.
"""

import asyncio
import os
import secrets
import socket
from collections.abc import Awaitable, Callable, Coroutine
from contextlib import suppress
from typing import Any, Protocol

import structlog

from videoflix.accounts.reset_mails import ResetMails
from videoflix.adapters.doorbell import DoorbellListener
from videoflix.encoding.service import EncodingJobs
from videoflix.errors import VideoflixError
from videoflix.settings import Settings
from videoflix.uploads.service import UploadService
from videoflix.waiting import wait_for_any

FIRST_PAUSE = 0.5
LONGEST_PAUSE = 5.0
HEARTBEAT_SECONDS = 5.0
SWEEP_SECONDS = 600.0
TIDY_SECONDS = 30.0
STOP_SECONDS = 4.0  # for the job's end; the rest of a stop takes about a second
GOODBYE_SECONDS = 1.0

_log = structlog.get_logger(__name__)


class WorkerParts(Protocol):
    """What a worker needs of the container."""

    @property
    def settings(self) -> Settings: ...

    @property
    def encoding(self) -> EncodingJobs: ...

    @property
    def uploads(self) -> UploadService: ...

    @property
    def reset_mails(self) -> ResetMails: ...


async def run_worker(container: WorkerParts, stop: asyncio.Event) -> None:
    """Work until ``stop`` is set; returns at most 10 s later with no encoder left."""
    await _Worker(container, stop).run()


class _Worker:
    def __init__(self, parts: WorkerParts, stop: asyncio.Event) -> None:
        self._encoding = parts.encoding
        self._uploads = parts.uploads
        self._reset_mails = parts.reset_mails
        self._poll = parts.settings.worker.poll
        self._stop = stop
        self._bell = asyncio.Event()
        self._listener = DoorbellListener(parts.settings.redis, self._bell)
        self._host = socket.gethostname()
        self._holder = f"{self._host}:{os.getpid()}:{secrets.token_hex(4)}"

    async def run(self) -> None:
        _log.info("worker begins", holder=self._holder)
        background = [
            asyncio.create_task(self._listener.listen(), name="doorbell"),
            asyncio.create_task(self._regularly(self._report, HEARTBEAT_SECONDS), name="heartbeat"),
            asyncio.create_task(self._regularly(self._sweep, SWEEP_SECONDS), name="sweeps"),
            asyncio.create_task(self._regularly(self._encoding.tidy, TIDY_SECONDS), name="tidying"),
        ]
        try:
            async with self._reset_mails.delivering(self._stop):
                await self._claims()
        finally:
            for task in background:
                task.cancel()
            await asyncio.gather(*background, return_exceptions=True)
            await self._say_goodbye()
            _log.info("worker ends", holder=self._holder)

    async def _claims(self) -> None:
        pause = FIRST_PAUSE
        while not self._stop.is_set():
            self._bell.clear()
            try:
                work = await self._claim()
                if work is not None:
                    await self._work(work)
                    idle = 0.0
                else:
                    idle = await self._encoding.idle_seconds(self._poll)
            except Exception as error:
                _report_trouble("claim loop", error)
                await wait_for_any(self._stop, seconds=pause)
                pause = min(pause * 2, LONGEST_PAUSE)
                continue
            pause = FIRST_PAUSE
            if idle:
                await wait_for_any(self._stop, self._bell, seconds=idle)

    async def _claim(self) -> Coroutine[Any, Any, None] | None:
        """The next film's job or, where no film waits, a part of one that another worker has."""
        film = await self._encoding.claim(self._holder)
        if film is not None:
            return self._encoding.run(film, self._stop)
        chunk = await self._encoding.claim_chunk(self._holder)
        return None if chunk is None else self._encoding.run_chunk(chunk, self._stop)

    async def _work(self, work: Coroutine[Any, Any, None]) -> None:
        """Run the job; a stop gets a few seconds to give it back, then it is cancelled, which
        kills the encoder and leaves the lease to run out."""
        job = asyncio.create_task(work)
        stopping = asyncio.create_task(self._stop.wait())
        try:
            await asyncio.wait((job, stopping), return_when=asyncio.FIRST_COMPLETED)
            await asyncio.wait((job,), timeout=STOP_SECONDS)
        finally:
            stopping.cancel()
            if not job.done():
                job.cancel()
                await asyncio.gather(job, return_exceptions=True)
        if not job.cancelled():
            await job

    async def _regularly(self, call: Callable[[], Awaitable[object]], seconds: float) -> None:
        while True:
            try:
                await call()
            except Exception as error:
                _report_trouble(call.__name__, error)
            await asyncio.sleep(seconds)

    async def _report(self) -> None:
        await self._encoding.report_alive(self._holder, self._host, os.getpid())

    async def _sweep(self) -> None:
        swept = await self._uploads.sweep()
        if swept:
            _log.info("abandoned uploads deleted", count=swept)

    async def _say_goodbye(self) -> None:
        with suppress(VideoflixError, TimeoutError):
            async with asyncio.timeout(GOODBYE_SECONDS):
                await self._encoding.report_gone(self._holder)


def _report_trouble(where: str, error: Exception) -> None:
    """What is away comes back and needs one line; a defect needs its traceback."""
    if isinstance(error, VideoflixError):
        _log.warning("worker waits", where=where, reason=str(error))
    else:
        _log.error("unexpected error; the worker goes on", where=where, exc_info=error)
