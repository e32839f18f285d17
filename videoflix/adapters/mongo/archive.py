"""The database for backups: BSON documents one after the other, the form of ``mongodump``.

Every collection is either in a backup or named here as left out; a test compares.
"""

from collections.abc import AsyncIterator, Collection, Sequence
from dataclasses import dataclass
from typing import Any, BinaryIO

import bson
from bson.codec_options import CodecOptions

from videoflix.adapters.mongo.database import COUNTERS, INDEX_SECONDS, Database, Document
from videoflix.adapters.mongo.losses import changes_for_losses
from videoflix.adapters.mongo.migrations import MIGRATIONS, migrate, rewind
from videoflix.adapters.mongo.positions import POSITIONS
from videoflix.adapters.mongo.users import USERS
from videoflix.adapters.mongo.video_records import KEPT, PENDING, PROCESSING, VIDEOS

# Counters last: no id is given again that anything in the backup may name.
COLLECTIONS = (USERS, POSITIONS, COUNTERS)
# Who is signed in, mails and work under way, who is alive.
LEFT_OUT = ("sessions", "reset_mails", "chunks", "workers")
STATE = "migrations"
_AT_ONCE = 500
_CODEC: CodecOptions[Document] = CodecOptions(tz_aware=True)
_OF_THE_MOMENT = ("holder", "token", "replaced", "source_to_delete")


@dataclass(frozen=True, slots=True)
class MongoFilmRecord:
    """See ``ports.FilmRecord``."""

    document: Document

    @property
    def id(self) -> int:
        return int(self.document["_id"])

    @property
    def generation(self) -> str | None:
        found: str | None = self.document["generation"]
        return found

    @property
    def has_source(self) -> bool:
        return bool(self.document["has_source"])

    def portable(self, *, has_title: bool, has_source: bool) -> bytes:
        kept = {key: value for key, value in self.document.items() if key not in _OF_THE_MOMENT}
        if kept["status"] == PROCESSING:  # what its worker makes is not in the backup
            kept |= {"status": PENDING, "attempts": max(0, kept["attempts"] - 1)}
        lost_title = self.generation is not None and not has_title
        lost_source = self.has_source and not has_source
        if lost_title or lost_source:
            moment = kept["updated_at"]
            changes = changes_for_losses(
                kept, lost_title=lost_title, lost_source=lost_source, now=moment
            )
            gone = changes.get("$unset", {})
            kept = {key: value for key, value in kept.items() if key not in gone}
            kept |= changes["$set"]
        return bson.encode(kept)


class MongoArchive:
    """Implements ``videoflix.ports.Archive``."""

    collections = COLLECTIONS
    version = len(MIGRATIONS)

    def __init__(self, database: Database) -> None:
        self._database = database

    async def film_ids(self) -> Sequence[int]:
        async with self._database.operation(INDEX_SECONDS):
            found = self._database.collection(VIDEOS).find(dict(KEPT), {"_id": True}).sort("_id")
            return [record["_id"] async for record in found]

    async def film(self, video_id: int) -> MongoFilmRecord | None:
        async with self._database.operation():
            record = await self._database.collection(VIDEOS).find_one({"_id": video_id, **KEPT})
        return None if record is None else MongoFilmRecord(record)

    async def documents(self, name: str, films: Collection[int]) -> AsyncIterator[bytes]:
        async with self._database.operation(INDEX_SECONDS):
            async for document in self._database.collection(name).find().sort("_id"):
                if name == USERS:
                    if "lapses_at" in document:
                        continue
                    document["links"] = []
                elif name == POSITIONS and document["video"] not in films:
                    continue
                yield bson.encode(document)

    async def in_the_way(self) -> Sequence[str]:
        found = []
        for name in (VIDEOS, *COLLECTIONS):
            async with self._database.operation():
                if await self._database.collection(name).find_one({}, {"_id": True}):
                    found.append(name)
        return found

    async def clear(self) -> None:
        for name in (VIDEOS, *COLLECTIONS, *LEFT_OUT):
            async with self._database.operation(INDEX_SECONDS):
                await self._database.collection(name).delete_many({})

    async def put(self, name: str, file: BinaryIO) -> int:
        count = 0
        batch: list[dict[str, Any]] = []
        for document in bson.decode_file_iter(file, _CODEC):
            batch.append(document)
            if len(batch) == _AT_ONCE:
                count += await self._insert(name, batch)
                batch = []
        return count + await self._insert(name, batch)

    async def _insert(self, name: str, batch: list[dict[str, Any]]) -> int:
        if batch:
            async with self._database.operation(INDEX_SECONDS):
                await self._database.collection(name).insert_many(batch)
        return len(batch)

    async def update(self, version: int) -> None:
        await rewind(self._database, version)
        await migrate(self._database, MIGRATIONS)
