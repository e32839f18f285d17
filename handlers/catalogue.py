"""The catalogue, its playlists and segments (members), and its pictures (everybody)."""

import asyncio
import os
from collections.abc import Sequence
from pathlib import Path
from typing import BinaryIO

from handlers.base import ReadingHandler, json_bytes
from handlers.media import PRIVATE_SEGMENT, PRIVATE_VERSIONED, MediaHandler, video_id
from handlers.ranges import Span
from handlers.shapes import catalogue_entry
from videoflix.catalogue.service import CatalogueService
from videoflix.coalesced import Coalesced
from videoflix.errors import NotFound
from videoflix.models import Video
from videoflix.streaming.service import Segment

SEGMENT_TYPE = "video/MP2T"
PICTURE_TYPE = "image/jpeg"
PUBLIC = "public, max-age=300"
# nginx repeats a request with this header when it could not open the file that it was sent to. From
# anybody else it does no harm: the same bytes come from here.
FAILED_HEADER = "X-Accel-Failed"


class CatalogueAnswer:
    """The catalogue as JSON: read and written once for all who ask at the same time."""

    def __init__(self, catalogue: CatalogueService) -> None:
        self._catalogue = catalogue
        self._videos: Sequence[Video] = ()
        self._content = json_bytes([])
        self.content = Coalesced(self._read)

    async def _read(self) -> bytes:
        videos = await self._catalogue.list_ready()
        if videos is not self._videos:
            entries = [catalogue_entry(video, self._catalogue) for video in videos]
            self._videos, self._content = videos, json_bytes(entries)
        return self._content


class CatalogueHandler(ReadingHandler):
    async def get(self) -> None:
        catalogue: CatalogueAnswer = self.settings["catalogue_answer"]
        self.answer_bytes(await catalogue.content())


class SegmentHandler(MediaHandler):
    async def get(self, video: str, resolution: str, segment_name: str) -> None:
        version = self.version
        segment = await self.container.streaming.segment(
            video_id(video), resolution, segment_name, version
        )
        cache = PRIVATE_SEGMENT if version is None else PRIVATE_VERSIONED
        if self._is_handed_over:
            await self._hand_over(segment, cache)
        elif span := self.begin_span(SEGMENT_TYPE, segment.size, segment.etag, cache):
            # Opened, cut and checked before the first byte: an error still gets its own answer.
            async with segment.open() as file:
                await self._send_span(file, span)

    async def _hand_over(self, segment: Segment, cache: str) -> None:
        """Let nginx send what is in the cache, whose business ranges are then; what the cache
        does not keep is sent from here."""
        if not self.begin(SEGMENT_TYPE, segment.size, segment.etag, cache):
            return
        async with segment.open() as file:
            place = await segment.place(file)
            if place is not None:
                self.set_header("X-Accel-Redirect", self._accel_prefix + place)
                self.set_header("Content-Length", "0")
                self.container.measures.sent(segment.size, by_proxy=True)
            elif span := self.begin_span(SEGMENT_TYPE, segment.size, segment.etag, cache):
                await self._send_span(file, span)

    async def _send_span(self, file: BinaryIO, span: Span) -> None:
        file.seek(span.first)
        await self.send(file, span.end - span.first)

    @property
    def _is_handed_over(self) -> bool:
        return (
            self._accel_prefix != ""
            and self.request.method == "GET"
            and FAILED_HEADER not in self.request.headers
        )

    @property
    def _accel_prefix(self) -> str:
        return self.container.settings.server.accel_prefix


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
