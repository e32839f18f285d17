"""Uploads that come in several requests, however often the line breaks.

::

    upload = await uploads.create(user_id, size, details, metadata)
    async with uploads.append(upload.id, user_id, offset) as piece:
        await piece.write(chunk)                      # as often as bytes arrive
        progress = await piece.finish()               # at the end of the request
    progress = await uploads.progress(upload.id, user_id)

What was received is on the disk, whether or not ``finish`` was reached; the offset is how much
that is. The piece with the last byte ends with a film in the catalogue (``Acceptance``). Where
that fails for a reason that passes, or the process dies, the offset stands one byte before the
end, so that the client sends that byte again and hears how it went.
"""

import asyncio
import secrets
import time
from collections.abc import AsyncIterator, Callable, Collection
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from dataclasses import dataclass, replace

import structlog

from videoflix.details import check_details
from videoflix.errors import Busy, Conflict, NotFound, PayloadTooLarge
from videoflix.models import VideoDetails
from videoflix.offload import Offload
from videoflix.ports import OpenUpload, ResumableStore, ResumableUpload, SourceStore, UploadState
from videoflix.settings import Settings
from videoflix.uploads.acceptance import Acceptance
from videoflix.uploads.incoming import EMPTY
from videoflix.uploads.piece import Checksum, Piece, Repeated, next_offset
from videoflix.uploads.space import Space
from videoflix.uploads.writer import FilmWriter, too_large

UNKNOWN = "There is no such upload, or it has expired."
# A client whose line broke comes back before this server hears that it did: nobody waits for long
# for a request that has fallen silent.
SILENT_SECONDS = 5.0
END_SECONDS = 5.0
TOO_MUCH = "More bytes were sent than the upload has."

_log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Progress:
    """``expires_at``: seconds since the epoch. ``video_id`` once the film is in the catalogue."""

    upload: ResumableUpload
    offset: int
    expires_at: float

    @property
    def video_id(self) -> int | None:
        return self.upload.video_id if self.upload.is_done else None


@dataclass(frozen=True, slots=True)
class _Running:
    """``closed``: whoever waited for it may open the upload."""

    piece: Piece
    closed: asyncio.Event
    give_way: Callable[[], None]


