"""Parts of films that are encoded in chunks, in MongoDB.

A record: ``_id`` (film, plan and index in one), ``video``, ``plan``, ``index``, the fields of
``models.ChunkSpec`` and ``models.Chunk``, ``token`` (the fence) and, while there is work to do,
``claimable_at``: the end of a pause (``waiting``) or of the lease (``running``). Records stay
after the film is ready, as a note of who encoded what; a TTL index removes them later.
"""

import secrets
from collections.abc import Mapping, Sequence
from contextlib import suppress
from datetime import datetime, timedelta
from typing import Any

from pymongo import ASCENDING, ReturnDocument
from pymongo.errors import DuplicateKeyError

from videoflix.adapters.mongo.database import Database, Document
from videoflix.adapters.mongo.video_records import PENDING, PROCESSING, VIDEOS
from videoflix.errors import LeaseLost
from videoflix.models import Chunk, ChunkLease, ChunkSpec, ChunkStatus

CHUNKS = "chunks"
_LOST = "Every worker that tried was lost while it encoded this part of the film."
_CANDIDATES = 1000

_BLOCKED, _WAITING, _RUNNING, _DONE, _FAILED = (
    status.value
    for status in (
        ChunkStatus.BLOCKED,
        ChunkStatus.WAITING,
        ChunkStatus.RUNNING,
        ChunkStatus.DONE,
        ChunkStatus.FAILED,
    )
)
_NO_PROGRESS: Document = {"share": 0.0, "frames": 0, "speed": 0.0}


def _id(video_id: int, plan: str, index: int) -> str:
    return f"{video_id}:{plan}:{index}"


def _spec(record: Mapping[str, Any]) -> ChunkSpec:
    return ChunkSpec(record["kind"], record["number"], record["weight"], record["waits"])


def _chunk(record: Mapping[str, Any]) -> Chunk:
    return Chunk(
        index=record["index"],
        spec=_spec(record),
        status=ChunkStatus(record["status"]),
        holder=record["holder"],
        attempts=record["attempts"],
        share=record["share"],
        frames=record["frames"],
        speed=record["speed"],
        folder=record["folder"],
        reason=record["reason"],
        is_whole_only=record["is_whole_only"],
    )


