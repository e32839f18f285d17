"""Where members stopped watching, in MongoDB: ``_id`` (user and video in one), ``user``, ``video``,
``milliseconds`` of the film and ``updated_at``; a TTL index forgets what nobody came back to."""

from videoflix.adapters.mongo.database import Database

POSITIONS = "positions"


def _id(user_id: int, video_id: int) -> str:
    return f"{user_id}:{video_id}"


class MongoPositionStore:
    """Implements ``videoflix.ports.PositionStore``."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._positions = database.collection(POSITIONS)

    async def find(self, user_id: int, video_id: int) -> int | None:
        async with self._database.operation():
            record = await self._positions.find_one({"_id": _id(user_id, video_id)})
        return None if record is None else int(record["milliseconds"])

    async def put(self, user_id: int, video_id: int, milliseconds: int) -> None:
        now = await self._database.now()
        key = _id(user_id, video_id)
        record = {"user": user_id, "video": video_id, "milliseconds": milliseconds}
        async with self._database.operation():
            await self._positions.replace_one(
                {"_id": key}, {"_id": key, **record, "updated_at": now}, upsert=True
            )

    async def drop_user(self, user_id: int) -> None:
        async with self._database.operation():
            await self._positions.delete_many({"user": user_id})

    async def drop_video(self, video_id: int) -> None:
        async with self._database.operation():
            await self._positions.delete_many({"video": video_id})
