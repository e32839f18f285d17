"""Mending what a survey has found, each after one more look. Films and encodes are set aside, never
deleted here; what is being encoded, uploaded or deleted is left alone."""

import structlog

from media_pipeline.titles import inspection
from videoflix.errors import Conflict, QueueUnavailable
from videoflix.models import ProcessingStatus
from videoflix.offload import Offload
from videoflix.ports import Doorbell, FilmState, FilmStates, Inventory, TitleStore, VideoStore
from videoflix.reconcile.findings import Finding, Kind, Part
from videoflix.reconcile.presence import NOT_THERE, Presence

_THUMBNAIL = "thumbnail.jpg"
_BUSY = ProcessingStatus.PROCESSING
_JOBS = (ProcessingStatus.PENDING, _BUSY)
_ANEW = "waits to be encoded anew"

_log = structlog.get_logger(__name__)


class Repair:
    def __init__(
        self,
        records: FilmStates,
        disk: Inventory,
        *,
        presence: Presence,
        videos: VideoStore,
        media: TitleStore,
        doorbell: Doorbell,
        offload: Offload,
    ) -> None:
        self._records = records
        self._disk = disk
        self._presence = presence
        self._videos = videos
        self._media = media
        self._doorbell = doorbell
        self._offload = offload

    async def mend(self, finding: Finding) -> str | None:
        """What was done, in plain words; None where nothing could be. Raises Conflict where
        something seems lost because the whole store is not there, DatabaseUnavailable, OSError."""
        if finding.video_id is None:
            await self._offload(self._disk.delete, finding.path)
            return "deleted"
        record = await self._records.find(finding.video_id)
        if finding.part is Part.FILM:
            return None if record else await self._orphaned_film(finding, finding.video_id)
        if record is None:
            return None
        if finding.kind in (Kind.ORPHAN, Kind.TEMPORARY):
            return await self._orphaned_encode(finding, record)
        return await self._of_record(finding, record)

    async def _of_record(self, finding: Finding, record: FilmState) -> str | None:
        if finding.generation not in (None, record.generation):
            return None  # there is another encode by now
        if finding.kind is Kind.DAMAGED:
            return await self._damaged(record) if finding.part is Part.TITLE else None
        if finding.part is Part.THUMBNAIL:
            return await self._thumbnail(record)
        return await self._lost(record, is_title=finding.part is Part.TITLE)

    async def _orphaned_film(self, finding: Finding, video_id: int) -> str | None:
        """Nothing where no film is known at all: then the database is the one that is wrong."""
        if not await self._records.all():
            return None
        traces = await self._offload(self._disk.film, video_id)
        return None if traces.is_unconfirmed else await self._set_aside(finding)

    async def _orphaned_encode(self, finding: Finding, record: FilmState) -> str | None:
        # A name that was on the disk and is not in the record afterwards never will be.
        if finding.generation in record.names:
            return None
        if finding.kind is Kind.ORPHAN:
            return await self._set_aside(finding)
        await self._offload(self._disk.delete, finding.path)
        return "deleted"

    async def _set_aside(self, finding: Finding) -> str | None:
        try:
            place = await self._offload(self._disk.set_aside, finding.path)
        except FileNotFoundError:
            return None
        _log.info("orphan set aside", path=finding.path, place=place)
        return f"moved to {place}"

    async def _lost(self, record: FilmState, *, is_title: bool) -> str | None:
        traces = await self._offload(self._disk.film, record.id)
        title = is_title and not await self._offload(self._has_title, record)
        source = record.has_source and traces.source_size is None
        if not (title or source) or (source and record.status is _BUSY):
            return None
        if not await self._presence.is_there():
            raise Conflict(NOT_THERE)
        if not await self._records.lose(record, title=title, source=source):
            return None
        _log.warning("film's files are lost", video=record.id, title=title, source=source)
        after = await self._records.find(record.id)
        if after is None:
            return None
        if after.status in _JOBS:
            await self._ring(record.id)
            return _ANEW
        if after.status is ProcessingStatus.FAILED:
            return "marked as failed: upload it again, or bring it back from a backup"
        return "noted: it can be played, but not be encoded anew"

    def _has_title(self, record: FilmState) -> bool:
        folder = (
            None if record.generation is None else self._disk.title(record.id, record.generation)
        )
        return folder is not None and inspection.is_there(folder)

    async def _damaged(self, record: FilmState) -> str | None:
        traces = await self._offload(self._disk.film, record.id)
        if traces.source_size != record.source_size:
            return None
        if record.status not in _JOBS and await self._videos.encode_again(record.id) is None:
            return None
        await self._ring(record.id)
        return f"{_ANEW}; what is whole of it plays on"

    async def _thumbnail(self, record: FilmState) -> str | None:
        if record.generation is None:
            return None
        made = self._media.title(record.id, record.generation) / _THUMBNAIL
        try:
            await self._offload(self._media.install_thumbnail, made, record.id)
        except FileNotFoundError:
            return None
        return "replaced by the one made from the film"

    async def _ring(self, video_id: int) -> None:
        try:
            await self._doorbell.ring(video_id)
        except QueueUnavailable as error:
            _log.warning("doorbell not rung; the worker's poll finds it", reason=str(error))
