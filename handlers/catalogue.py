"""The catalogue, its playlists and segments (members), and its pictures (everybody)."""

import asyncio
import os
from collections.abc import Sequence
from pathlib import Path
from typing import BinaryIO

from handlers.base import BaseHandler, json_bytes
from handlers.media import PRIVATE_SEGMENT, PRIVATE_VERSIONED, MediaHandler, video_id
from handlers.shapes import catalogue_entry
from videoflix.catalogue.service import CatalogueService
from videoflix.coalesced import Coalesced
from videoflix.errors import NotFound
from videoflix.models import Video

SEGMENT_TYPE = "video/MP2T"
PICTURE_TYPE = "image/jpeg"
PUBLIC = "public, max-age=300"


class CatalogueAnswer:
    """The catalogue as JSON: read and written once for all who ask at the same time."""

    def __init__(self, catalogue: CatalogueService) -> None:
        self._catalogue = catalogue
        self._videos: Sequence[Video] = ()
        self._content = json_bytes([])
        self.content = Coalesced(self._read)

    async def _read(self) -> bytes:
        videos = await self._catalogue.list_ready()
        if videos != self._videos:
            entries = [catalogue_entry(video, self._catalogue) for video in videos]
            self._videos, self._content = videos, json_bytes(entries)
        return self._content


class CatalogueHandler(BaseHandler):
    async def get(self) -> None:
        catalogue: CatalogueAnswer = self.settings["catalogue_answer"]
        self.answer_bytes(await catalogue.content())

    async def head(self) -> None:
        await self.get()


class SegmentHandler(MediaHandler):
    async def get(self, video: str, resolution: str, segment_name: str) -> None:
        version = self.version
        segment = await self.container.streaming.segment(
            video_id(video), resolution, segment_name, version
        )
        cache = PRIVATE_SEGMENT if version is None else PRIVATE_VERSIONED
        span = self.begin_span(SEGMENT_TYPE, segment.size, segment.etag, cache)
        if span is None:
            return
        # Opened, cut and checked before the first byte: an error still gets its own answer.
        async with segment.open() as file:
            file.seek(span.first)
            await self.send(file, span.end - span.first)

    async def head(self, video: str, resolution: str, segment_name: str) -> None:
        await self.get(video, resolution, segment_name)


def _open_picture(path: Path) -> tuple[BinaryIO, os.stat_result]:
    try:
        file = path.open("rb")
    except FileNotFoundError as error:
        raise NotFound("There is no such picture.") from error
    return file, os.fstat(file.fileno())


class ThumbnailHandler(MediaHandler):
    async def get(self, video: str) -> None:
        path = self.container.media.thumbnail(video_id(video))
        file, status = await asyncio.to_thread(_open_picture, path)
        with file:
            etag = f'"{status.st_mtime_ns:x}-{status.st_size:x}"'
            if self.begin(PICTURE_TYPE, status.st_size, etag, PUBLIC):
                await self.send(file, status.st_size)

    async def head(self, video: str) -> None:
        await self.get(video)
