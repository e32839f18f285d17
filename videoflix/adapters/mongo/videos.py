"""Videos in MongoDB, and in them the state of each encoding job.

Beside the fields of ``models.Video`` a record holds ``claimable_at``, present while there is
work to do: the end of a pause (``pending``) or of the lease (``processing``); and, while
``processing``, ``holder`` and ``token``. ``token`` is the fence: every write of a worker names it.

Moments come from ``Database.now``. A clock read a moment early makes a claim too late or a lease
too short, never two leases: the update itself decides which worker gets the job.
"""

import secrets
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from pymongo import ASCENDING, DESCENDING, IndexModel, ReturnDocument

from videoflix.adapters.mongo.database import Database, Document
from videoflix.errors import LeaseLost
from videoflix.models import Lease, ProcessingStatus, Video, VideoDetails

VIDEOS = "videos"
_INDEXES = (
    IndexModel([("status", ASCENDING), ("claimable_at", ASCENDING)]),
    IndexModel([("status", ASCENDING), ("created_at", DESCENDING), ("_id", DESCENDING)]),
)
_NO_JOB = {"claimable_at": "", "holder": "", "token": ""}
_GIVEN_UP = "Given up: every worker that tried was lost while it encoded this film."

_PENDING = ProcessingStatus.PENDING.value
_PROCESSING = ProcessingStatus.PROCESSING.value
_READY = ProcessingStatus.READY.value
_FAILED = ProcessingStatus.FAILED.value


def _video(document: Mapping[str, Any]) -> Video:
    return Video(
        id=document["_id"],
        title=document["title"],
        description=document["description"],
        category=document["category"],
        status=ProcessingStatus(document["status"]),
        progress=document["progress"],
        error=document["error"],
        attempts=document["attempts"],
        generation=document["generation"],
        source_size=document["source_size"],
        has_own_thumbnail=document["has_own_thumbnail"],
        created_at=document["created_at"],
        updated_at=document["updated_at"],
    )


def _held(lease: Lease) -> Document:
    return {"_id": lease.video_id, "status": _PROCESSING, "token": lease.token}


class MongoVideoStore:
    """Implements ``videoflix.ports.VideoStore``."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._videos = database.collection(VIDEOS)

    async def ensure_indexes(self) -> None:
        await self._database.ensure_indexes(VIDEOS, _INDEXES)

    async def next_id(self) -> int:
        return await self._database.next_id(VIDEOS)

    async def add(
        self, video_id: int, details: VideoDetails, *, source_size: int, has_own_thumbnail: bool
    ) -> Video:
        now = await self._database.now()
        document: Document = {
            "_id": video_id,
            "title": details.title,
            "description": details.description,
            "category": details.category,
            "status": _PENDING,
            "progress": 0,
            "error": "",
            "attempts": 0,
            "generation": None,
            "source_size": source_size,
            "has_own_thumbnail": has_own_thumbnail,
            "created_at": now,
            "updated_at": now,
            "claimable_at": now,
        }
        async with self._database.operation():
            await self._videos.insert_one(document)
        return _video(document)

    async def find(self, video_id: int) -> Video | None:
        async with self._database.operation():
            document = await self._videos.find_one({"_id": video_id})
        return None if document is None else _video(document)

    async def list_ready(self) -> Sequence[Video]:
        newest_first = [("created_at", DESCENDING), ("_id", DESCENDING)]
        async with self._database.operation():
            found = self._videos.find({"status": _READY}).sort(newest_first)
            return [_video(document) async for document in found]

    async def claim(self, holder: str, seconds: float, max_attempts: int) -> Lease | None:
        now = await self._database.now()
        await self._give_up(now, max_attempts)
        token = secrets.token_hex(16)
        expires_at = now + timedelta(seconds=seconds)
        async with self._database.operation():
            document = await self._videos.find_one_and_update(
                {"status": {"$in": [_PENDING, _PROCESSING]}, "claimable_at": {"$lte": now}},
                {
                    "$set": {
                        "status": _PROCESSING,
                        "holder": holder,
                        "token": token,
                        "claimable_at": expires_at,
                        "progress": 0,
                        "error": "",
                        "updated_at": now,
                    },
                    "$inc": {"attempts": 1},
                },
                sort=[("_id", ASCENDING)],
                return_document=ReturnDocument.AFTER,
            )
        if document is None:
            return None
        return Lease(document["_id"], token, document["attempts"], expires_at)

    async def renew(self, lease: Lease, seconds: float, progress: int) -> Lease:
        now = await self._database.now()
        expires_at = now + timedelta(seconds=seconds)
        await self._write(
            lease,
            {
                "$set": {"claimable_at": expires_at, "updated_at": now},
                "$max": {"progress": progress},
            },
        )
        return Lease(lease.video_id, lease.token, lease.attempt, expires_at)

    async def publish(self, lease: Lease, generation: str) -> None:
        ready = {"status": _READY, "generation": generation, "progress": 100, "error": ""}
        try:
            await self._end(lease, ready)
        except LeaseLost:
            async with self._database.operation():
                published = await self._videos.find_one(
                    {"_id": lease.video_id, "status": _READY, "generation": generation}
                )
            if published is None:
                raise

    async def fail(self, lease: Lease, reason: str) -> None:
        await self._end(lease, {"status": _FAILED, "error": reason})

    async def give_back(self, lease: Lease, reason: str, *, pause: float, spent: bool) -> None:
        now = await self._database.now()
        changed: Document = {
            "$set": {
                "status": _PENDING,
                "error": reason,
                "claimable_at": now + timedelta(seconds=pause),
                "updated_at": now,
            },
            "$unset": {"holder": "", "token": ""},
        }
        if not spent:
            changed["$inc"] = {"attempts": -1}
        await self._write(lease, changed)

    async def retry(self, video_id: int) -> Video | None:
        now = await self._database.now()
        again = {
            "status": _PENDING,
            "error": "",
            "attempts": 0,
            "progress": 0,
            "claimable_at": now,
            "updated_at": now,
        }
        async with self._database.operation():
            document = await self._videos.find_one_and_update(
                {"_id": video_id, "status": _FAILED},
                {"$set": again},
                return_document=ReturnDocument.AFTER,
            )
        return None if document is None else _video(document)

    async def _give_up(self, now: datetime, max_attempts: int) -> None:
        """Fail what has used up its attempts: its last worker was killed before it could."""
        used_up = {"claimable_at": {"$lte": now}, "attempts": {"$gte": max_attempts}}
        failed = {"status": _FAILED, "updated_at": now}
        async with self._database.operation():
            await self._videos.update_many(
                {"status": _PROCESSING, **used_up},
                {"$set": {**failed, "error": _GIVEN_UP}, "$unset": _NO_JOB},
            )
            await self._videos.update_many(
                {"status": _PENDING, **used_up}, {"$set": failed, "$unset": _NO_JOB}
            )

    async def _end(self, lease: Lease, fields: Document) -> None:
        now = await self._database.now()
        await self._write(lease, {"$set": {**fields, "updated_at": now}, "$unset": _NO_JOB})

    async def _write(self, lease: Lease, changes: Document) -> None:
        async with self._database.operation():
            result = await self._videos.update_one(_held(lease), changes)
        if result.matched_count == 0:
            raise LeaseLost("Another worker has taken this job over, or it was withdrawn.")
