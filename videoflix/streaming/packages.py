"""Everything that is made of a ready title on request but MPEG-TS segments: playlists,
presentations, CMAF and packed audio segments, subtitles, storyboards."""

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from functools import partial
from typing import BinaryIO, NoReturn, TypeVar

from media_pipeline.errors import DamagedTitle
from media_pipeline.packages import dash, hls_cmaf, hls_sides, hls_ts, packed_audio
from media_pipeline.packages.package import AUDIO_TYPE, VIDEO_TYPE, Package
from media_pipeline.titles.side_files import sprite_file
from media_pipeline.titles.verified import Part
from media_pipeline.transport.mpegts import TS_START
from videoflix.errors import NotFound
from videoflix.offload import Offload
from videoflix.streaming.documents import Document, DocumentShelf
from videoflix.streaming.shared import shared
from videoflix.streaming.single_flight import SingleFlight
from videoflix.streaming.titles import OpenTitle, TitleShelf, rendition_for

T = TypeVar("T")

PICTURE_TYPE = "image/jpeg"
_DOCUMENT_BYTES = 32 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class Resource:
    """Bytes that exist: ``size`` and entity tag are known before any of them is read.

    ``is_versioned``: the URL named the generation, and will never stand for other bytes.
    """

    video_id: int
    generation: str
    media_type: str
    size: int
    etag: str
    is_versioned: bool
    _shelf: TitleShelf
    _offload: Offload
    _open: Callable[[int, int], BinaryIO]

    @asynccontextmanager
    async def open(self, first: int, end: int) -> AsyncIterator[BinaryIO]:
        """A file that stands at byte ``first``, to be read up to ``end``; what is read was
        checked. Raises NotFound where the film was deleted just now, MediaDamaged."""
        try:
            file = await self._offload(self._open, first, end)
        except DamagedTitle as error:
            raise await self._shelf.trouble(self.video_id, self.generation, error) from error
        with file:
            yield file


