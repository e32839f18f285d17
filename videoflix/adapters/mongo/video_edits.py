"""What admins change of video records, beside their jobs."""

from collections.abc import Mapping
from typing import Any

from pymongo import ReturnDocument

from videoflix.adapters.mongo.catalogue_version import CatalogueVersion
from videoflix.adapters.mongo.database import Database
from videoflix.adapters.mongo.video_records import KEPT, VIDEOS, video_of
from videoflix.models import Video


class MongoVideoEdits:
    """Implements ``videoflix.ports.VideoEdits`` over the records of ``MongoVideoStore``."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._videos = database.collection(VIDEOS)
        self._catalogue = CatalogueVersion(database)

    async def edit(self, video_id: int, changes: Mapping[str, str]) -> Video | None:
        return await self._change(video_id, {"$set": dict(changes)})

    async def set_own_thumbnail(self, video_id: int, *, is_own: bool) -> Video | None:
        changes = {"$set": {"has_own_thumbnail": is_own}, "$inc": {"thumbnail_version": 1}}
        return await self._change(video_id, changes)

    async def _change(self, video_id: int, changes: dict[str, Any]) -> Video | None:
        now = await self._database.now()
        update = {**changes, "$set": {**changes.get("$set", {}), "updated_at": now}}
        async with self._database.operation():
            document = await self._videos.find_one_and_update(
                {"_id": video_id, **KEPT}, update, return_document=ReturnDocument.AFTER
            )
        if document is None:
            return None
        await self._catalogue.changed()
        return video_of(document)
