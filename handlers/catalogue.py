"""The catalogue, its playlists and segments (members), and its pictures (everybody)."""

import asyncio
import os
from pathlib import Path
from typing import BinaryIO

import xxhash

from handlers.base import BaseHandler
from handlers.media import MediaHandler, video_id
from handlers.shapes import catalogue_entry
from videoflix.errors import NotFound

PLAYLIST_TYPE = "application/vnd.apple.mpegurl"
SEGMENT_TYPE = "video/MP2T"
PICTURE_TYPE = "image/jpeg"
PUBLIC = "public, max-age=300"


class CatalogueHandler(BaseHandler):
    async def get(self) -> None:
        catalogue = self.container.catalogue
        self.answer([catalogue_entry(video, catalogue) for video in await catalogue.list_ready()])

    async def head(self) -> None:
        await self.get()


class PlaylistHandler(MediaHandler):
    def send_playlist(self, playlist: str) -> None:
        content = playlist.encode()
        if self.begin(PLAYLIST_TYPE, len(content), f'"{xxhash.xxh3_64_hexdigest(content)}"'):
            self.write(content)


class MultivariantPlaylistHandler(PlaylistHandler):
    async def get(self, video: str) -> None:
        playlist = await self.container.streaming.multivariant_playlist(video_id(video))
        self.send_playlist(playlist)

    async def head(self, video: str) -> None:
        await self.get(video)


class MediaPlaylistHandler(PlaylistHandler):
    async def get(self, video: str, resolution: str) -> None:
        playlist = await self.container.streaming.media_playlist(video_id(video), resolution)
        self.send_playlist(playlist)

    async def head(self, video: str, resolution: str) -> None:
        await self.get(video, resolution)


class SegmentHandler(MediaHandler):
    async def get(self, video: str, resolution: str, segment_name: str) -> None:
        segment = await self.container.streaming.segment(video_id(video), resolution, segment_name)
        if not self.begin(SEGMENT_TYPE, segment.size, segment.etag):
            return
        # Opened, cut and checked before the first byte: an error still gets its own answer.
        async with segment.open() as file:
            await self.send(file)

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
                await self.send(file)

    async def head(self, video: str) -> None:
        await self.get(video)
