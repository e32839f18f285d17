"""Password-reset mails that wait, in MongoDB.

A document: ``_id`` (the folded address: so one at a time, however often it is asked for), ``key``
(random, names the mail), ``asked_at`` (a TTL index removes what nobody dealt with), ``due_at``
(the end of a pause), ``leased_until`` and ``fence`` (who sends it now) and ``attempts``.
Asked for again while it waits, it stays one mail; while it is being sent, another one follows.
"""

import secrets
from datetime import UTC, datetime, timedelta

from pymongo import ASCENDING, ReturnDocument
from pymongo.errors import DuplicateKeyError

from videoflix.adapters.mongo.database import Database, Document
from videoflix.models import ResetMail

RESET_MAILS = "reset_mails"
_AT_ONCE = datetime(2000, 1, 1, tzinfo=UTC)


def _held(mail: ResetMail) -> Document:
    return {"_id": mail.address, "fence": mail.fence}


class MongoResetMailStore:
    """Implements ``videoflix.ports.ResetMailStore``."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._mails = database.collection(RESET_MAILS)

    async def ask(self, address: str) -> None:
        try:
            await self._ask(address)
        except DuplicateKeyError:  # another was a moment faster: now it is there
            await self._ask(address)

    async def _ask(self, address: str) -> None:
        # One write that always changes something: its time does not tell whether one waited.
        async with self._database.operation():
            await self._mails.update_one(
                {"_id": address},
                {
                    "$set": {"due_at": _AT_ONCE, "attempts": 0},
                    "$currentDate": {"asked_at": True},
                    "$setOnInsert": {"key": secrets.token_hex(16), "leased_until": _AT_ONCE},
                },
                upsert=True,
            )

    async def claim(self, seconds: float) -> ResetMail | None:
        now = await self._database.now()
        fence = secrets.token_hex(16)
        async with self._database.operation():
            document = await self._mails.find_one_and_update(
                {"due_at": {"$lte": now}, "leased_until": {"$lte": now}},
                {
                    "$set": {"leased_until": now + timedelta(seconds=seconds), "fence": fence},
                    "$inc": {"attempts": 1},
                },
                sort=[("due_at", ASCENDING), ("asked_at", ASCENDING)],
                return_document=ReturnDocument.AFTER,
            )
        if document is None:
            return None
        return ResetMail(
            address=document["_id"],
            key=document["key"],
            fence=fence,
            attempt=document["attempts"],
            asked_at=document["asked_at"],
            age=(now - document["asked_at"]).total_seconds(),
        )

    async def postpone(self, mail: ResetMail, seconds: float) -> None:
        due_at = await self._database.now() + timedelta(seconds=seconds)
        async with self._database.operation():
            await self._mails.update_one(
                _held(mail), {"$set": {"due_at": due_at, "leased_until": _AT_ONCE}}
            )

    async def done(self, mail: ResetMail) -> None:
        async with self._database.operation():
            gone = await self._mails.delete_one({**_held(mail), "asked_at": mail.asked_at})
            if not gone.deleted_count:
                # Asked for again since it was claimed (or the lease was lost): the next mail.
                await self._mails.update_one(
                    _held(mail),
                    {"$set": {"key": secrets.token_hex(16), "leased_until": _AT_ONCE}},
                )
