"""Lists of videos for admins."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from pymongo import ASCENDING

from videoflix.adapters.mongo.database import Database, Document
from videoflix.adapters.mongo.video_records import (
    NEWEST_FIRST,
    PENDING,
    PROCESSING,
    VIDEOS,
    video_of,
)
from videoflix.models import Video, VideoPage, VideoQuery


def _filter(query: VideoQuery) -> Document:
    return {} if query.status is None else {"status": query.status.value}


class MongoVideoLists:
    """Implements ``videoflix.ports.VideoLists`` over the records of ``MongoVideoStore``."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._videos = database.collection(VIDEOS)

    async def now(self) -> datetime:
        return await self._database.now()

    async def page(self, query: VideoQuery, *, skip: int, limit: int) -> VideoPage:
        wanted = _filter(query)
        async with self._database.operation():
            count = await self._videos.count_documents(wanted)
            found = self._videos.find(wanted).sort(NEWEST_FIRST).skip(skip).limit(limit)
            return VideoPage(count, tuple([video_of(document) async for document in found]))

    async def ids(self, query: VideoQuery, *, limit: int) -> Sequence[int]:
        async with self._database.operation():
            found = self._videos.find(_filter(query), {"_id": True}).sort("_id", ASCENDING)
            return [document["_id"] async for document in found.limit(limit)]

    async def unfinished(self) -> Sequence[Video]:
        return await self._sorted({"status": {"$in": [PENDING, PROCESSING]}}, "_id", limit=0)

    async def changed_since(self, moment: datetime, *, limit: int | None = None) -> Sequence[Video]:
        wanted = {"updated_at": {"$gte": moment}}
        return await self._sorted(wanted, "updated_at", limit=limit or 0)

    async def _sorted(self, wanted: dict[str, Any], by: str, *, limit: int) -> Sequence[Video]:
        """``limit`` 0: all."""
        async with self._database.operation():
            found = self._videos.find(wanted).sort(by, ASCENDING).limit(limit)
            return [video_of(document) async for document in found]
