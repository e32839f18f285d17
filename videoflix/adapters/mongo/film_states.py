"""What video records say about files."""

from collections.abc import Collection, Sequence

from videoflix.adapters.mongo.catalogue_version import CatalogueVersion
from videoflix.adapters.mongo.database import INDEX_SECONDS, Database, Document
from videoflix.adapters.mongo.losses import changes_for_losses
from videoflix.adapters.mongo.video_records import DELETED, KEPT, VIDEOS
from videoflix.models import ProcessingStatus
from videoflix.ports.inventory import FilmState

_FIELDS = (
    *("status", "generation", "replaced", "token", "has_source", "source_size"),
    "has_own_thumbnail",
)


def _state(record: Document) -> FilmState:
    replaced = [entry["generation"] for entry in record.get("replaced", ())]
    names = (record["generation"], record.get("token"), *replaced)
    return FilmState(
        id=record["_id"],
        status=ProcessingStatus(record["status"]),
        generation=record["generation"],
        names=frozenset(name for name in names if name is not None),
        has_source=record["has_source"],
        source_size=record["source_size"],
        has_own_thumbnail=record["has_own_thumbnail"],
    )


class MongoFilmStates:
    """Implements ``videoflix.ports.FilmStates``."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._videos = database.collection(VIDEOS)
        self._catalogue = CatalogueVersion(database)

    async def all(self) -> Sequence[FilmState]:
        async with self._database.operation(INDEX_SECONDS):
            found = self._videos.find(dict(KEPT), list(_FIELDS)).sort("_id")
            return [_state(record) async for record in found]

    async def find(self, video_id: int) -> FilmState | None:
        async with self._database.operation():
            record = await self._videos.find_one({"_id": video_id, **KEPT}, list(_FIELDS))
        return None if record is None else _state(record)

    async def deleted(self) -> Collection[int]:
        async with self._database.operation():
            notes = self._videos.find({"status": DELETED}, {"_id": True})
            return {note["_id"] async for note in notes}

    async def lose(self, state: FilmState, *, title: bool, source: bool) -> bool:
        unchanged = {
            "status": state.status.value,
            "generation": state.generation,
            "has_source": state.has_source,
        }
        changes = changes_for_losses(
            unchanged, lost_title=title, lost_source=source, now=await self._database.now()
        )
        async with self._database.operation():
            result = await self._videos.update_one({"_id": state.id, **unchanged}, changes)
        if title and result.matched_count:
            await self._catalogue.changed()
        return bool(result.matched_count)
