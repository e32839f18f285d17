"""Bringing a backup back: checked before anything is changed, the media before the records."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from videoflix.backup.manifest import (
    MEDIA,
    BackupManifest,
    MediaKind,
    Note,
    check_backup,
    check_facts,
    media_files,
)
from videoflix.backup.steps import Steps
from videoflix.backup.writing import copy_checked, full_disk_said, private_folders
from videoflix.errors import Conflict, InsufficientStorage, UnusableBackup
from videoflix.offload import Offload
from videoflix.ports import Archive, MediaIntake, WorkerStore
from videoflix.tasks import to_its_end

_ALIVE_SECONDS = 20.0

Progress = Callable[[int, int], None]


@dataclass(frozen=True, slots=True)
class Restored:
    """``moved_aside`` says where the media are that were there before."""

    manifest: BackupManifest
    moved_aside: tuple[str, ...]


class Restoration:
    def __init__(
        self, archive: Archive, media: MediaIntake, workers: WorkerStore, offload: Offload
    ) -> None:
        self._archive = archive
        self._media = media
        self._workers = workers
        self._offload = offload

    async def restore(
        self, folder: Path, *, replace: bool = False, progress: Progress | None = None
    ) -> Restored:
        """Put everything back. No server and no worker may run meanwhile.

        With ``replace`` the database is emptied and the media that are there are moved aside;
        without it either is a Conflict. Raises UnusableBackup, Conflict and InsufficientStorage
        before anything is changed. ``progress`` gets bytes copied and in all.

        Cancelled before the media are in their place, it changes nothing and leaves no copies.
        """
        steps = Steps(self._offload)
        manifest = await steps(BackupManifest.load, folder)
        if manifest.database_version > self._archive.version:
            raise UnusableBackup(
                f"the backup is of a database of version {manifest.database_version}, this "
                f"Videoflix knows versions up to {self._archive.version}"
            )
        await self._check_target(manifest, replace=replace)
        await steps(check_backup, folder, manifest, steps.checkpoint)
        moved: list[str] = []
        if manifest.media is MediaKind.LISTED:
            await steps(self._check_media_there, folder, steps.checkpoint)
        else:
            await self._copy(steps, folder, manifest, moved.append, progress or (lambda *_: None))
        await self._fill(folder, manifest)
        return Restored(manifest, tuple(moved))

    async def _check_target(self, manifest: BackupManifest, *, replace: bool) -> None:
        if workers := await self._workers.alive(_ALIVE_SECONDS):
            raise Conflict(
                f"a worker runs (process {workers[0].pid} on {workers[0].host}), or has run within "
                f"the last {_ALIVE_SECONDS:.0f} s: stop servers and workers first"
            )
        if replace:
            return
        found = [f"records in '{name}'" for name in await self._archive.in_the_way()]
        if manifest.media is not MediaKind.LISTED:
            found += await self._offload(self._media.in_the_way)
        if found:
            raise Conflict(
                f"there is something already: {', '.join(found)}; "
                "--replace empties the database and moves the media aside"
            )

    def _check_media_there(self, folder: Path, note: Note) -> None:
        for facts in media_files(folder):
            try:
                check_facts(self._media.place(facts.path), facts, note)
            except UnusableBackup as error:
                raise UnusableBackup(
                    f"this backup has no media, and those of the storage are not its own: {error}"
                ) from error

    async def _copy(
        self,
        steps: Steps,
        folder: Path,
        manifest: BackupManifest,
        note: Callable[[str], None],
        progress: Progress,
    ) -> None:
        free = await steps(self._media.free_bytes)
        if manifest.bytes > free:
            raise InsufficientStorage(
                f"the media take {manifest.bytes} bytes, the storage root has {free} free"
            )
        try:
            staging = await steps(self._media.open_staging)
            with full_disk_said(staging):
                done = 0
                for facts in await steps(lambda: list(media_files(folder))):
                    target = staging / facts.path
                    source = folder / MEDIA / facts.path
                    copied = await steps(_copy_one, source, target, facts.path, steps.checkpoint)
                    if copied != facts:
                        raise UnusableBackup(f"{source} changed while it was copied")
                    done += facts.size
                    progress(done, manifest.bytes)
            await steps(self._media.install, staging, note)
        finally:
            await to_its_end(self._offload(self._media.discard))

    async def _fill(self, folder: Path, manifest: BackupManifest) -> None:
        await self._archive.clear()
        for collection in manifest.collections:
            with (folder / collection.file.path).open("rb") as file:
                count = await self._archive.put(collection.name, file)
            if count != collection.documents:
                raise UnusableBackup(
                    f"{collection.name}: {count} documents instead of {collection.documents}"
                )
        await self._archive.update(manifest.database_version)


def _copy_one(source: Path, target: Path, name: str, note: Note) -> object:
    private_folders(target.parent)
    return copy_checked(source, target, name, note)
