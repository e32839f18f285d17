"""Running migrations at start, once, however many processes start at the same time.

The collection ``migrations`` has a record of each that was done: ``_id`` (its number), ``name``,
``done_at``; and one with the ``_id`` ``lease``: ``holder`` and ``until``, by the database's clock.
The lease saves work and keeps steps in their order. Nothing depends on it: steps may be repeated.
"""

import asyncio
import secrets
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import structlog
from pymongo.errors import DuplicateKeyError

from videoflix.adapters.mongo.database import Database
from videoflix.errors import ConfigurationError, DatabaseUnavailable

COLLECTION = "migrations"
_LEASE = "lease"
_LEASE_SECONDS = 30.0
_RENEW_SECONDS = 10.0
_POLL_SECONDS = 0.1
_WAIT_SECONDS = 1800.0  # indexes of large collections take their time
_LONG_AGO = datetime(2000, 1, 1, tzinfo=UTC)

_log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Migration:
    """A step to the next version. ``run`` may be repeated, also after it failed half-way."""

    name: str
    run: Callable[[Database], Awaitable[None]]


async def applied_version(database: Database) -> int:
    """The number of the last migration that was done, 0 before the first."""
    return max(await _done(database), default=0)


async def _done(database: Database) -> set[int]:
    async with database.operation():
        found = database.collection(COLLECTION).find({"_id": {"$ne": _LEASE}}, {"_id": True})
        return {record["_id"] async for record in found}


async def migrate(database: Database, migrations: Sequence[Migration]) -> None:
    """Bring the database to the version of this code: the number of ``migrations``.

    Raises ConfigurationError for a database of a later version, which this code could damage, and
    DatabaseUnavailable. What a step raises is raised: the next start runs it again.
    """
    if await _is_current(database, migrations):
        return
    async with _leased(database, lambda: _is_current(database, migrations)) as is_mine:
        if not is_mine:
            return
        done = await _done(database)
        for number, migration in enumerate(migrations, 1):
            if number not in done:
                await migration.run(database)
                await _note(database, number, migration.name)
                if done:  # a database that is set up changes nothing that anybody knows
                    _log.info("database migrated", version=number, change=migration.name)


async def _is_current(database: Database, migrations: Sequence[Migration]) -> bool:
    done = await _done(database)
    newest = max(done, default=0)
    if newest > len(migrations):
        raise ConfigurationError(
            f"the database is of version {newest}, this Videoflix knows versions up to "
            f"{len(migrations)}: run the Videoflix that was run before, or restore a backup"
        )
    return done >= set(range(1, len(migrations) + 1))


async def _note(database: Database, number: int, name: str) -> None:
    record = {"_id": number, "name": name, "done_at": await database.now()}
    async with database.operation():
        await database.collection(COLLECTION).replace_one({"_id": number}, record, upsert=True)


async def rewind(database: Database, version: int) -> None:
    """Forget that later migrations than this were done: the data of an earlier version was put
    in."""
    later = [number for number in await _done(database) if number > version]
    async with database.operation():
        await database.collection(COLLECTION).delete_many({"_id": {"$in": later}})


@asynccontextmanager
async def _leased(
    database: Database, is_needless: Callable[[], Awaitable[bool]]
) -> AsyncIterator[bool]:
    """Hold the lease for as long as the block runs; False when there is nothing left to do, because
    who held it before has done it."""
    holder = secrets.token_hex(8)
    async with database.operation():
        with suppress(DuplicateKeyError):
            await database.collection(COLLECTION).insert_one(
                {"_id": _LEASE, "holder": "", "until": _LONG_AGO}
            )
    loop = asyncio.get_running_loop()
    deadline = loop.time() + _WAIT_SECONDS
    while not await _take(database, holder):
        if await is_needless():
            yield False
            return
        if loop.time() > deadline:
            raise DatabaseUnavailable("Another process has been changing the database for long.")
        await asyncio.sleep(_POLL_SECONDS)
    renewing = asyncio.create_task(_renew(database, holder))
    try:
        yield True
    finally:
        renewing.cancel()
        await asyncio.wait([renewing])
        await _put(database, holder, _LONG_AGO)


async def _take(database: Database, holder: str) -> bool:
    now = await database.now()
    until = now + timedelta(seconds=_LEASE_SECONDS)
    async with database.operation():
        result = await database.collection(COLLECTION).update_one(
            {"_id": _LEASE, "until": {"$lte": now}}, {"$set": {"holder": holder, "until": until}}
        )
    return bool(result.matched_count)


async def _renew(database: Database, holder: str) -> None:
    while True:
        await asyncio.sleep(_RENEW_SECONDS)
        with suppress(DatabaseUnavailable):
            until = await database.now() + timedelta(seconds=_LEASE_SECONDS)
            await _put(database, holder, until)


async def _put(database: Database, holder: str, until: datetime) -> None:
    async with database.operation():
        await database.collection(COLLECTION).update_one(
            {"_id": _LEASE, "holder": holder}, {"$set": {"until": until}}
        )