class MongoChunkStore:
    """Implements ``videoflix.ports.ChunkStore``."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._chunks = database.collection(CHUNKS)
        self._videos = database.collection(VIDEOS)

    async def begin(self, video_id: int, plan: str, specs: Sequence[ChunkSpec]) -> None:
        now = await self._database.now()
        async with self._database.operation():
            await self._chunks.delete_many(
                {"video": video_id, "$or": [{"plan": {"$ne": plan}}, {"status": _FAILED}]}
            )
        for index, spec in enumerate(specs):
            record: Document = {
                "_id": _id(video_id, plan, index),
                "video": video_id,
                "plan": plan,
                "index": index,
                "kind": spec.kind,
                "number": spec.number,
                "weight": spec.weight,
                "waits": spec.waits,
                "status": _BLOCKED if spec.waits else _WAITING,
                "holder": "",
                "attempts": 0,
                **_NO_PROGRESS,
                "folder": "",
                "reason": "",
                "is_whole_only": False,
                "title_frames": 0,
                "updated_at": now,
            }
            if not spec.waits:
                record["claimable_at"] = now
            async with self._database.operation():
                with suppress(DuplicateKeyError):
                    await self._chunks.insert_one(record)

    async def list(self, video_id: int, plan: str) -> Sequence[Chunk]:
        async with self._database.operation():
            found = self._chunks.find({"video": video_id, "plan": plan}).sort("index", ASCENDING)
            return [_chunk(record) async for record in found]

    async def claim(
        self, holder: str, seconds: float, max_attempts: int, video_id: int | None = None
    ) -> ChunkLease | None:
        now = await self._database.now()
        due: Document = {"status": {"$in": [_WAITING, _RUNNING]}, "claimable_at": {"$lte": now}}
        await self._give_up(now, max_attempts)
        films = [video_id] if video_id is not None else await self._films(due)
        for film in films:
            lease = await self._claim({**due, "video": film}, holder, seconds, now)
            if lease is not None:
                return lease
        return None

    async def _films(self, due: Document) -> Sequence[int]:
        """Films with parts to do that are being encoded, oldest first."""
        async with self._database.operation():
            found = self._chunks.find(due, {"video": True}).sort("video", ASCENDING)
            films = list(
                dict.fromkeys([record["video"] async for record in found.limit(_CANDIDATES)])
            )
            wanted = {"_id": {"$in": films}, "status": PROCESSING}
            active = {record["_id"] async for record in self._videos.find(wanted, {"_id": True})}
        return [film for film in films if film in active]

    async def _claim(
        self, due: Document, holder: str, seconds: float, now: datetime
    ) -> ChunkLease | None:
        token = secrets.token_hex(16)
        expires_at = now + timedelta(seconds=seconds)
        async with self._database.operation():
            record = await self._chunks.find_one_and_update(
                due,
                {
                    "$set": {
                        "status": _RUNNING,
                        "holder": holder,
                        "token": token,
                        "claimable_at": expires_at,
                        **_NO_PROGRESS,
                        "updated_at": now,
                    },
                    "$inc": {"attempts": 1},
                },
                sort=[("index", ASCENDING)],
                return_document=ReturnDocument.AFTER,
            )
        if record is None:
            return None
        return ChunkLease(
            video_id=record["video"],
            plan=record["plan"],
            index=record["index"],
            spec=_spec(record),
            frames=record["title_frames"],
            token=token,
            attempt=record["attempts"],
            expires_at=expires_at,
        )

    async def _give_up(self, now: datetime, max_attempts: int) -> None:
        used_up = {
            "status": _RUNNING,
            "claimable_at": {"$lte": now},
            "attempts": {"$gte": max_attempts},
        }
        async with self._database.operation():
            await self._chunks.update_many(
                used_up,
                {
                    "$set": {"status": _FAILED, "reason": _LOST, "updated_at": now},
                    "$unset": {"claimable_at": "", "token": ""},
                },
            )

    async def renew(
        self, lease: ChunkLease, seconds: float, *, share: float, frames: int, speed: float
    ) -> None:
        now = await self._database.now()
        wanted = {"_id": lease.video_id, "status": {"$in": [PENDING, PROCESSING]}}
        async with self._database.operation():
            film = await self._videos.find_one(wanted, {"_id": True})
        if film is None:
            raise LeaseLost("The film is no longer to be encoded.")
        progress = {"share": share, "frames": frames, "speed": speed}
        expires_at = now + timedelta(seconds=seconds)
        await self._write(
            lease, {"$set": {"claimable_at": expires_at, "updated_at": now, **progress}}
        )

    async def finish(self, lease: ChunkLease, folder: str) -> None:
        done = {"status": _DONE, "folder": folder, "share": 1.0, "speed": 0.0, "reason": ""}
        try:
            await self._end(lease, done)
        except LeaseLost:
            async with self._database.operation():
                finished = await self._chunks.find_one(
                    {"_id": _key(lease), "status": _DONE, "folder": folder}
                )
            if finished is None:
                raise

    async def fail(self, lease: ChunkLease, reason: str, *, is_whole_only: bool = False) -> None:
        failed = {"status": _FAILED, "reason": reason, "is_whole_only": is_whole_only}
        await self._end(lease, failed)

    async def give_back(self, lease: ChunkLease, reason: str, *, pause: float, spent: bool) -> None:
        now = await self._database.now()
        changes: Document = {
            "$set": {
                "status": _WAITING,
                "reason": reason,
                "claimable_at": now + timedelta(seconds=pause),
                **_NO_PROGRESS,
                "updated_at": now,
            },
            "$unset": {"token": ""},
        }
        if not spent:
            changes["$inc"] = {"attempts": -1}
        await self._write(lease, changes)

    async def release(self, video_id: int, plan: str, frames: int) -> None:
        now = await self._database.now()
        free = {"status": _WAITING, "claimable_at": now, "title_frames": frames}
        async with self._database.operation():
            await self._chunks.update_many(
                {"video": video_id, "plan": plan, "status": _BLOCKED},
                {"$set": {**free, "updated_at": now}},
            )

    async def reset(self, video_id: int, plan: str, index: int) -> None:
        now = await self._database.now()
        again = {"status": _WAITING, "claimable_at": now, "folder": "", **_NO_PROGRESS}
        async with self._database.operation():
            await self._chunks.update_one(
                {"_id": _id(video_id, plan, index), "status": _DONE},
                {"$set": {**again, "updated_at": now}},
            )

    async def withdraw(self, video_id: int) -> None:
        now = await self._database.now()
        async with self._database.operation():
            await self._chunks.update_many(
                {"video": video_id, "status": _RUNNING},
                {
                    "$set": {"status": _WAITING, "claimable_at": now, **_NO_PROGRESS},
                    "$unset": {"token": ""},
                },
            )

    async def drop(self, video_id: int, *, keep_finished: bool) -> None:
        async with self._database.operation():
            if keep_finished:
                unfinished = {"video": video_id, "status": {"$ne": _DONE}}
                if await self._chunks.find_one(unfinished) is None:
                    return
            await self._chunks.delete_many({"video": video_id})

    async def _end(self, lease: ChunkLease, fields: Document) -> None:
        now = await self._database.now()
        await self._write(
            lease,
            {
                "$set": {**fields, "updated_at": now},
                "$unset": {"claimable_at": "", "token": ""},
            },
        )

    async def _write(self, lease: ChunkLease, changes: Document) -> None:
        held = {"_id": _key(lease), "status": _RUNNING, "token": lease.token}
        async with self._database.operation():
            result = await self._chunks.update_one(held, changes)
        if result.matched_count == 0:
            raise LeaseLost("Another worker has taken this part over, or it was withdrawn.")


def _key(lease: ChunkLease) -> str:
    return _id(lease.video_id, lease.plan, lease.index)
