"""Sessions in MongoDB: ``_id`` (the session's id), ``user_id``, ``created_at``, ``expires_at`` (a
TTL index removes what has expired) and, once revoked, ``revoked_at`` by the database's clock."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from pymongo import IndexModel

from videoflix.adapters.mongo.database import Database
from videoflix.models import Session

SESSIONS = "sessions"
_INDEXES = (
    IndexModel("expires_at", expireAfterSeconds=0),
    IndexModel("user_id"),
    IndexModel("revoked_at", sparse=True),
)


class MongoSessionStore:
    """Implements ``videoflix.ports.SessionStore``."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._sessions = database.collection(SESSIONS)

    async def ensure_indexes(self) -> None:
        await self._database.ensure_indexes(SESSIONS, _INDEXES)

    async def add(self, session: Session) -> None:
        async with self._database.operation():
            await self._sessions.insert_one(
                {
                    "_id": session.id,
                    "user_id": session.user_id,
                    "created_at": session.created_at,
                    "expires_at": session.expires_at,
                }
            )

    async def find(self, session_id: str) -> Session | None:
        async with self._database.operation():
            document = await self._sessions.find_one({"_id": session_id})
        if document is None:
            return None
        return Session(
            id=document["_id"],
            user_id=document["user_id"],
            created_at=document["created_at"],
            expires_at=document["expires_at"],
            is_revoked="revoked_at" in document,
        )

    async def revoke(self, session_id: str) -> bool:
        return await self._revoke({"_id": session_id}) > 0

    async def revoke_all(self, user_id: int) -> None:
        await self._revoke({"user_id": user_id})

    async def _revoke(self, query: dict[str, Any]) -> int:
        async with self._database.operation():
            result = await self._sessions.update_many(
                {**query, "revoked_at": {"$exists": False}},
                {"$currentDate": {"revoked_at": True}},
            )
        return int(result.modified_count)

    async def now(self) -> datetime:
        return await self._database.now()

    async def revoked_since(self, moment: datetime) -> Sequence[str]:
        async with self._database.operation():
            found = self._sessions.find({"revoked_at": {"$gte": moment}}, {"_id": 1})
            return [document["_id"] async for document in found]