class ResumableUploads:
    """An upload belongs to the user who made it; to others there is none."""

    def __init__(
        self,
        store: ResumableStore,
        media: SourceStore,
        acceptance: Acceptance,
        space: Space,
        settings: Settings,
        *,
        offload: Offload,
    ) -> None:
        self._store = store
        self._media = media
        self._acceptance = acceptance
        self._space = space
        self._limits = settings.upload
        self._floor = settings.storage.free_floor
        self._offload = offload
        self._running: dict[str, _Running] = {}

    @property
    def largest(self) -> int:
        """Bytes that an upload may have."""
        return self._limits.max_bytes

    async def create(
        self, owner: int, size: int, details: VideoDetails, metadata: str = ""
    ) -> Progress:
        """Begin an upload of ``size`` bytes, with room reserved for them where the file system
        can. Raises FieldErrors, PayloadTooLarge, InsufficientStorage."""
        checked = check_details(details, {"file": [] if size else [EMPTY]})
        if size > self._limits.max_bytes:
            raise PayloadTooLarge(too_large("film", self._limits.max_bytes))
        await self._space.check(size)
        upload = ResumableUpload(secrets.token_hex(16), owner, size, checked, metadata)
        opened = await self._offload(self._store.create, upload)
        try:
            assert opened.film is not None  # noqa: S101 - made just now
            await self._space.secure(opened.film, size)
        except BaseException:
            await asyncio.shield(self._offload(opened.delete))
            raise
        await self._offload(opened.close)
        _log.info("upload begins", upload=upload.id, bytes=size)
        return Progress(upload, 0, self._expiry(time.time()))

    async def progress(self, upload_id: str, owner: int) -> Progress:
        """How far an upload is. Raises NotFound."""
        state = await self._find(upload_id, owner)
        return Progress(state.upload, next_offset(state), self._expiry(state.touched))

    @asynccontextmanager
    async def append(
        self,
        upload_id: str,
        owner: int,
        offset: int,
        *,
        length: int | None = None,
        checksum: Checksum | None = None,
        give_way: Callable[[], None] = lambda: None,
    ) -> AsyncIterator[Piece | Repeated]:
        """Go on with an upload at ``offset``, with ``length`` bytes where that is known.

        ``give_way`` is called when somebody else wants to go on with the upload and this request
        has been silent for some seconds: it has the block end.

        Raises NotFound; Conflict where the upload stands elsewhere, Busy while somebody else
        writes to it; PayloadTooLarge, InsufficientStorage. Bytes that have a checksum are kept
        all or not at all.
        """
        upload = (await self._find(upload_id, owner)).upload
        if offset + (length or 0) > upload.size:
            raise PayloadTooLarge(TOO_MUCH)
        opened = await self._open(upload_id)
        closed = asyncio.Event()
        async with AsyncExitStack() as stack:
            stack.callback(closed.set)  # last of all: who waits for it opens the upload at once
            stack.push_async_callback(self._close, opened)
            if opened.upload.is_done:
                # The answer to the last piece was lost, and it is sent again.
                if offset + (length or 0) != upload.size:
                    raise Conflict(stands_at(upload.size))
                yield Repeated(opened.upload)
                return
            piece = await self._begin(opened, offset, checksum)
            self._running[upload_id] = _Running(piece, closed, give_way)
            try:
                yield piece
            finally:
                del self._running[upload_id]
                await asyncio.shield(piece.close())

    async def _open(self, upload_id: str) -> OpenUpload:
        """Raises NotFound; Busy, but not because of a silent request to this process."""
        try:
            opened = await self._offload(self._store.open, upload_id)
        except Busy:
            running = self._running.get(upload_id)
            if running is None or running.piece.silent_for < SILENT_SECONDS:
                raise
            running.give_way()
            with suppress(TimeoutError):
                async with asyncio.timeout(END_SECONDS):
                    await running.closed.wait()
            opened = await self._offload(self._store.open, upload_id)
        if opened is None:
            raise NotFound(UNKNOWN)
        return opened

    async def _begin(self, opened: OpenUpload, offset: int, checksum: Checksum | None) -> Piece:
        """Raises Conflict and InsufficientStorage before anything is changed."""
        state = await self._offload(self._store.find, opened.upload.id)
        if state is None:
            raise NotFound(UNKNOWN)
        expected = next_offset(state)
        if offset != expected:
            raise Conflict(stands_at(expected))
        upload, film = opened.upload, opened.film
        if film is None:  # moved to its place before a crash; its last byte is only for the answer
            return Piece(opened, None, self._acceptance, offload=self._offload)
        if film.size > offset:
            await self._offload(opened.truncate, offset)
        await self._space.secure(film, upload.size)
        marked = offset if checksum is not None else None
        if upload.unverified_from != marked:
            await self._offload(opened.save, replace(upload, unverified_from=marked))
        writer = FilmWriter(
            film,
            self._media,
            limit=upload.size,
            floor=self._floor,
            offload=self._offload,
            digest=checksum.hash if checksum is not None else None,
        )
        return Piece(opened, writer, self._acceptance, offload=self._offload, checksum=checksum)

    async def delete(self, upload_id: str, owner: int) -> None:
        """Forget an upload, with its bytes. A film that it has become stays. Raises NotFound,
        Busy."""
        await self._find(upload_id, owner)
        opened = await self._open(upload_id)
        await self._offload(opened.delete)

    async def sweep(self) -> int:
        """Delete uploads that have expired; returns how many. Active ones, of any process, are
        never touched."""
        return await self._offload(self._store.sweep, self._limits.expires_after)

    async def claimed(self) -> Collection[int]:
        return await self._offload(self._store.claimed)

    async def _find(self, upload_id: str, owner: int) -> UploadState:
        state = await self._offload(self._store.find, upload_id)
        if state is None or state.upload.owner != owner:
            raise NotFound(UNKNOWN)
        if self._expiry(state.touched) < time.time():
            raise NotFound(UNKNOWN)
        return state

    async def _close(self, opened: OpenUpload) -> None:
        await asyncio.shield(self._offload(opened.close))

    def _expiry(self, touched: float) -> float:
        return touched + self._limits.expires_after


def stands_at(offset: int) -> str:
    return f"The upload stands at byte {offset}."
