"""One connection to MongoDB (or a server that speaks its protocol), shared by all stores.

Every access runs inside ``Database.operation()``, which translates the driver's errors and puts
one limit on the whole of it. Writes are acknowledged by a majority and journaled: a standalone
server would otherwise acknowledge them from memory.
"""

import asyncio
import re
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager, suppress
from datetime import UTC, datetime
from typing import Any

import pymongo
from motor.motor_asyncio import AsyncIOMotorClient, AsyncIOMotorCollection
from pymongo import IndexModel, ReturnDocument
from pymongo.errors import (
    ConnectionFailure,
    DuplicateKeyError,
    ExecutionTimeout,
    OperationFailure,
    PyMongoError,
    WriteConcernError,
)
from pymongo.monitoring import CommandListener

from videoflix.errors import DatabaseUnavailable
from videoflix.mongo_url import REFUSALS, refusal_in_one_line
from videoflix.settings import MongoSettings

Document = dict[str, Any]
Collection = AsyncIOMotorCollection[Document]

COUNTERS = "counters"
INDEX_SECONDS = 600.0
_GRACE_SECONDS = 0.3
_UNREACHABLE = (ConnectionFailure, ExecutionTimeout, WriteConcernError)


def holding(word: str) -> Document:
    """Matches a text that holds ``word``, in any case. Nothing in it is an operator."""
    return {"$regex": re.escape(word), "$options": "i"}


class Database:
    """The database named by the settings, over one client with its pool of connections."""

    def __init__(self, client: "AsyncIOMotorClient[Document]", name: str, seconds: float) -> None:
        self._client = client
        self._database = client[name]
        self._seconds = seconds

    def collection(self, name: str) -> Collection:
        return self._database[name]

    @asynccontextmanager
    async def operation(self, seconds: float | None = None) -> AsyncIterator[None]:
        """Run database calls inside of this; ``seconds`` limits all of them together.

        Raises DatabaseUnavailable when the server cannot be reached, is no primary, does not
        answer in time or refuses the account. Other driver errors pass: DuplicateKeyError is for
        the store, the rest are defects.
        """
        limit = self._seconds if seconds is None else seconds
        try:
            # The driver's own limit ends its threads; ours also covers waiting for a thread.
            with pymongo.timeout(limit):
                async with asyncio.timeout(limit + _GRACE_SECONDS):
                    yield
        except TimeoutError as error:
            raise DatabaseUnavailable("The database does not answer.") from error
        except DuplicateKeyError:
            raise
        except PyMongoError as error:
            if isinstance(error, _UNREACHABLE) or error.timeout:
                raise DatabaseUnavailable("The database cannot be reached.") from error
            if isinstance(error, OperationFailure) and error.code in REFUSALS:
                raise DatabaseUnavailable(f"{REFUSALS[error.code].capitalize()}.") from error
            raise

    async def now(self) -> datetime:
        """The database's clock, the only one that leases and revocations go by.

        Read from ``hello``: not every server compares ``$$NOW`` in queries correctly.
        """
        async with self.operation():
            reply = await self._client.admin.command("hello")
        moment: datetime = reply["localTime"]
        return moment if moment.tzinfo else moment.replace(tzinfo=UTC)

    async def next_id(self, name: str) -> int:
        """The next number of the counter ``name``, from 1, never given twice."""
        async with self.operation():
            value = await self._count(name)
            if value is None:
                # Made apart from counting: racing upserts of one document are answered with
                # nothing by some servers.
                with suppress(DuplicateKeyError):
                    await self.collection(COUNTERS).insert_one({"_id": name, "value": 0})
                value = await self._count(name)
        if value is None:
            raise RuntimeError(f"the counter {name!r} went away while it was counted")
        return value

    async def _count(self, name: str) -> int | None:
        document = await self.collection(COUNTERS).find_one_and_update(
            {"_id": name}, {"$inc": {"value": 1}}, return_document=ReturnDocument.AFTER
        )
        return None if document is None else int(document["value"])

    async def ensure_indexes(self, name: str, indexes: Sequence[IndexModel]) -> None:
        """Create the indexes of one collection where they are missing."""
        async with self.operation(INDEX_SECONDS):
            await self.collection(name).create_indexes(list(indexes))


@asynccontextmanager
async def open_database(
    settings: MongoSettings, listeners: Sequence[CommandListener] = ()
) -> AsyncIterator[Database]:
    """Open the database at ``settings.uri`` (a mongodb:// URL here, not ``embedded``).

    ``listeners`` hear of every command that is sent to it. Raises ConfigurationError for a URL
    that the driver does not take and DatabaseUnavailable when nothing answers there.
    """
    milliseconds = int(settings.timeout * 1000)
    with refusal_in_one_line():
        client: AsyncIOMotorClient[Document] = AsyncIOMotorClient(
            settings.uri.get_secret_value(),
            serverSelectionTimeoutMS=milliseconds,
            connectTimeoutMS=milliseconds,
            tz_aware=True,
            tzinfo=UTC,
            appname="videoflix",
            event_listeners=list(listeners),
            w="majority",
            journal=True,
        )
    try:
        database = Database(client, settings.database, settings.timeout)
        await database.now()
        yield database
    finally:
        client.close()
