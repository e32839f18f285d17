"""Making a backup, also while films are watched, uploaded, encoded and deleted.

A film's record is written only once its files are in the backup, and still the ones that it
names: so whatever happens meanwhile, each film that is ready in the backup can be played from it.
Then come accounts and what belongs to them, and last the counters of ids.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

from videoflix import __version__
from videoflix.backup import writing
from videoflix.backup.manifest import (
    DATABASE,
    FILMS,
    MEDIA_LIST,
    BackupManifest,
    CollectionFacts,
    FileFacts,
    MediaKind,
    check_backup,
)
from videoflix.backup.steps import Steps
from videoflix.backup.writing import CheckedFile, FilmFiles
from videoflix.durable import sync_tree
from videoflix.errors import Conflict
from videoflix.offload import Offload
from videoflix.ports import Archive, FilmRecord, MediaStore
from videoflix.tasks import to_its_end

_TRIES = 5

Progress = Callable[[int, int], None]


@dataclass
class _Taken:
    """What of a film is in the backup."""

    files: list[FileFacts] = field(default_factory=list)
    has_title: bool = False
    has_source: bool = False


@dataclass
class _Tally:
    films: set[int] = field(default_factory=set)
    files: int = 0
    bytes: int = 0
    notes: list[str] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class _Work:
    """One backup while it is made."""

    folder: Path
    steps: Steps
    files: FilmFiles
    tally: _Tally = field(default_factory=_Tally)


class Backups:
    def __init__(self, archive: Archive, media: MediaStore, offload: Offload) -> None:
        self._archive = archive
        self._media = media
        self._offload = offload

    async def make(
        self, folder: Path, kind: MediaKind = MediaKind.COPIED, progress: Progress | None = None
    ) -> BackupManifest:
        """Make a backup in an empty or new folder, and read it all again. ``progress`` gets films
        done and in all.

        Nothing is left in the folder when this is cancelled, or raises: Conflict,
        InsufficientStorage, UnusableBackup, DatabaseUnavailable.
        """
        steps = Steps(self._offload)
        await steps(writing.prepare, folder)
        try:
            with writing.full_disk_said(folder):
                work = _Work(folder, steps, FilmFiles(folder, kind, steps.checkpoint))
                manifest = await self._written(work, kind, progress or (lambda *_: None))
                await steps(check_backup, folder, manifest, steps.checkpoint)
                await steps(sync_tree, folder)
                await steps(manifest.save, folder)
        except BaseException:
            await to_its_end(self._offload(writing.clear, folder))
            raise
        return manifest

    async def _written(self, work: _Work, kind: MediaKind, progress: Progress) -> BackupManifest:
        await work.steps(writing.make_folders, work.folder)
        with writing.checked_file(work.folder, MEDIA_LIST) as listed:
            films = await self._films(work, listed, progress)
            media_list = await work.steps(listed.finish)
        others = [await self._collection(work, name) for name in self._archive.collections]
        return BackupManifest(
            made_at=datetime.now(UTC).isoformat(timespec="seconds"),
            made_by=__version__,
            database_version=self._archive.version,
            collections=(films, *others),
            media=kind,
            media_list=media_list,
            files=work.tally.files,
            bytes=work.tally.bytes,
            notes=tuple(work.tally.notes),
        )

    async def _films(self, work: _Work, listed: CheckedFile, progress: Progress) -> CollectionFacts:
        ids = await self._archive.film_ids()
        with writing.checked_file(work.folder, f"{DATABASE}/{FILMS}.bson") as file:
            for done, video_id in enumerate(ids, 1):
                found = await self._film(work, video_id)
                if found is not None:
                    record, taken = found
                    file.write(
                        record.portable(has_title=taken.has_title, has_source=taken.has_source)
                    )
                    await work.steps(listed.write, writing.list_lines(taken.files))
                    _count(work.tally, record, taken)
                progress(done, len(ids))
            return CollectionFacts(FILMS, len(work.tally.films), await work.steps(file.finish))

    async def _film(self, work: _Work, video_id: int) -> tuple[FilmRecord, _Taken] | None:
        """The record, read after its files were taken; None where it was deleted meanwhile."""
        for _ in range(_TRIES):
            before = await self._archive.film(video_id)
            if before is None:
                return None
            taken = await work.steps(self._take, before, work.files)
            after = await self._archive.film(video_id)
            if after is not None and (before.generation, before.has_source) == (
                after.generation,
                after.has_source,
            ):
                return after, taken
            # Its files may have been deleted while they were read.
            await work.steps(_drop, video_id, work.files)
        raise Conflict(f"video {video_id} changes again and again; try the backup later")

    def _take(self, record: FilmRecord, files: FilmFiles) -> _Taken:
        taken = _Taken()
        if record.has_source:
            name = f"sources/{record.id}/source"
            source = files.take(self._media.source(record.id), name)
            if source is not None:
                taken.has_source = True
                taken.files.append(source)
        if record.generation is not None:
            folder = self._media.title(record.id, record.generation)
            title = files.take_title(folder, f"titles/{record.id}/{record.generation}")
            if title is not None:
                taken.has_title = True
                taken.files += title
        picture = self._media.thumbnail(record.id)
        thumbnail = files.take(picture, f"thumbnails/{picture.name}")
        if thumbnail is not None:
            taken.files.append(thumbnail)
        return taken

    async def _collection(self, work: _Work, name: str) -> CollectionFacts:
        count = 0
        with writing.checked_file(work.folder, f"{DATABASE}/{name}.bson") as file:
            async for document in self._archive.documents(name, work.tally.films):
                file.write(document)
                count += 1
            return CollectionFacts(name, count, await work.steps(file.finish))


def _drop(video_id: int, files: FilmFiles) -> None:
    for name in (
        f"sources/{video_id}",
        f"titles/{video_id}",
        f"thumbnails/video_{video_id}.jpg",
    ):
        files.drop(name)


def _count(tally: _Tally, record: FilmRecord, taken: _Taken) -> None:
    tally.films.add(record.id)
    tally.files += len(taken.files)
    tally.bytes += sum(facts.size for facts in taken.files)
    if record.has_source and not taken.has_source:
        tally.notes.append(f"video {record.id}: the film as it was uploaded is missing")
    if record.generation is not None and not taken.has_title:
        tally.notes.append(
            f"video {record.id}: its encode is missing or damaged; it is not in the backup"
        )
