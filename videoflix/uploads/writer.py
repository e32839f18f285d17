"""Bytes of an upload on their way to the disk: joined, counted against the limits, flushed."""

import asyncio
from typing import Protocol

import structlog

from videoflix.errors import InsufficientStorage, PayloadTooLarge
from videoflix.offload import Offload
from videoflix.ports import SourceStore, UploadFile

# Small pieces are joined before a thread writes them; the disk is flushed on the way, so that
# the last flush of a large film is short and memory is not full of pages to write.
BUFFER_BYTES = 1024 * 1024
SYNC_BYTES = 64 * 1024 * 1024

_log = structlog.get_logger(__name__)


class Hash(Protocol):
    """One of ``hashlib``."""

    def update(self, data: bytes | bytearray | memoryview, /) -> None: ...

    def digest(self) -> bytes: ...


def too_large(what: str, limit: int) -> str:
    return f"The {what} is larger than the allowed {limit:,} bytes."


class FilmWriter:
    """Appends to ``file`` until it has ``limit`` bytes; no disk is filled below ``floor``."""

    def __init__(
        self,
        file: UploadFile,
        media: SourceStore,
        *,
        limit: int,
        floor: int,
        offload: Offload,
        digest: Hash | None = None,
    ) -> None:
        """``digest``, where there is one, hears of every byte that is written."""
        self._file = file
        self._media = media
        self._limit = limit
        self._floor = floor
        self._offload = offload
        self._digest = digest
        self._buffer = bytearray()
        self._unsynced = 0
        self._in_order = asyncio.Lock()

    @property
    def size(self) -> int:
        """Bytes of the film received so far."""
        return self._file.size + len(self._buffer)

    async def write(self, chunk: bytes | bytearray | memoryview) -> None:
        """Take the next bytes. Raises PayloadTooLarge, InsufficientStorage.

        The caller may wait for this before it reads on: that is the upload's back-pressure.
        """
        if self.size + len(chunk) > self._limit:
            raise PayloadTooLarge(too_large("film", self._limit))
        self._buffer += chunk
        if len(self._buffer) >= BUFFER_BYTES:
            await self.flush()

    async def flush(self) -> None:
        """Hand over what was taken. Raises InsufficientStorage."""
        async with self._in_order:
            data, self._buffer = self._buffer, bytearray()
            await self._offload(self._append, data)
            self._unsynced += len(data)
            if self._unsynced >= SYNC_BYTES:
                self._unsynced = 0
                await self._offload(self._file.flush)
                await self._check_space()

    def _append(self, data: bytearray) -> None:
        self._file.write(data)
        if self._digest is not None:
            self._digest.update(data)

    async def _check_space(self) -> None:
        if await self._offload(self._media.free_bytes) < self._floor:
            _log.warning("upload ended: the disk is below its floor", size=self._file.size)
            raise InsufficientStorage("There is not enough free space on the server.")
