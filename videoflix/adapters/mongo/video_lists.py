"""Lists of videos for admins."""

from collections.abc import Sequence
from datetime import datetime

from pymongo import ASCENDING, DESCENDING
from pymongo.collation import Collation, CollationStrength

from videoflix.adapters.mongo.database import Database, Document, holding
from videoflix.adapters.mongo.video_records import (
    KEPT,
    PENDING,
    PROCESSING,
    VIDEOS,
    change_of,
    video_of,
)
from videoflix.models import DeletedVideo, Video, VideoPage, VideoQuery, VideoSort

_SEARCHED = ("title", "description", "category")
_WITHOUT_CASE = Collation("en", strength=CollationStrength.SECONDARY)


def _filter(query: VideoQuery) -> Document:
    wanted: Document = dict(KEPT)
    if query.status is not None:
        wanted["status"] = query.status.value
    if query.category is not None:
        wanted["category"] = query.category
    if words := query.search.split():
        wanted["$and"] = [
            {"$or": [{field: holding(word)} for field in _SEARCHED]} for word in words
        ]
    return wanted


def _order(sort: VideoSort) -> list[tuple[str, int]]:
    """Videos that are alike in what is sorted by have an order too: pages do not overlap."""
    direction = DESCENDING if sort.value.startswith("-") else ASCENDING
    return [(sort.value.removeprefix("-"), direction), ("_id", direction)]


class MongoVideoLists:
    """Implements ``videoflix.ports.VideoLists`` over the records of ``MongoVideoStore``."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._videos = database.collection(VIDEOS)

    async def now(self) -> datetime:
        return await self._database.now()

    async def page(
        self,
        query: VideoQuery,
        *,
        skip: int,
        limit: int,
        sort: VideoSort = VideoSort.NEWEST,
    ) -> VideoPage:
        wanted = _filter(query)
        async with self._database.operation():
            count = await self._videos.count_documents(wanted)
            found = self._videos.find(wanted).sort(_order(sort)).skip(skip).limit(limit)
            if sort in (VideoSort.TITLE, VideoSort.TITLE_DOWN):
                found = found.collation(_WITHOUT_CASE)
            return VideoPage(count, tuple([video_of(document) async for document in found]))

    async def categories(self) -> Sequence[str]:
        async with self._database.operation():
            found = await self._videos.distinct("category", {**KEPT, "category": {"$ne": ""}})
        return sorted(found, key=lambda name: (name.casefold(), name))

    async def ids(self, query: VideoQuery, *, limit: int) -> Sequence[int]:
        async with self._database.operation():
            found = self._videos.find(_filter(query), {"_id": True}).sort("_id", ASCENDING)
            return [document["_id"] async for document in found.limit(limit)]

    async def unfinished(self) -> Sequence[Video]:
        async with self._database.operation():
            found = self._videos.find({"status": {"$in": [PENDING, PROCESSING]}})
            return [video_of(document) async for document in found.sort("_id", ASCENDING)]

    async def changed_since(
        self, moment: datetime, *, limit: int | None = None
    ) -> Sequence[Video | DeletedVideo]:
        async with self._database.operation():
            found = self._videos.find({"updated_at": {"$gte": moment}})
            found = found.sort("updated_at", ASCENDING).limit(limit or 0)  # 0: all
            return [change_of(document) async for document in found]
