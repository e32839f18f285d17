"""1: the indexes of all collections."""

from collections.abc import Mapping, Sequence

from pymongo import ASCENDING, DESCENDING, IndexModel

from videoflix.adapters.mongo.database import Database

_HOUR = 3600
_DAY = 24 * _HOUR
_NEWEST_FIRST = [("created_at", DESCENDING), ("_id", DESCENDING)]

_INDEXES: Mapping[str, Sequence[IndexModel]] = {
    "users": (
        IndexModel("folded", unique=True),
        # Accounts that nobody activated: nobody can block an address by registering it.
        IndexModel("lapses_at", expireAfterSeconds=0),
    ),
    "sessions": (
        IndexModel("expires_at", expireAfterSeconds=0),
        IndexModel("user_id"),
        IndexModel("revoked_at", sparse=True),
    ),
    "reset_mails": (
        IndexModel("asked_at", expireAfterSeconds=_DAY),
        IndexModel([("due_at", ASCENDING), ("asked_at", ASCENDING)]),
    ),
    "videos": (
        IndexModel([("status", ASCENDING), ("claimable_at", ASCENDING)]),
        IndexModel([("status", ASCENDING), *_NEWEST_FIRST]),
        IndexModel(_NEWEST_FIRST),
        IndexModel([("updated_at", ASCENDING)]),
        # Few records have these: sweeps look for them again and again.
        IndexModel([("replaced.at", ASCENDING)], sparse=True),
        IndexModel([("source_to_delete", ASCENDING)], sparse=True),
    ),
    "chunks": (
        IndexModel([("video", ASCENDING), ("plan", ASCENDING), ("index", ASCENDING)]),
        IndexModel([("status", ASCENDING), ("claimable_at", ASCENDING)]),
        IndexModel("updated_at", expireAfterSeconds=30 * _DAY),
    ),
    "workers": (IndexModel("seen_at", expireAfterSeconds=_HOUR),),
    "positions": (
        IndexModel("user"),
        IndexModel("video"),
        IndexModel("updated_at", expireAfterSeconds=365 * _DAY),
    ),
}


async def create_indexes(database: Database) -> None:
    for name, indexes in _INDEXES.items():
        await database.ensure_indexes(name, indexes)
