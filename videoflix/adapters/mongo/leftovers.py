"""What video records say about folders and files that are to be deleted."""

from collections.abc import Collection, Sequence
from datetime import timedelta

from videoflix.adapters.mongo.database import Database
from videoflix.adapters.mongo.video_records import FAILED, READY, VIDEOS


class MongoLeftoverStore:
    """Implements ``videoflix.ports.LeftoverStore`` over the records of ``MongoVideoStore``."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._videos = database.collection(VIDEOS)

    async def generations_of(self, video_id: int) -> Collection[str]:
        async with self._database.operation():
            record = await self._videos.find_one(
                {"_id": video_id}, {"generation": True, "token": True, "replaced": True}
            )
        if record is None:
            return frozenset()
        replaced = [entry["generation"] for entry in record.get("replaced", [])]
        names = (record.get("generation"), record.get("token"), *replaced)
        return frozenset(name for name in names if name is not None)

    async def replaced(self, seconds: float) -> Sequence[tuple[int, str]]:
        oldest = await self._database.now() - timedelta(seconds=seconds)
        async with self._database.operation():
            records = self._videos.find({"replaced.at": {"$lte": oldest}}, {"replaced": True})
            return [
                (record["_id"], entry["generation"])
                async for record in records
                for entry in record["replaced"]
                if entry["at"] <= oldest
            ]

    async def forget_replaced(self, video_id: int, generation: str) -> None:
        async with self._database.operation():
            await self._videos.update_one(
                {"_id": video_id}, {"$pull": {"replaced": {"generation": generation}}}
            )

    async def failed(self) -> Sequence[int]:
        async with self._database.operation():
            found = self._videos.find({"status": FAILED}, {"_id": True})
            return [record["_id"] async for record in found]

    async def given_up_sources(self) -> Sequence[int]:
        # The status says the same again: a source is the one thing that nobody can make anew.
        wanted = {"source_to_delete": True, "has_source": False, "status": READY}
        async with self._database.operation():
            return [record["_id"] async for record in self._videos.find(wanted, {"_id": True})]

    async def forget_source(self, video_id: int) -> None:
        async with self._database.operation():
            await self._videos.update_one({"_id": video_id}, {"$unset": {"source_to_delete": ""}})
