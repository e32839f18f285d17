"""One upload that arrives in one request: bytes in, a durable file and a record out."""

import asyncio
from pathlib import Path

from videoflix.details import check_details
from videoflix.errors import PayloadTooLarge
from videoflix.models import Video, VideoDetails
from videoflix.offload import Offload
from videoflix.ports import SourceStore, UploadFile
from videoflix.settings import UploadSettings
from videoflix.uploads.acceptance import Acceptance
from videoflix.uploads.writer import FilmWriter, too_large

EMPTY = "The submitted file is empty."
INCOMPLETE = "The file arrived incomplete."


class Incoming:
    """See ``uploads.service``. Used by one task at a time."""

    def __init__(
        self,
        file: UploadFile,
        *,
        media: SourceStore,
        acceptance: Acceptance,
        limits: UploadSettings,
        floor: int,
        exact_size: int | None,
        offload: Offload,
    ) -> None:
        self._file = file
        self._writer = FilmWriter(file, media, limit=limits.max_bytes, floor=floor, offload=offload)
        self._picture: UploadFile | None = None
        self._media = media
        self._acceptance = acceptance
        self._limits = limits
        self._exact_size = exact_size
        self._offload = offload
        self._is_accepted = False

    @property
    def size(self) -> int:
        """Bytes of the film received so far."""
        return self._writer.size

    async def write(self, chunk: bytes | bytearray | memoryview) -> None:
        """Take the next bytes of the film (``FilmWriter.write``)."""
        await self._writer.write(chunk)

    async def write_thumbnail(self, chunk: bytes | bytearray | memoryview) -> None:
        """Take the next bytes of the admin's own picture. Raises PayloadTooLarge."""
        if self._picture is None:
            self._picture = await self._offload(self._media.open_upload)
        if self._picture.size + len(chunk) > self._limits.thumbnail_max_bytes:
            raise PayloadTooLarge(too_large("thumbnail", self._limits.thumbnail_max_bytes))
        await self._offload(self._picture.write, chunk)

    async def accept(self, details: VideoDetails, thumbnail: Path | None = None) -> Video:
        """Keep the film (``Acceptance.accept``). Once only.

        ``thumbnail`` is a picture on this machine, for callers that have it as a file. Raises
        also FieldErrors for title, description, category and file.
        """
        if self._is_accepted:
            raise RuntimeError("this upload was accepted already")
        checked = check_details(details, {"file": self._problems()})
        await self._writer.flush()
        if thumbnail is None and self._picture is not None:
            thumbnail = self._picture.path
        video = await self._acceptance.accept(self._file, checked, thumbnail=thumbnail)
        self._is_accepted = True
        return video

    async def close(self) -> None:
        """Delete what was not accepted, also when the task is being cancelled."""
        await asyncio.shield(self._offload(self._discard))

    def _problems(self) -> list[str]:
        if self.size == 0:
            return [EMPTY]
        if self._exact_size is not None and self.size != self._exact_size:
            return [INCOMPLETE]
        return []

    def _discard(self) -> None:
        self._file.discard()
        if self._picture is not None:
            self._picture.discard()
