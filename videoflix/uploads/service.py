"""Receiving films: streamed to the disk, made durable, recorded, announced.

::

    async with uploads.receive(declared_size) as incoming:
        await incoming.write(chunk)                  # as often as bytes arrive
        await incoming.write_thumbnail(chunk)        # where the form has a picture
        video = await incoming.accept(VideoDetails(title="..."))

Leaving without ``accept`` deletes what was received. ``accept`` returns only when the film is on
the disk and its record is acknowledged: then it survives a crash of this process, the database
or the machine. The record is the job; ringing the doorbell only saves seconds.
"""

import os
import stat
from collections.abc import AsyncIterator, Callable
from concurrent.futures import Executor
from contextlib import asynccontextmanager
from pathlib import Path
from typing import BinaryIO

from videoflix.errors import FieldErrors, PayloadTooLarge
from videoflix.models import Video, VideoDetails
from videoflix.offload import Offload
from videoflix.ports import Doorbell, ResumableStore, SourceStore, VideoStore
from videoflix.ports.measures import UNMEASURED, UploadMeasures
from videoflix.settings import Settings
from videoflix.uploads.acceptance import Acceptance
from videoflix.uploads.films import FilmProbe
from videoflix.uploads.incoming import Incoming
from videoflix.uploads.pictures import ThumbnailMaker
from videoflix.uploads.register import Register
from videoflix.uploads.resumable import ResumableUploads
from videoflix.uploads.space import Space
from videoflix.uploads.writer import too_large

ABANDONED_SECONDS = 6 * 3600.0
FORM_OVERHEAD = 1024 * 1024
COPY_BYTES = 4 * 1024 * 1024

Progress = Callable[[int, int], None]


class UploadService:
    """Everything that takes a film in. ``executor`` runs what blocks on the disk."""

    def __init__(
        self,
        videos: VideoStore,
        media: SourceStore,
        resumable: ResumableStore,
        doorbell: Doorbell,
        settings: Settings,
        *,
        executor: Executor,
        thumbnails: ThumbnailMaker | None = None,
        films: FilmProbe | None = None,
        measures: UploadMeasures = UNMEASURED,
    ) -> None:
        self._media = media
        self._limits = settings.upload
        self._floor = settings.storage.free_floor
        self._offload = Offload(executor)
        self._register = Register(videos, media, doorbell, self._offload)
        self._acceptance = Acceptance(
            self._register,
            films=films or FilmProbe(settings.media.encode, memory=settings.worker.max_memory),
            thumbnails=thumbnails or ThumbnailMaker(),
            offload=self._offload,
            measures=measures,
        )
        self._space = Space(media, resumable, floor=self._floor, offload=self._offload)
        self.resumable = ResumableUploads(
            resumable,
            media,
            self._acceptance,
            self._space,
            settings,
            offload=self._offload,
        )

    @asynccontextmanager
    async def receive(
        self, declared_size: int | None = None, *, is_exact: bool = False
    ) -> AsyncIterator[Incoming]:
        """Begin an upload.

        ``declared_size`` is how many bytes will come at most (the length of a whole form will
        do), None when nobody knows; with ``is_exact`` it is the film's own size, and ``accept``
        refuses any other. Raises PayloadTooLarge, or InsufficientStorage where those bytes, the
        uploads that run and the free floor do not fit on the disk: both before the first byte.
        """
        size = declared_size or 0
        overhead = 0 if is_exact else FORM_OVERHEAD + self._limits.thumbnail_max_bytes
        if size > self._limits.max_bytes + overhead:
            raise PayloadTooLarge(too_large("film", self._limits.max_bytes))
        await self._space.check(size)
        file = await self._offload(self._media.open_upload, size)
        incoming = Incoming(
            file,
            media=self._media,
            acceptance=self._acceptance,
            limits=self._limits,
            floor=self._floor,
            exact_size=declared_size if is_exact else None,
            offload=self._offload,
        )
        try:
            await self._space.secure(file, size)
            yield incoming
        finally:
            await incoming.close()

    async def ingest_file(
        self,
        path: Path,
        details: VideoDetails,
        *,
        thumbnail: Path | None = None,
        progress: Progress | None = None,
    ) -> Video:
        """Copy a film from a path of this machine; ``progress`` gets bytes copied and in all.

        Raises FieldErrors, NotAVideo, PayloadTooLarge, InsufficientStorage, DatabaseUnavailable.
        """
        try:
            file, size = await self._offload(_open_regular, path)
        except OSError as error:
            reason = error.strerror or "cannot be read"
            raise FieldErrors({"file": [f"{path}: {reason}"]}) from error
        with file:
            async with self.receive(size, is_exact=True) as incoming:
                while chunk := await self._offload(file.read, COPY_BYTES):
                    await incoming.write(chunk)
                    if progress:
                        progress(incoming.size, size)
                return await incoming.accept(details, thumbnail)

    async def sweep(self, age: float = ABANDONED_SECONDS) -> int:
        """Delete what uploads left behind more than ``age`` seconds ago; returns how many.

        Active uploads, of any process, are never touched.
        """
        swept = await self._offload(self._media.sweep_uploads, age)
        swept += await self.resumable.sweep()
        return swept + await self._register.settle(age, self.resumable.claimed)


def _open_regular(path: Path) -> tuple[BinaryIO, int]:
    """Open a file, and nothing that is none (a pipe would never end), with its size."""
    descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK)
    try:
        status = os.fstat(descriptor)
        if not stat.S_ISREG(status.st_mode):
            raise OSError(0, "not a file")
        return os.fdopen(descriptor, "rb", buffering=0), status.st_size
    except BaseException:
        os.close(descriptor)
        raise