class PackageService:
    """Methods raise NotFound for what is not there, without a look at the disk, and MediaDamaged.

    ``version`` is the generation that a URL names, None where it names none; another one than
    the published is not found, but for the one that it has just replaced.
    """

    def __init__(self, shelf: TitleShelf, offload: Offload) -> None:
        self._shelf = shelf
        self._offload = offload
        self._documents = DocumentShelf(_DOCUMENT_BYTES)
        self._flights = SingleFlight()

    async def multivariant_playlist(self, video_id: int) -> Document:
        return await self._document(await self._find(video_id), ("master",), hls_ts.multivariant)

    async def media_playlist(self, video_id: int, name: str) -> Document:
        """Of a rendition, of a sound that its segments do not carry, or of subtitles."""
        found = await self._find(video_id)
        package = found.package
        if name in package.texts:
            return await self._document(
                found, ("text", name), lambda p: hls_sides.subtitle_playlist(p, "", name)
            )
        if any(facts.name == name for facts in package.packed):
            return await self._document(found, ("packed", name), lambda p: hls_ts.packed(p, name))
        rendition = rendition_for(package.title, name)
        return await self._document(
            found, ("media", rendition), lambda p: hls_ts.media(p, rendition)
        )

    async def i_frame_playlist(self, video_id: int, resolution: str) -> Document:
        found = await self._find(video_id)
        rendition = rendition_for(found.title, resolution)
        return await self._document(
            found, ("i-frames", rendition), lambda p: hls_ts.i_frames(p, rendition)
        )

    async def cmaf_multivariant_playlist(self, video_id: int) -> Document:
        found = await self._find(video_id)
        return await self._document(found, ("cmaf", "master"), hls_cmaf.multivariant)

    async def cmaf_media_playlist(self, video_id: int, track: str) -> Document:
        """Of a rendition, a sound or subtitles."""
        found = await self._find(video_id)
        if track in found.package.texts:
            return await self._document(
                found,
                ("cmaf", "text", track),
                lambda p: hls_sides.subtitle_playlist(p, hls_cmaf.FOLDER, track),
            )
        _check_track(found.package, track)
        return await self._document(
            found, ("cmaf", "media", track), lambda p: hls_cmaf.media(p, track)
        )

    async def cmaf_i_frame_playlist(self, video_id: int, track: str) -> Document:
        found = await self._find(video_id)
        if track not in found.title.renditions:
            _missing()
        return await self._document(
            found, ("cmaf", "i-frames", track), lambda p: hls_cmaf.i_frames(p, track)
        )

    async def presentation(self, video_id: int) -> Document:
        return await self._document(await self._find(video_id), ("mpd",), dash.presentation)

    async def image_playlist(self, video_id: int) -> Document:
        found = await self._find(video_id)
        return await self._document(found, ("images",), hls_sides.image_playlist)

    async def storyboard(self, video_id: int) -> Document:
        return await self._document(await self._find(video_id), ("storyboard",), Package.storyboard)

    async def text(self, video_id: int, name: str, version: str | None) -> Document:
        """Subtitles as a file of their own."""
        found = await self._find(video_id, version)
        _check_text(found.package, name)
        return await self._document(found, ("vtt", name), lambda p: p.text(name))

    async def text_segment(
        self, video_id: int, name: str, version: str | None, *, is_cmaf: bool
    ) -> Document:
        """Subtitles as the one segment of an HLS rendition."""
        found = await self._find(video_id, version)
        _check_text(found.package, name)
        start = 0 if is_cmaf else TS_START
        return await self._document(
            found, ("vtt", name, start), lambda p: p.mapped_text(name, start)
        )

    async def cmaf_init(self, video_id: int, track: str, version: str | None) -> Resource:
        found = await self._find(video_id, version)
        _check_track(found.package, track)
        part = await self._read(found, lambda: found.package.track(track).init)
        return self._part(found, part, _type(found.package, track), version)

    async def cmaf_segment(
        self, video_id: int, track: str, index: int, version: str | None
    ) -> Resource:
        found = await self._find(video_id, version)
        _check_track(found.package, track)
        _check_segment(found.package, index)
        opened = found.package.opened(track)
        if opened is None:
            opened = await self._read(found, lambda: found.package.track(track))
        kind = _type(found.package, track)
        return self._resource(found, opened.size(index), kind, version, partial(opened.open, index))

    async def packed_segment(
        self, video_id: int, sound: str, index: int, version: str | None
    ) -> Resource:
        """A segment of a sound that MPEG-TS segments do not carry."""
        found = await self._find(video_id, version)
        package = found.package
        if all(facts.name != sound for facts in package.packed):
            _missing()
        _check_segment(package, index)
        measured = await self._read(
            found, lambda: packed_audio.measure(package.audio(sound), index)
        )

        def cut(first: int, _end: int) -> BinaryIO:
            track = package.title.track(sound)
            samples = track.samples(package.grid.segment(index))
            segment = packed_audio.packed_segment(track.configuration, samples)
            file = shared(memoryview(segment))
            file.seek(first)
            return file

        return self._resource(found, measured.size, packed_audio.MEDIA_TYPE, version, cut)

    async def sprite(self, video_id: int, sheet: int, version: str | None) -> Resource:
        """A sheet of small pictures."""
        found = await self._find(video_id, version)
        if sheet >= found.package.manifest.storyboard.sheets:
            _missing()
        part = await self._read(found, lambda: found.package.small_file(sprite_file(sheet)))
        return self._part(found, part, PICTURE_TYPE, version)

    async def _find(self, video_id: int, version: str | None = None) -> OpenTitle:
        return await self._shelf.find(video_id, version)

    async def _document(
        self, found: OpenTitle, name: tuple[object, ...], make: Callable[[Package], str]
    ) -> Document:
        key = (found.video_id, found.generation, *name)
        document = self._documents.find(key)
        if document is None:
            # Once for all who ask: those of a long film take some tenths of a second.
            document = await self._flights.join(key, self._make(found, key, make))
        return document

    async def _make(
        self, found: OpenTitle, key: tuple[object, ...], make: Callable[[Package], str]
    ) -> Document:
        document = await self._read(found, lambda: Document.of(make(found.package)))
        self._documents.keep(key, document)
        return document

    async def _read(self, found: OpenTitle, call: Callable[[], T]) -> T:
        try:
            return await self._offload(call)
        except DamagedTitle as error:
            raise await self._shelf.trouble(found.video_id, found.generation, error) from error

    def _part(self, found: OpenTitle, part: Part, media_type: str, version: str | None) -> Resource:
        return self._resource(found, part.size, media_type, version, part.open)

    def _resource(
        self,
        found: OpenTitle,
        size: int,
        media_type: str,
        version: str | None,
        open_at: Callable[[int, int], BinaryIO],
    ) -> Resource:
        return Resource(
            found.video_id,
            found.generation,
            media_type,
            size,
            f'"{found.generation}"',
            version is not None,
            self._shelf,
            self._offload,
            open_at,
        )


def _missing() -> NoReturn:
    raise NotFound("There is no such part of the film.")


def _check_track(package: Package, track: str) -> None:
    if track not in package.sounds and track not in package.title.renditions:
        _missing()


def _check_text(package: Package, name: str) -> None:
    if name not in package.texts:
        _missing()


def _check_segment(package: Package, index: int) -> None:
    if index >= package.grid.segment_count:
        raise NotFound("There is no such segment.")


def _type(package: Package, track: str) -> str:
    return AUDIO_TYPE if track in package.sounds else VIDEO_TYPE
