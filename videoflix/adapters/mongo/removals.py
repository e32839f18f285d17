"""Notes of deleted videos, among the records of videos (``video_records``)."""

from collections.abc import Sequence
from datetime import timedelta

from videoflix.adapters.mongo.catalogue_version import CatalogueVersion
from videoflix.adapters.mongo.database import Database
from videoflix.adapters.mongo.video_records import DELETED, KEPT, VIDEOS


class MongoRemovalStore:
    """Implements ``videoflix.ports.RemovalStore``."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._videos = database.collection(VIDEOS)
        self._catalogue = CatalogueVersion(database)

    async def delete(self, video_id: int) -> bool:
        now = await self._database.now()
        async with self._database.operation():
            result = await self._videos.replace_one(
                {"_id": video_id, **KEPT}, {"status": DELETED, "updated_at": now}
            )
        if result.matched_count:
            await self._catalogue.changed()
        return bool(result.matched_count)

    async def is_deleted(self, video_id: int) -> bool:
        async with self._database.operation():
            note = await self._videos.find_one({"_id": video_id, "status": DELETED}, {"_id": True})
        return note is not None

    async def deleted(self) -> Sequence[int]:
        async with self._database.operation():
            notes = self._videos.find({"status": DELETED}, {"_id": True})
            return [note["_id"] async for note in notes]

    async def forget(self, seconds: float) -> int:
        oldest = await self._database.now() - timedelta(seconds=seconds)
        async with self._database.operation():
            result = await self._videos.delete_many(
                {"status": DELETED, "updated_at": {"$lt": oldest}}
            )
        return int(result.deleted_count)
