"""Sessions in MongoDB: ``_id`` (the session's id), ``user_id``, ``created_at``, ``expires_at`` (a
TTL index removes what has expired), ``used_at``, who signed in (``address``, ``user_agent``) and,
once revoked, ``revoked_at`` by the database's clock, and no longer who it was."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from pymongo import ASCENDING, DESCENDING, ReturnDocument

from videoflix.adapters.mongo.database import Database, Document
from videoflix.models import Session, Visitor

SESSIONS = "sessions"
_OPEN = {"revoked_at": {"$exists": False}}


def _session(document: Document) -> Session:
    return Session(
        id=document["_id"],
        user_id=document["user_id"],
        created_at=document["created_at"],
        expires_at=document["expires_at"],
        used_at=document["used_at"],
        visitor=Visitor(document.get("address", ""), document.get("user_agent", "")),
        is_revoked="revoked_at" in document,
    )


class MongoSessionStore:
    """Implements ``videoflix.ports.SessionStore``."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._sessions = database.collection(SESSIONS)

    async def add(self, session: Session) -> None:
        async with self._database.operation():
            await self._sessions.insert_one(
                {
                    "_id": session.id,
                    "user_id": session.user_id,
                    "created_at": session.created_at,
                    "expires_at": session.expires_at,
                    "used_at": session.used_at,
                    "address": session.visitor.address,
                    "user_agent": session.visitor.user_agent,
                }
            )

    async def find(self, session_id: str) -> Session | None:
        async with self._database.operation():
            document = await self._sessions.find_one({"_id": session_id})
        return None if document is None else _session(document)

    async def use(self, session_id: str) -> Session | None:
        async with self._database.operation():
            document = await self._sessions.find_one_and_update(
                {"_id": session_id, **_OPEN},
                {"$set": {"used_at": datetime.now(UTC)}},
                return_document=ReturnDocument.AFTER,
            )
        return None if document is None else _session(document)

    async def list_open(self, user_id: int, moment: datetime) -> Sequence[Session]:
        query = {"user_id": user_id, "expires_at": {"$gt": moment}, **_OPEN}
        async with self._database.operation():
            found = self._sessions.find(query).sort([("created_at", DESCENDING), ("_id", 1)])
            return [_session(document) async for document in found]

    async def last_sign_ins(self, user_ids: Sequence[int]) -> Mapping[int, datetime]:
        last: dict[int, datetime] = {}
        wanted = {"user_id": {"$in": list(user_ids)}}
        async with self._database.operation():
            found = self._sessions.find(wanted, {"user_id": True, "created_at": True})
            async for session in found.sort("created_at", ASCENDING):
                last[session["user_id"]] = session["created_at"]
        return last

    async def revoke(self, session_id: str, user_id: int) -> bool:
        return await self._revoke({"_id": session_id, "user_id": user_id}) > 0

    async def revoke_all(self, user_id: int, *, keep: str | None = None) -> Sequence[str]:
        await self._revoke({"user_id": user_id, "_id": {"$ne": keep}})
        ended = {"user_id": user_id, "revoked_at": {"$exists": True}}
        async with self._database.operation():
            return [document["_id"] async for document in self._sessions.find(ended, {"_id": 1})]

    async def _revoke(self, query: dict[str, Any]) -> int:
        async with self._database.operation():
            result = await self._sessions.update_many(
                {**query, **_OPEN},
                {
                    "$currentDate": {"revoked_at": True},
                    "$unset": {"address": "", "user_agent": ""},
                },
            )
        return int(result.modified_count)

    async def now(self) -> datetime:
        return await self._database.now()

    async def revoked_since(self, moment: datetime) -> Sequence[str]:
        async with self._database.operation():
            found = self._sessions.find({"revoked_at": {"$gte": moment}}, {"_id": 1})
            return [document["_id"] async for document in found]
