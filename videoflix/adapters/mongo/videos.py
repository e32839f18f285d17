"""Videos in MongoDB, and in them the state of each encoding job.

The fields of a record: ``video_records``.

Moments come from ``Database.now``. A clock read a moment early makes a claim too late or a lease
too short, never two leases: the update itself decides which worker gets the job.
"""

import secrets
from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta

from pymongo import ASCENDING, ReturnDocument
from pymongo.errors import DuplicateKeyError

from videoflix.adapters.mongo.catalogue_version import CatalogueVersion
from videoflix.adapters.mongo.database import Database, Document
from videoflix.adapters.mongo.video_records import (
    FAILED,
    KEPT,
    NEWEST_FIRST,
    PENDING,
    PROCESSING,
    READY,
    VIDEOS,
    facts_document,
    video_of,
)
from videoflix.errors import Conflict, LeaseLost
from videoflix.models import EncodeProgress, Lease, TitleFacts, Video, VideoDetails

_NO_JOB = {"claimable_at": "", "holder": "", "token": ""}
_NO_PROGRESS: Document = {
    "progress": 0,
    "stage": "",
    "frames": 0,
    "speed": 0.0,
    "seconds_left": None,
}
_ENDED: Document = {"stage": "", "seconds_left": None}
_GIVEN_UP = "Given up: every worker that tried was lost while it encoded this film."


def _held(lease: Lease) -> Document:
    return {"_id": lease.video_id, "status": PROCESSING, "token": lease.token}


