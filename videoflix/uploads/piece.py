"""One request's bytes of an upload that comes in several requests."""

import time
from dataclasses import dataclass, replace

from videoflix.errors import ChecksumMismatch, NotAVideo, NotFound
from videoflix.offload import Offload
from videoflix.ports import OpenUpload, ResumableUpload, UploadState
from videoflix.uploads.acceptance import Acceptance
from videoflix.uploads.writer import FilmWriter, Hash

MISMATCH = "The bytes do not have the checksum that was sent with them; none of them is kept."
GONE = "The film that was uploaded is no longer there."


@dataclass(frozen=True, slots=True)
class Checksum:
    """What a piece's bytes must hash to; ``hash`` is new."""

    hash: Hash
    expected: bytes


def next_offset(state: UploadState) -> int:
    """Where the upload goes on. Complete and not in the catalogue, it waits for its last byte
    again: so the client that sends it hears how it ended."""
    upload = state.upload
    if upload.is_done:
        return upload.size
    stored = upload.size if state.stored is None else state.stored
    if upload.unverified_from is not None:
        stored = min(stored, upload.unverified_from)
    return min(stored, upload.size - 1)


@dataclass(frozen=True, slots=True)
class Repeated:
    """The last piece once more, after the upload was done: it is not looked at."""

    upload: ResumableUpload

    async def write(self, chunk: bytes | bytearray | memoryview) -> None:
        """Drop the bytes."""

    async def finish(self) -> ResumableUpload:
        return self.upload


class Piece:
    """See ``uploads.resumable``. Used by one task at a time."""

    def __init__(
        self,
        opened: OpenUpload,
        writer: FilmWriter | None,
        acceptance: Acceptance,
        *,
        offload: Offload,
        checksum: Checksum | None = None,
    ) -> None:
        self._opened = opened
        self._writer = writer
        self._acceptance = acceptance
        self._offload = offload
        self._checksum = checksum
        self._received = 0
        self._last_heard = time.monotonic()
        self._is_complete = False
        self._is_finished = False

    @property
    def silent_for(self) -> float:
        """Seconds since the last bytes came; 0 once they are all there."""
        return 0.0 if self._is_complete else time.monotonic() - self._last_heard

    async def write(self, chunk: bytes | bytearray | memoryview) -> None:
        """Take the next bytes (``FilmWriter.write``)."""
        self._received += len(chunk)
        self._last_heard = time.monotonic()
        if self._writer is not None:
            await self._writer.write(chunk)

    async def finish(self) -> ResumableUpload:
        """The request is complete: its bytes are on the disk when this returns, and with the
        last one the film is in the catalogue.

        Raises ChecksumMismatch, NotAVideo (then the upload is gone too) and what
        ``Acceptance.accept`` raises; what passes leaves the upload as it is.
        """
        self._is_complete = True
        film = self._opened.film
        if self._writer is None or film is None:
            return await self._resume() if self._received else self._opened.upload
        await self._writer.flush()
        await self._verify()
        self._is_finished = True
        if film.size < self._opened.upload.size:
            await self._offload(film.flush)
            return self._opened.upload
        return await self._accept()

    async def close(self) -> None:
        """Keep what has arrived of a piece that was broken off, unless it has a checksum."""
        if self._is_finished or self._writer is None:
            return
        self._is_finished = True
        if self._checksum is not None:
            await self._take_back()
        else:
            await self._writer.flush()

    async def _verify(self) -> None:
        if self._checksum is None:
            return
        if self._checksum.hash.digest() != self._checksum.expected:
            self._is_finished = True
            await self._take_back()
            raise ChecksumMismatch(MISMATCH)
        await self._save(unverified_from=None)

    async def _take_back(self) -> None:
        offset = self._opened.upload.unverified_from
        if offset is not None:
            await self._offload(self._opened.truncate, offset)
            await self._save(unverified_from=None)

    async def _accept(self) -> ResumableUpload:
        film, upload = self._opened.film, self._opened.upload
        assert film is not None  # noqa: S101 - ``finish`` has looked
        try:
            video = await self._acceptance.accept(film, upload.details, on_reserved=self._reserve)
        except NotAVideo:
            await self._offload(self._opened.delete)
            raise
        return await self._done(video.id)

    async def _resume(self) -> ResumableUpload:
        """The film was moved to its place before, and perhaps recorded."""
        upload = self._opened.upload
        register = self._acceptance.register
        video = None
        if upload.video_id is not None:
            video = await register.resume(upload.video_id, upload.details, upload.size)
        if video is None:
            await self._offload(self._opened.delete)
            raise NotFound(GONE)
        return await self._done(video.id)

    async def _reserve(self, video_id: int) -> None:
        """Before the film is moved: whoever goes on after a crash must know where to."""
        await self._offload(self._opened.save, replace(self._opened.upload, video_id=video_id))

    async def _done(self, video_id: int) -> ResumableUpload:
        upload = replace(self._opened.upload, video_id=video_id, is_done=True)
        await self._offload(self._opened.save, upload)
        return upload

    async def _save(self, *, unverified_from: int | None) -> None:
        changed = replace(self._opened.upload, unverified_from=unverified_from)
        await self._offload(self._opened.save, changed)
