"""Whether the store is there at all, before anything is called lost: over a file system that is not
mounted stand empty folders, and every film would be forgotten."""

from collections.abc import Sequence

from media_pipeline.titles import inspection
from videoflix.offload import Offload
from videoflix.ports import FilmState, FilmStates, Inventory

NOT_THERE = (
    "the store is not there: the disk has no encode and no source of any film that is known. "
    "Is its file system mounted?"
)


class Presence:
    def __init__(self, records: FilmStates, disk: Inventory, offload: Offload) -> None:
        self._records = records
        self._disk = disk
        self._offload = offload
        self._seen: FilmState | None = None

    async def is_there(self) -> bool:
        """Whether the disk has an encode or a source of at least one film; True also where no
        record expects any. Looks anew each time. Raises DatabaseUnavailable, OSError."""
        # Where many films are lost, all records need not be read for each of them.
        if self._seen is not None and await self._offload(self._has, self._seen):
            return True
        records = await self._records.all()
        self._seen = await self._offload(self._first, records)
        expected = any(record.generation or record.has_source for record in records)
        return self._seen is not None or not expected

    def _first(self, records: Sequence[FilmState]) -> FilmState | None:
        on_disk = self._disk.paths()
        return next((each for each in records if each.id in on_disk and self._has(each)), None)

    def _has(self, record: FilmState) -> bool:
        traces = self._disk.film(record.id)
        return traces.source_size is not None or any(
            inspection.is_there(self._disk.title(record.id, name))
            for name in traces.generations & record.names
        )
