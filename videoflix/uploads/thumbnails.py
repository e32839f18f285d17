"""An admin's own picture for a film that is there: put in place of the one made from the film, and
taken back."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import structlog

from videoflix.errors import NotFound, PayloadTooLarge
from videoflix.models import ProcessingStatus, Video
from videoflix.offload import Offload
from videoflix.ports import SourceStore, UploadFile, VideoEdits, VideoStore
from videoflix.uploads.pictures import ThumbnailMaker
from videoflix.uploads.writer import too_large

UNKNOWN = "There is no such video."
MADE = "thumbnail.jpg"  # in a published title

_log = structlog.get_logger(__name__)


class IncomingThumbnail:
    """A picture while it arrives. Used by one task at a time."""

    def __init__(self, owner: "OwnThumbnails", video_id: int, file: UploadFile) -> None:
        self._owner = owner
        self._video_id = video_id
        self._file = file

    async def write(self, data: bytes) -> None:
        """Raises PayloadTooLarge, InsufficientStorage."""
        self._owner.check_size(self._file.size + len(data))
        await self._owner.offload(self._file.write, data)

    async def accept(self) -> Video:
        """Show it from now on. Raises FieldErrors for what is no picture (``thumbnail``), and
        NotFound for a film that was deleted meanwhile."""
        return await self._owner.install(self._video_id, self._file)


class OwnThumbnails:
    def __init__(
        self,
        videos: VideoStore,
        edits: VideoEdits,
        media: SourceStore,
        *,
        max_bytes: int,
        offload: Offload,
        maker: ThumbnailMaker | None = None,
    ) -> None:
        self.offload = offload
        self._videos = videos
        self._edits = edits
        self._media = media
        self._max_bytes = max_bytes
        self._maker = maker or ThumbnailMaker()

    @asynccontextmanager
    async def receive(
        self, video_id: int, declared_size: int | None
    ) -> AsyncIterator[IncomingThumbnail]:
        """Raises NotFound and PayloadTooLarge before the first byte."""
        self.check_size(declared_size or 0)
        if await self._videos.find(video_id) is None:
            raise NotFound(UNKNOWN)
        file = await self.offload(self._media.open_upload)
        try:
            yield IncomingThumbnail(self, video_id, file)
        finally:
            await asyncio.shield(self.offload(file.discard))

    async def remove(self, video_id: int) -> Video:
        """Show the picture made from the film again; before there is one, none. Raises
        NotFound."""
        video = await self._edits.set_own_thumbnail(video_id, is_own=False)
        if video is None:
            raise NotFound(UNKNOWN)
        # An encode that is published at this moment looks at the record after that.
        if video.generation is None:
            await self.offload(self._media.thumbnail(video_id).unlink, missing_ok=True)
        else:
            made = self._media.title(video_id, video.generation) / MADE
            try:
                await self.offload(self._media.install_thumbnail, made, video_id)
            except FileNotFoundError:  # the film was deleted at this moment, or is damaged
                _log.warning("no thumbnail to go back to", video=video_id)
        return video

    def check_size(self, size: int) -> None:
        """Raises PayloadTooLarge."""
        if size > self._max_bytes:
            raise PayloadTooLarge(too_large("thumbnail", self._max_bytes))

    async def install(self, video_id: int, file: UploadFile) -> Video:
        """For ``IncomingThumbnail.accept``."""
        made = file.path.with_suffix(".jpg")
        try:
            await self._maker.make(file.path, made)
            # First the picture: a record that says that there is one is never wrong.
            await self.offload(self._media.install_thumbnail, made, video_id)
            video = await self._edits.set_own_thumbnail(video_id, is_own=True)
            if video is None:
                await self.offload(self._media.thumbnail(video_id).unlink, missing_ok=True)
                raise NotFound(UNKNOWN)
            if video.status is ProcessingStatus.PROCESSING:
                # An encode that ended in between may have put its own in its place.
                await self.offload(self._media.install_thumbnail, made, video_id)
        finally:
            await self.offload(made.unlink, missing_ok=True)
        _log.info("own thumbnail installed", video=video_id)
        return video
