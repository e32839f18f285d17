"""Room on the disk for uploads: what was promised, what comes, and the floor that stays free."""

import asyncio

import structlog

from videoflix.errors import InsufficientStorage
from videoflix.offload import Offload
from videoflix.ports import ResumableStore, SourceStore, UploadFile

_log = structlog.get_logger(__name__)


class Space:
    """What uploads were promised stands on the disk, so it counts for every process of every
    machine, also while an upload pauses, and where the file system cannot reserve blocks."""

    def __init__(
        self, media: SourceStore, resumable: ResumableStore, *, floor: int, offload: Offload
    ) -> None:
        self._media = media
        self._resumable = resumable
        self._floor = floor
        self._offload = offload
        self._reserving = asyncio.Lock()

    async def check(self, size: int) -> None:
        """Raises InsufficientStorage where ``size`` bytes more, what other uploads still need and
        the floor do not fit."""
        free, promised = await self._offload(self._look)
        if free - promised - size < self._floor:
            _log.warning("upload refused: disk too full", free=free, declared=size)
            raise InsufficientStorage("There is not enough free space on the server.")

    async def secure(self, file: UploadFile, size: int) -> None:
        """Room for ``file``, whose promise of ``size`` bytes stands on the disk: blocks, where
        the file system can reserve them. Raises InsufficientStorage."""
        async with self._reserving:
            await self._offload(file.reserve, size)
            # Another process may have promised as much at the same moment.
            await self.check(0)

    def _look(self) -> tuple[int, int]:
        # In this order: what is written in between counts twice, never not at all.
        promised = self._media.promised_bytes() + self._resumable.promised_bytes()
        return self._media.free_bytes(), promised
