"""Workers in MongoDB: ``_id`` (the holder's name), ``host``, ``pid`` and ``seen_at`` by the
database's clock. A TTL index removes those that were killed."""

from collections.abc import Sequence
from datetime import timedelta

from pymongo import DESCENDING

from videoflix.adapters.mongo.database import Database
from videoflix.models import WorkerSeen

WORKERS = "workers"


class MongoWorkerStore:
    """Implements ``videoflix.ports.WorkerStore``."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._workers = database.collection(WORKERS)

    async def seen(self, holder: str, host: str, pid: int) -> None:
        now = await self._database.now()
        async with self._database.operation():
            await self._workers.replace_one(
                {"_id": holder},
                {"_id": holder, "host": host, "pid": pid, "seen_at": now},
                upsert=True,
            )

    async def gone(self, holder: str) -> None:
        async with self._database.operation():
            await self._workers.delete_one({"_id": holder})

    async def alive(self, seconds: float) -> Sequence[WorkerSeen]:
        since = await self._database.now() - timedelta(seconds=seconds)
        async with self._database.operation():
            found = self._workers.find({"seen_at": {"$gte": since}}).sort("seen_at", DESCENDING)
            return [
                WorkerSeen(document["_id"], document["host"], document["pid"], document["seen_at"])
                async for document in found
            ]
