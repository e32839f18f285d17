"""Playlists, presentations, and the segments, subtitles and pictures that they name (members)."""

import re

from handlers.media import PRIVATE, PRIVATE_VERSIONED, MediaHandler, video_id
from videoflix.errors import NotFound
from videoflix.streaming.documents import Document
from videoflix.streaming.packages import PackageService, Resource

PLAYLIST_TYPE = "application/vnd.apple.mpegurl"
DASH_TYPE = "application/dash+xml"
TEXT_TYPE = "text/vtt"  # W3C WebVTT §1.4; always UTF-8

_NUMBER = re.compile(r"[0-9]{3,6}")
_SHEET = re.compile(r"0|[1-9][0-9]{0,3}")
_CODINGS = re.compile(r"\s*([!#$%&'*+.^`|~\w-]+)\s*(?:;\s*q=([01](?:\.[0-9]{0,3})?)\s*)?")


def takes_gzip(header: str) -> bool:
    """Whether an Accept-Encoding header allows gzip (RFC 9110 §12.5.3)."""
    weights: dict[str, float] = {}
    for part in header.split(","):
        if match := _CODINGS.fullmatch(part):
            weights[match[1].lower()] = float(match[2] or 1)
    return weights.get("gzip", weights.get("x-gzip", weights.get("*", 0))) > 0


def segment_number(text: str) -> int:
    """Raises NotFound for what no segment is called."""
    if not _NUMBER.fullmatch(text):
        raise NotFound("There is no such segment.")
    return int(text)


class PackageHandler(MediaHandler):
    @property
    def packages(self) -> PackageService:
        return self.container.packages

    def send_document(
        self, document: Document, media_type: str = PLAYLIST_TYPE, cache: str = PRIVATE
    ) -> None:
        """Compressed for who takes it. Without a version the text is asked for again each time,
        and then mostly not sent."""
        self.add_header("Vary", "Accept-Encoding")
        content, etag = document.content, document.etag
        if document.compressed and takes_gzip(self.request.headers.get("Accept-Encoding", "")):
            content, etag = document.compressed, document.compressed_etag
            self.set_header("Content-Encoding", "gzip")
        if self.begin(media_type, len(content), etag, cache):
            self.write(content)

    def send_text(self, document: Document) -> None:
        cache = PRIVATE if self.version is None else PRIVATE_VERSIONED
        self.send_document(document, TEXT_TYPE, cache)

    async def send_resource(self, resource: Resource) -> None:
        cache = PRIVATE_VERSIONED if resource.is_versioned else PRIVATE
        span = self.begin_span(resource.media_type, resource.size, resource.etag, cache)
        if span is None:
            return
        # Checked before the first byte: an error still gets its own answer.
        async with resource.open(*span) as file:
            await self.send(file, span.end - span.first)


class MultivariantPlaylistHandler(PackageHandler):
    async def get(self, video: str) -> None:
        self.send_document(await self.packages.multivariant_playlist(video_id(video)))


class MediaPlaylistHandler(PackageHandler):
    async def get(self, video: str, name: str) -> None:
        self.send_document(await self.packages.media_playlist(video_id(video), name))


class IFramePlaylistHandler(PackageHandler):
    async def get(self, video: str, resolution: str) -> None:
        self.send_document(await self.packages.i_frame_playlist(video_id(video), resolution))


class PackedSegmentHandler(PackageHandler):
    async def get(self, video: str, sound: str, number: str) -> None:
        found = await self.packages.packed_segment(
            video_id(video), sound, segment_number(number), self.version
        )
        await self.send_resource(found)


class TextSegmentHandler(PackageHandler):
    async def get(self, video: str, text: str) -> None:
        self.send_text(
            await self.packages.text_segment(video_id(video), text, self.version, is_cmaf=False)
        )


class CmafMultivariantPlaylistHandler(PackageHandler):
    async def get(self, video: str) -> None:
        self.send_document(await self.packages.cmaf_multivariant_playlist(video_id(video)))


class CmafMediaPlaylistHandler(PackageHandler):
    async def get(self, video: str, track: str) -> None:
        self.send_document(await self.packages.cmaf_media_playlist(video_id(video), track))


class CmafIFramePlaylistHandler(PackageHandler):
    async def get(self, video: str, track: str) -> None:
        self.send_document(await self.packages.cmaf_i_frame_playlist(video_id(video), track))


class CmafInitHandler(PackageHandler):
    async def get(self, video: str, track: str) -> None:
        await self.send_resource(
            await self.packages.cmaf_init(video_id(video), track, self.version)
        )


class CmafSegmentHandler(PackageHandler):
    async def get(self, video: str, track: str, number: str) -> None:
        found = await self.packages.cmaf_segment(
            video_id(video), track, segment_number(number), self.version
        )
        await self.send_resource(found)


class CmafTextSegmentHandler(PackageHandler):
    async def get(self, video: str, text: str) -> None:
        self.send_text(
            await self.packages.text_segment(video_id(video), text, self.version, is_cmaf=True)
        )


class PresentationHandler(PackageHandler):
    async def get(self, video: str) -> None:
        self.send_document(await self.packages.presentation(video_id(video)), DASH_TYPE)


class TextHandler(PackageHandler):
    async def get(self, video: str, text_number: str) -> None:
        name = f"text-{text_number}"
        self.send_text(await self.packages.text(video_id(video), name, self.version))


class StoryboardHandler(PackageHandler):
    async def get(self, video: str) -> None:
        self.send_document(await self.packages.storyboard(video_id(video)), TEXT_TYPE)


class ImagePlaylistHandler(PackageHandler):
    async def get(self, video: str) -> None:
        self.send_document(await self.packages.image_playlist(video_id(video)))


class SpriteHandler(PackageHandler):
    async def get(self, video: str, sheet: str) -> None:
        if not _SHEET.fullmatch(sheet):
            raise NotFound("There is no such picture.")
        await self.send_resource(
            await self.packages.sprite(video_id(video), int(sheet), self.version)
        )
