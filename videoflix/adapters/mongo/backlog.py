"""What waits in MongoDB: films to be encoded, mails to be sent. For figures."""

from datetime import datetime

from pymongo import ASCENDING

from videoflix.adapters.mongo.database import Collection, Database, Document
from videoflix.adapters.mongo.reset_mails import RESET_MAILS
from videoflix.adapters.mongo.video_records import FAILED, PENDING, PROCESSING, READY, VIDEOS
from videoflix.ports.measures import Backlog


class MongoBacklog:
    """Implements ``videoflix.ports.measures.BacklogStore``."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._videos = database.collection(VIDEOS)
        self._mails = database.collection(RESET_MAILS)

    async def now(self) -> Backlog:
        now = await self._database.now()
        async with self._database.operation():
            films = {
                status: await self._videos.count_documents({"status": status})
                for status in (PENDING, PROCESSING, READY, FAILED)
            }
            mails = await self._mails.estimated_document_count()
            job = await _oldest(self._videos, {"status": PENDING}, "claimable_at")
            mail = await _oldest(self._mails, {}, "asked_at")
        return Backlog(films, _age(job, now), mails, _age(mail, now))


async def _oldest(collection: Collection, wanted: Document, field: str) -> datetime | None:
    found = await collection.find_one(wanted, projection=[field], sort=[(field, ASCENDING)])
    moment: datetime | None = found[field] if found else None
    return moment


def _age(moment: datetime | None, now: datetime) -> float:
    """Seconds; 0 for what is not there, and for what is due later."""
    return max(0.0, (now - moment).total_seconds()) if moment else 0.0
