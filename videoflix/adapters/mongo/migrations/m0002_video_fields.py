"""2: records of videos get the fields that came after the first of them were written."""

from collections.abc import Mapping

from videoflix.adapters.mongo.database import INDEX_SECONDS, Database

_FIELDS: Mapping[str, object] = {
    "stage": "",
    "frames": 0,
    "speed": 0.0,
    "seconds_left": None,
    "last_failure": "",
    "has_source": True,
}


async def fill_video_fields(database: Database) -> None:
    videos = database.collection("videos")
    for field, value in _FIELDS.items():
        async with database.operation(INDEX_SECONDS):
            await videos.update_many(
                {field: {"$exists": False}, "status": {"$ne": "deleted"}}, {"$set": {field: value}}
            )