class MongoVideoStore:
    """Implements ``videoflix.ports.VideoStore``."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._videos = database.collection(VIDEOS)
        self._catalogue = CatalogueVersion(database)

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
            "status": PENDING,
            **_NO_PROGRESS,
            "error": "",
            "last_failure": "",
            "attempts": 0,
            "generation": None,
            "has_source": True,
            "source_size": source_size,
            "has_own_thumbnail": has_own_thumbnail,
            "created_at": now,
            "updated_at": now,
            "claimable_at": now,
        }
        async with self._database.operation():
            try:
                await self._videos.insert_one(document)
            except DuplicateKeyError as error:
                raise Conflict("There is a video of this id.") from error
        return video_of(document)

    async def find(self, video_id: int) -> Video | None:
        async with self._database.operation():
            document = await self._videos.find_one({"_id": video_id, **KEPT})
        return None if document is None else video_of(document)

    async def list_ready(self) -> Sequence[Video]:
        async with self._database.operation():
            found = self._videos.find({"generation": {"$ne": None}}).sort(NEWEST_FIRST)
            return [video_of(document) async for document in found]

    async def catalogue_version(self) -> int:
        return await self._catalogue.now()

    async def claim(self, holder: str, seconds: float, max_attempts: int) -> Lease | None:
        now = await self._database.now()
        await self._give_up(now, max_attempts)
        token = secrets.token_hex(16)
        expires_at = now + timedelta(seconds=seconds)
        async with self._database.operation():
            document = await self._videos.find_one_and_update(
                {"status": {"$in": [PENDING, PROCESSING]}, "claimable_at": {"$lte": now}},
                {
                    "$set": {
                        "status": PROCESSING,
                        "holder": holder,
                        "token": token,
                        "claimable_at": expires_at,
                        **_NO_PROGRESS,
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
        return Lease(document["_id"], token, document["attempts"], expires_at, holder)

    async def due_in(self) -> float | None:
        now = await self._database.now()
        async with self._database.operation():
            next_one = await self._videos.find_one(
                {"status": {"$in": [PENDING, PROCESSING]}},
                projection=["claimable_at"],
                sort=[("claimable_at", ASCENDING)],
            )
        if next_one is None:
            return None
        seconds: float = (next_one["claimable_at"] - now).total_seconds()
        return max(0.0, seconds)

    async def renew(self, lease: Lease, seconds: float, progress: EncodeProgress) -> Lease:
        now = await self._database.now()
        expires_at = now + timedelta(seconds=seconds)
        await self._write(
            lease,
            {
                "$set": {
                    "claimable_at": expires_at,
                    "stage": progress.stage,
                    "speed": progress.speed,
                    "seconds_left": progress.seconds_left,
                    "updated_at": now,
                },
                "$max": {"progress": int(progress.percent), "frames": progress.frames},
            },
        )
        return replace(lease, expires_at=expires_at)

    async def publish(
        self,
        lease: Lease,
        generation: str,
        *,
        facts: TitleFacts | None = None,
        keep_source: bool = True,
    ) -> None:
        now = await self._database.now()
        ready: Document = {
            "status": READY,
            "generation": generation,
            "facts": facts_document(facts),
            "progress": 100,
            "error": "",
            "last_failure": "",
            **_ENDED,
            "updated_at": now,
        }
        if not keep_source:
            ready |= {"has_source": False, "source_to_delete": True}
        changes: Document = {"$set": ready, "$unset": _NO_JOB}
        try:
            # Under the lease nobody else changes it.
            if before := await self._published_before(lease):
                changes["$push"] = {"replaced": {"generation": before, "at": now}}
            await self._write(lease, changes)
        except LeaseLost:
            # Or it is published already, and the answer was lost: a generation has one attempt,
            # whatever has become of the film since.
            named = [{"generation": generation}, {"replaced.generation": generation}]
            async with self._database.operation():
                published = await self._videos.find_one({"_id": lease.video_id, "$or": named})
            if published is None:
                raise
        await self._catalogue.changed()

    async def _published_before(self, lease: Lease) -> str | None:
        async with self._database.operation():
            record = await self._videos.find_one(_held(lease), {"generation": True})
        return None if record is None else record["generation"]

    async def fail(self, lease: Lease, reason: str) -> None:
        now = await self._database.now()
        failed = {"status": FAILED, "error": reason, "last_failure": reason}
        await self._write(
            lease, {"$set": {**failed, **_ENDED, "updated_at": now}, "$unset": _NO_JOB}
        )

    async def give_back(self, lease: Lease, reason: str, *, pause: float, spent: bool) -> None:
        now = await self._database.now()
        changed: Document = {
            "$set": {
                "status": PENDING,
                "error": reason,
                **_ENDED,
                "claimable_at": now + timedelta(seconds=pause),
                "updated_at": now,
            },
            "$unset": {"holder": "", "token": ""},
        }
        if spent:
            changed["$set"]["last_failure"] = reason
        else:
            changed["$inc"] = {"attempts": -1}
        await self._write(lease, changed)

    async def cancel(self, video_id: int, reason: str) -> Video | None:
        now = await self._database.now()
        # A published encode stays what viewers get. Only ``publish`` changes ``generation``, and
        # it ends the job: what matches neither line is no job any more.
        failed: Document = {"status": FAILED, "error": reason, **_ENDED}
        ready: Document = {"status": READY, "error": "", **_ENDED, "progress": 100}
        for wanted, fields in (
            ({"generation": None}, failed),
            ({"generation": {"$ne": None}}, ready),
        ):
            document = await self._changed(
                {"_id": video_id, "status": {"$in": [PENDING, PROCESSING]}, **wanted},
                {"$set": {**fields, "updated_at": now}, "$unset": _NO_JOB},
            )
            if document is not None:
                return video_of(document)
        return None

    async def retry(self, video_id: int) -> Video | None:
        return await self._wait_again(video_id, FAILED)

    async def encode_again(self, video_id: int) -> Video | None:
        return await self._wait_again(video_id, READY, FAILED)

    async def _wait_again(self, video_id: int, *statuses: str) -> Video | None:
        now = await self._database.now()
        again = {
            "status": PENDING,
            **_NO_PROGRESS,
            "error": "",
            "last_failure": "",
            "attempts": 0,
            "claimable_at": now,
            "updated_at": now,
        }
        wanted = {"status": {"$in": list(statuses)}, "has_source": {"$ne": False}}
        document = await self._changed({"_id": video_id, **wanted}, {"$set": again})
        return None if document is None else video_of(document)

    async def _changed(self, wanted: Document, changes: Document) -> Document | None:
        """The record after the change; None when none is as wanted."""
        async with self._database.operation():
            found: Document | None = await self._videos.find_one_and_update(
                wanted, changes, return_document=ReturnDocument.AFTER
            )
        return found

    async def _give_up(self, now: datetime, max_attempts: int) -> None:
        """Fail what has used up its attempts: its last worker was killed before it could."""
        used_up = {"claimable_at": {"$lte": now}, "attempts": {"$gte": max_attempts}}
        failed = {"status": FAILED, **_ENDED, "updated_at": now}
        async with self._database.operation():
            await self._videos.update_many(
                {"status": PROCESSING, **used_up},
                {
                    "$set": {**failed, "error": _GIVEN_UP, "last_failure": _GIVEN_UP},
                    "$unset": _NO_JOB,
                },
            )
            await self._videos.update_many(
                {"status": PENDING, **used_up}, {"$set": failed, "$unset": _NO_JOB}
            )

    async def _write(self, lease: Lease, changes: Document) -> None:
        async with self._database.operation():
            result = await self._videos.update_one(_held(lease), changes)
        if result.matched_count == 0:
            raise LeaseLost("Another worker has taken this job over, or it was withdrawn.")
