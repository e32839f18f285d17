"""Room on the disk for uploads: what runs, what comes, and the floor that stays free."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import structlog

from videoflix.errors import InsufficientStorage
from videoflix.offload import Offload
from videoflix.ports import SourceStore, UploadFile

_log = structlog.get_logger(__name__)


class Space:
    def __init__(self, media: SourceStore, *, floor: int, offload: Offload) -> None:
        self._media = media
        self._floor = floor
        self._offload = offload
        self._reserving = asyncio.Lock()
        self._unreserved: dict[UploadFile, int] = {}

    async def check(self, size: int) -> None:
        """Raises InsufficientStorage where ``size`` bytes more, the uploads that run and the
        floor do not fit."""
        promised = sum(max(0, promise - file.size) for file, promise in self._unreserved.items())
        free = await self._offload(self._media.free_bytes)
        if free - promised - size < self._floor:
            _log.warning("upload refused: disk too full", free=free, declared=size)
            raise InsufficientStorage("There is not enough free space on the server.")

    @asynccontextmanager
    async def held(
        self, file: UploadFile, size: int, *, again: bool = False
    ) -> AsyncIterator[None]:
        """Room for ``file`` to have ``size`` bytes while the block runs; afterwards too where the
        file system can reserve blocks. ``again``: it was held for this file before.

        Raises InsufficientStorage.
        """
        async with self._reserving:
            if not again:
                await self.check(size)
            # And look again: another process may have reserved meanwhile.
            if await self._offload(file.reserve, size):
                await self.check(0)
            else:
                await self.check(size - file.size)
                self._unreserved[file] = size
        try:
            yield
        finally:
            self._unreserved.pop(file, None)
