"""Looking for what is not as it should be. Nothing is changed, and nobody is disturbed.

Whatever is found is looked at again before it is said: first the disk and then the record for
what is on the disk, first the record and then the disk for what is in the record. What somebody is
at work on (an upload that is being entered, an attempt that runs, a film that is being deleted) is
never a finding.
"""

from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from itertools import islice

from media_pipeline.errors import DamagedTitle
from media_pipeline.titles import inspection
from media_pipeline.titles.verified import Part as Bytes
from videoflix.models import ProcessingStatus
from videoflix.offload import Offload
from videoflix.ports import FilmState, FilmStates, Inventory
from videoflix.reconcile.findings import Finding, Kind, Part

# What is younger may be somebody's who has not written its record yet.
YOUNG_SECONDS = 60.0
STALE_SECONDS = 3600.0
_FILMS_AT_ONCE = 50
_PARTS_AT_ONCE = 16

_BUSY = ProcessingStatus.PROCESSING

Progress = Callable[[int, int], None]


class Survey:
    """``young`` is the age in seconds from which something without a record is an orphan."""

    def __init__(
        self,
        records: FilmStates,
        disk: Inventory,
        offload: Offload,
        *,
        young: float = YOUNG_SECONDS,
        stale: float = STALE_SECONDS,
    ) -> None:
        self._records = records
        self._disk = disk
        self._offload = offload
        self._young = young
        self._stale = stale

    async def findings(
        self,
        *,
        verify: bool = False,
        most_films: int | None = None,
        progress: Progress | None = None,
    ) -> AsyncIterator[Finding]:
        """One after the other. With ``verify`` every byte of every title is read. ``progress`` gets
        films done and in all. Raises DatabaseUnavailable."""
        on_disk = await self._offload(self._disk.paths)
        records = await self._records.all()
        known = {record.id for record in records}
        for video_id in sorted(on_disk.keys() - known):
            async for finding in self._orphans(video_id, on_disk[video_id]):
                yield finding
        for path in await self._offload(self._disk.leftovers):
            if await self._offload(self._disk.age, path) > self._stale:
                yield Finding(
                    Kind.TEMPORARY, Part.NOTHING, path, f"{path} was left behind by somebody"
                )
        looked_at = records[:most_films]
        for start in range(0, len(looked_at), _FILMS_AT_ONCE):
            batch = looked_at[start : start + _FILMS_AT_ONCE]
            suspects = batch if verify else await self._offload(self._suspicious, batch)
            for record in suspects:
                for finding in await self.of_film(record.id, verify=verify):
                    yield finding
                if progress is not None:
                    progress(start + batch.index(record) + 1, len(looked_at))

    async def _orphans(self, video_id: int, paths: Sequence[str]) -> AsyncIterator[Finding]:
        if await self._records.find(video_id) or video_id in await self._records.deleted():
            return
        traces = await self._offload(self._disk.film, video_id)
        if traces.is_unconfirmed:  # an upload; its own sweep decides about it
            return
        for path in paths:
            if await self._offload(self._disk.age, path) > self._young:
                text = f"{path} belongs to no film that is known"
                yield Finding(Kind.ORPHAN, Part.FILM, path, text, video_id)

    def _suspicious(self, records: Sequence[FilmState]) -> list[FilmState]:
        """Those of which something may be wrong: one look at the disk for many films."""
        return [record for record in records if self._look(record)]

    async def of_film(self, video_id: int, *, verify: bool = False) -> list[Finding]:
        """Of one film, by a record that was the same before and after the look."""
        for _ in range(3):
            record = await self._records.find(video_id)
            if record is None:
                return []
            found = await self._offload(self._look, record)
            if verify and record.generation and not any(each.part is Part.TITLE for each in found):
                found += await self._damage(record, record.generation)
            if await self._records.find(video_id) == record:
                return found
        return []  # somebody is at work on it

    def _look(self, record: FilmState) -> list[Finding]:
        traces = self._disk.film(record.id)
        found = self._title(record) + self._source(record, traces.source_size)
        if record.generation is not None and not traces.has_thumbnail:
            path = f"thumbnails/video_{record.id}.jpg"
            text = f"the picture of video {record.id} is missing"
            found.append(
                Finding(Kind.MISSING, Part.THUMBNAIL, path, text, record.id, record.generation)
            )
        for name in sorted(traces.generations - record.names):
            path = f"titles/{record.id}/{name}"
            if self._disk.age(path) > self._young:
                text = f"{path} is an encode that video {record.id} does not know"
                found.append(Finding(Kind.ORPHAN, Part.TITLE, path, text, record.id, name))
        for name in sorted(traces.workspaces - record.names):
            path = f"titles/{record.id}/.tmp-{name}"
            if self._disk.age(path) > self._young:
                text = f"{path} is what is left of an attempt to encode video {record.id}"
                found.append(Finding(Kind.TEMPORARY, Part.NOTHING, path, text, record.id, name))
        return found

    def _title(self, record: FilmState) -> list[Finding]:
        if record.generation is None:
            return []
        path = f"titles/{record.id}/{record.generation}"
        folder = self._disk.title(record.id, record.generation)
        if not inspection.is_there(folder):
            text = f"the encode of video {record.id} is missing: {path}"
            return [Finding(Kind.MISSING, Part.TITLE, path, text, record.id, record.generation)]
        try:
            inspection.check_sizes(folder)
        except DamagedTitle as error:
            return [_damaged(record, path, error)]
        return []

    def _source(self, record: FilmState, size: int | None) -> list[Finding]:
        path = f"sources/{record.id}/source"
        if not record.has_source or record.status is _BUSY:
            return []
        if size is None:
            text = f"video {record.id} as it was uploaded is missing: {path}"
            return [Finding(Kind.MISSING, Part.SOURCE, path, text, record.id)]
        if size != record.source_size:
            text = (
                f"video {record.id} as it was uploaded has {size} bytes instead of "
                f"{record.source_size}: {path}"
            )
            return [Finding(Kind.DAMAGED, Part.SOURCE, path, text, record.id)]
        return []

    async def _damage(self, record: FilmState, generation: str) -> list[Finding]:
        """The first damage of a title: one is enough to encode it anew."""
        path = f"titles/{record.id}/{generation}"
        folder = self._disk.title(record.id, generation)
        try:
            parts = inspection.all_parts(folder)  # reads nothing yet
            while batch := await self._offload(_next, parts):
                await self._offload(_check, batch)
        except DamagedTitle as error:
            return [_damaged(record, path, error)]
        return []


def _damaged(record: FilmState, path: str, error: DamagedTitle) -> Finding:
    text = f"the encode of video {record.id} is damaged: {error} ({path})"
    return Finding(Kind.DAMAGED, Part.TITLE, path, text, record.id, record.generation)


def _next(parts: Iterator[Bytes]) -> list[Bytes]:
    return list(islice(parts, _PARTS_AT_ONCE))


def _check(parts: Sequence[Bytes]) -> None:
    for part in parts:
        part.check()
