"""One upload while it arrives: bytes in, a durable file and a record out."""

import asyncio
from pathlib import Path

import structlog

from videoflix.details import check_details
from videoflix.errors import FieldErrors, InsufficientStorage, PayloadTooLarge
from videoflix.models import Video, VideoDetails
from videoflix.offload import Offload
from videoflix.ports import SourceStore, UploadFile
from videoflix.settings import UploadSettings
from videoflix.uploads.pictures import ThumbnailMaker
from videoflix.uploads.register import Register

# Small pieces are joined before a thread writes them; the disk is flushed on the way, so that
# the last flush of a large film is short and memory is not full of pages to write.
BUFFER_BYTES = 1024 * 1024
SYNC_BYTES = 64 * 1024 * 1024

EMPTY = "The submitted file is empty."
INCOMPLETE = "The file arrived incomplete."

_log = structlog.get_logger(__name__)


def too_large(what: str, limit: int) -> str:
    return f"The {what} is larger than the allowed {limit:,} bytes."


class Incoming:
    """See ``uploads.service``. Used by one task at a time."""

    def __init__(
        self,
        file: UploadFile,
        *,
        media: SourceStore,
        register: Register,
        thumbnails: ThumbnailMaker,
        limits: UploadSettings,
        floor: int,
        exact_size: int | None,
        offload: Offload,
    ) -> None:
        self._file = file
        self._picture: UploadFile | None = None
        self._media = media
        self._register = register
        self._thumbnails = thumbnails
        self._limits = limits
        self._floor = floor
        self._exact_size = exact_size
        self._offload = offload
        self._buffer = bytearray()
        self._unsynced = 0
        self._is_accepted = False

    @property
    def size(self) -> int:
        """Bytes of the film received so far."""
        return self._file.size + len(self._buffer)

    async def reserve(self, size: int) -> bool:
        """Reserve space; False where the file system cannot. Raises InsufficientStorage."""
        return await self._offload(self._file.reserve, size)

    async def write(self, chunk: bytes | bytearray | memoryview) -> None:
        """Take the next bytes of the film. Raises PayloadTooLarge, InsufficientStorage.

        The caller may wait for this before it reads on: that is the upload's back-pressure.
        """
        if self.size + len(chunk) > self._limits.max_bytes:
            raise PayloadTooLarge(too_large("film", self._limits.max_bytes))
        self._buffer += chunk
        if len(self._buffer) >= BUFFER_BYTES:
            await self._flush()

    async def write_thumbnail(self, chunk: bytes | bytearray | memoryview) -> None:
        """Take the next bytes of the admin's own picture. Raises PayloadTooLarge."""
        if self._picture is None:
            self._picture = await self._offload(self._media.open_upload)
        if self._picture.size + len(chunk) > self._limits.thumbnail_max_bytes:
            raise PayloadTooLarge(too_large("thumbnail", self._limits.thumbnail_max_bytes))
        await self._offload(self._picture.write, chunk)

    async def accept(self, details: VideoDetails, thumbnail: Path | None = None) -> Video:
        """Keep the film: from here on it survives whatever happens. Once only.

        ``thumbnail`` is a picture on this machine, for callers that have it as a file. Raises
        FieldErrors (title, description, category, file, thumbnail), DatabaseUnavailable,
        InsufficientStorage.
        """
        if self._is_accepted:
            raise RuntimeError("this upload was accepted already")
        checked = check_details(details, {"file": self._problems()})
        await self._flush()
        if thumbnail is None and self._picture is not None:
            thumbnail = self._picture.path
        made = await self._make_thumbnail(thumbnail) if thumbnail else None
        try:
            await self._offload(self._file.sync)
            video = await self._register.enter(self._file, checked, thumbnail=made)
        finally:
            if made is not None:
                await self._offload(made.unlink, missing_ok=True)
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

    async def _flush(self) -> None:
        data, self._buffer = self._buffer, bytearray()
        await self._offload(self._file.write, data)
        self._unsynced += len(data)
        if self._unsynced >= SYNC_BYTES:
            self._unsynced = 0
            await self._offload(self._file.flush)
            if await self._offload(self._media.free_bytes) < self._floor:
                _log.warning("upload ended: the disk is below its floor", size=self.size)
                raise InsufficientStorage("There is not enough free space on the server.")

    async def _make_thumbnail(self, picture: Path) -> Path:
        made = self._file.path.with_suffix(".jpg")
        try:
            await self._thumbnails.make(picture, made)
        except FieldErrors:
            await self._offload(made.unlink, missing_ok=True)
            raise
        return made

    def _discard(self) -> None:
        self._file.discard()
        if self._picture is not None:
            self._picture.discard()
