"""Accounts in MongoDB.

A document: ``_id`` (from 1), ``email`` as typed, ``folded`` (unique), ``password_hash``,
``is_active``, ``is_staff``, ``created_at``, ``links`` (an array of ``{purpose, token_hash,
expires_at}``) and, while the account waits for its activation, ``lapses_at``: a TTL index then
removes it, so that nobody can block an address by registering it.
"""

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

from pymongo.errors import DuplicateKeyError

from videoflix.adapters.mongo.database import Database, Document, holding
from videoflix.errors import Conflict
from videoflix.models import Link, LinkPurpose, User
from videoflix.ports import UserPage

USERS = "users"
LINKS_KEPT = 5
LIST_SECONDS = 60.0


def _user(document: Document) -> User:
    return User(
        id=document["_id"],
        email=document["email"],
        password_hash=document["password_hash"],
        is_active=document["is_active"],
        is_staff=document["is_staff"],
        created_at=document["created_at"],
        lapses_at=document.get("lapses_at"),
    )


def _link_document(link: Link) -> Document:
    return {
        "purpose": link.purpose.value,
        "token_hash": link.token_hash,
        "expires_at": link.expires_at,
    }


def _with_link(
    user_id: int, purpose: LinkPurpose, token_hash: str, moment: datetime
) -> dict[str, Any]:
    wanted = {"purpose": purpose.value, "token_hash": token_hash, "expires_at": {"$gt": moment}}
    return {"_id": user_id, "links": {"$elemMatch": wanted}}


class MongoUserStore:
    """Implements ``videoflix.ports.UserStore``."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._users = database.collection(USERS)

    async def add(
        self,
        email: str,
        folded: str,
        password_hash: str,
        *,
        is_active: bool,
        is_staff: bool,
        link: Link | None = None,
    ) -> User:
        document: Document = {
            "_id": 0,
            "email": email,
            "folded": folded,
            "password_hash": password_hash,
            "is_active": is_active,
            "is_staff": is_staff,
            "created_at": datetime.now(UTC),
            "links": [_link_document(link)] if link else [],
        }
        if link and not is_active:
            document["lapses_at"] = link.expires_at
        async with self._database.operation():
            # Only so that a taken address uses up no id; the unique index decides.
            if await self._users.find_one({"folded": folded}, {"_id": 1}):
                raise Conflict("This address is taken.")
        document["_id"] = await self._database.next_id(USERS)
        try:
            async with self._database.operation():
                await self._users.insert_one(document)
        except DuplicateKeyError as error:
            raise Conflict("This address is taken.") from error
        return _user(document)

    async def _find(self, query: dict[str, Any]) -> User | None:
        async with self._database.operation():
            document = await self._users.find_one(query)
        return _user(document) if document else None

    async def find(self, user_id: int) -> User | None:
        return await self._find({"_id": user_id})

    async def find_by_email(self, folded: str) -> User | None:
        return await self._find({"folded": folded})

    async def add_link(self, user: User, link: Link) -> bool:
        pushed = {"$each": [_link_document(link)], "$slice": -LINKS_KEPT}
        unchanged = {"_id": user.id, "password_hash": user.password_hash, "is_active": True}
        async with self._database.operation():
            kept = await self._users.update_one(
                {**unchanged, "links.token_hash": link.token_hash},
                {"$set": {"links.$.expires_at": link.expires_at}},
            )
            if kept.matched_count:
                return True
            added = await self._users.update_one(unchanged, {"$push": {"links": pushed}})
        return added.matched_count == 1

    async def find_by_link(
        self, user_id: int, purpose: LinkPurpose, token_hash: str, moment: datetime
    ) -> User | None:
        return await self._find(_with_link(user_id, purpose, token_hash, moment))

    async def activate(self, user_id: int, token_hash: str, moment: datetime) -> bool:
        return await self._update(
            _with_link(user_id, LinkPurpose.ACTIVATE, token_hash, moment),
            {
                "$set": {"is_active": True},
                "$unset": {"lapses_at": ""},
                "$pull": {"links": {"purpose": LinkPurpose.ACTIVATE.value}},
            },
        )

    async def reset_password(
        self, user_id: int, token_hash: str, moment: datetime, password_hash: str
    ) -> bool:
        return await self._update(
            _with_link(user_id, LinkPurpose.RESET, token_hash, moment),
            {"$set": {"password_hash": password_hash, "links": []}},
        )

    async def replace_password_hash(self, user_id: int, old: str, new: str) -> bool:
        return await self._update(
            {"_id": user_id, "password_hash": old}, {"$set": {"password_hash": new}}
        )

    async def change_password(self, user_id: int, old: str, new: str) -> bool:
        return await self._update(
            {"_id": user_id, "password_hash": old}, {"$set": {"password_hash": new, "links": []}}
        )

    async def set_active(self, user_id: int, *, is_active: bool) -> None:
        await self._update(
            {"_id": user_id},
            {"$set": {"is_active": is_active, "links": []}, "$unset": {"lapses_at": ""}},
        )

    async def list_all(self) -> Sequence[User]:
        async with self._database.operation(LIST_SECONDS):
            return [_user(document) async for document in self._users.find().sort("_id")]

    async def page(self, search: str, *, skip: int, limit: int) -> UserPage:
        words = [{"folded": holding(word)} for word in search.casefold().split()]
        wanted: Document = {"$and": words} if words else {}
        async with self._database.operation():
            count = await self._users.count_documents(wanted)
            found = self._users.find(wanted).sort("_id").skip(skip).limit(limit)
            return UserPage(count, tuple([_user(document) async for document in found]))

    async def has_admin(self) -> bool:
        async with self._database.operation():
            found = await self._users.find_one({"is_staff": True, "is_active": True}, {"_id": True})
        return found is not None

    async def _update(self, query: dict[str, Any], update: dict[str, Any]) -> bool:
        async with self._database.operation():
            result = await self._users.update_one(query, update)
        return bool(result.modified_count)

    async def delete(self, user_id: int) -> None:
        async with self._database.operation():
            await self._users.delete_one({"_id": user_id})
