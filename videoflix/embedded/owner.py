"""Who runs the embedded services of a storage root, and how others find them.

One process at a time owns them: the one that holds ``<root>/services.lock``. Others read
``<root>/services.json`` and use the same services; when the owner ends, one of those that are
still there takes over on the same ports with the same passwords, so that open clients connect
again by themselves.
"""

import asyncio
import fcntl
import os
import time
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

import structlog

from videoflix.embedded.database import create_user, start_database, wait_for_mongo
from videoflix.embedded.queue import start_queue, wait_for_redis
from videoflix.embedded.record import Record, read_record, write_record
from videoflix.errors import ServiceUnavailable
from videoflix.private_files import private_folder
from videoflix.processes import KeptProcess

RECORD = "services.json"
OWNER_START_SECONDS = 60.0
TAKE_OVER_SECONDS = 0.5
POLL_SECONDS = 0.1

_log = structlog.get_logger(__name__)


class OwnerLock:
    """The right to something, given by a file. Held until ``release`` or the end of the process."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._descriptor: int | None = None

    def take(self) -> bool:
        """Whether this process holds the lock now."""
        if self._descriptor is not None:
            return True
        descriptor = os.open(self._path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            os.close(descriptor)
            return False
        self._descriptor = descriptor
        return True

    def release(self) -> None:
        if self._descriptor is not None:
            os.close(self._descriptor)
            self._descriptor = None


class EmbeddedServices:
    """The embedded services of one root, run by this process or found where another runs them.

    ``wants_database`` and ``wants_queue`` say which of the two are used. ``may_run`` is False for
    a process whose parent keeps the services: it only ever finds them.
    """

    def __init__(
        self,
        root: Path,
        *,
        wants_database: bool = True,
        wants_queue: bool = True,
        may_run: bool = True,
    ) -> None:
        self._root = root
        self._may_run = may_run
        self._wants_database = wants_database
        self._wants_queue = wants_queue
        self._lock = OwnerLock(root / "services.lock")
        self._successor: asyncio.Task[None] | None = None
        self._processes: list[KeptProcess] = []

    @property
    def is_owner(self) -> bool:
        """Whether this process runs the services."""
        return bool(self._processes)

    @property
    def pids(self) -> dict[str, int]:
        """Process ids of the services that this process runs, by name."""
        return {kept.program.name: kept.pid for kept in self._processes if kept.pid is not None}

    async def open(self) -> Record:
        """Run the services, or find those that run. Raises ServiceUnavailable."""
        private_folder(self._root)
        deadline = time.monotonic() + OWNER_START_SECONDS
        while True:
            if self._may_run and self._lock.take():
                return await self._run()
            with suppress(ServiceUnavailable):
                record = await self._find()
                if self._may_run:
                    self._successor = asyncio.create_task(self._succeed(record))
                return record
            if time.monotonic() > deadline:
                raise ServiceUnavailable(
                    f"the services of the process that holds {self._root}/services.lock "
                    "do not answer"
                )
            await asyncio.sleep(POLL_SECONDS)

    def settle(self) -> None:
        """Take nothing over from now on: this process is about to stop. Services that it is just
        taking over are stopped again, beside whatever the caller stops."""
        # Once: a second cancellation would break off the stopping that the first one began.
        if self._successor is not None and not self._successor.cancelling():
            self._successor.cancel()

    async def close(self) -> None:
        """Stop what this process runs."""
        self.settle()
        if self._successor is not None:
            await asyncio.wait([self._successor])
        await self._stop()
        self._lock.release()

    async def _run(self) -> Record:
        path = self._root / RECORD
        try:
            record = (read_record(path) or Record.new()).on_free_ports()
            write_record(path, record)
            if self._wants_database and not self._knows_user(record):
                await create_user(self._root, record.mongo)
                record = replace(record, mongo=replace(record.mongo, has_user=True))
                write_record(path, record)
            await self._start(record)
        except BaseException:
            self._lock.release()
            raise
        return record

    def _knows_user(self, record: Record) -> bool:
        return record.mongo.has_user and (self._root / "db" / "WiredTiger").exists()

    async def _start(self, record: Record) -> None:
        try:
            if self._wants_queue:
                self._processes.append(
                    await start_queue(self._root, record.redis, record.redis_url)
                )
            if self._wants_database:
                self._processes.append(await start_database(self._root, record.mongo))
        except BaseException:
            await self._stop()
            raise

    async def _stop(self) -> None:
        if self._processes:
            await asyncio.gather(*(process.stop() for process in self._processes))
            self._processes.clear()

    async def _find(self) -> Record:
        record = read_record(self._root / RECORD)
        if record is None:
            raise ServiceUnavailable("the services are being set up")
        if self._wants_database:
            if not record.mongo.has_user:
                raise ServiceUnavailable("the database is being set up")
            await wait_for_mongo(record.mongo_uri, seconds=0)
        if self._wants_queue:
            await wait_for_redis(record.redis_url, seconds=0)
        return record

    async def _succeed(self, record: Record) -> None:
        """Wait until the owner has ended, then run the services at the same addresses."""
        while True:
            await asyncio.sleep(TAKE_OVER_SECONDS)
            if not self._lock.take():
                continue
            _log.info("the process that ran the embedded services ended; taking over")
            try:
                await self._start(record)
            except ServiceUnavailable as error:
                _log.error("the embedded services could not be taken over", reason=str(error))
                self._lock.release()
            else:
                return
