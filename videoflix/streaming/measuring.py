"""Opening titles, also those that another version of the muxer has measured."""

import asyncio
import base64
import time
from pathlib import Path

import structlog

from media_pipeline.errors import DamagedTitle, Unmeasured
from media_pipeline.titles.manifest import Manifest
from media_pipeline.titles.measures import Measures
from media_pipeline.titles.title import Title
from videoflix.media_child import ChildTooLarge, media_command, run_child
from videoflix.offload import Offload

_SECONDS = 3600.0  # cutting a film of two hours once takes some twenty
_MEMORY = 1024 * 1024 * 1024
_PAUSE = 60.0  # seconds after which what could not be measured is tried again

_log = structlog.get_logger(__name__)


class TitleOpener:
    """Where a title has no measures of this version's muxer, a child process makes them, once for
    all processes that serve it; one at a time in this process. They are kept beside the title, or
    in memory where its folder cannot be written."""

    def __init__(self, offload: Offload) -> None:
        self._offload = offload
        self._alone = asyncio.Lock()
        self._failures: dict[Path, tuple[float, str]] = {}
        self.measured = 0  # titles, by this process

    async def __call__(self, folder: Path) -> Title:
        """Raises DamagedTitle."""
        try:
            return await self._offload(Title.open, folder)
        except Unmeasured as error:
            _log.info("title is measured anew", folder=str(folder), reason=str(error))
        async with self._alone:
            failed_at, reason = self._failures.get(folder, (0.0, ""))
            if failed_at and time.monotonic() - failed_at < _PAUSE:
                raise DamagedTitle(reason)
            try:
                title = await self._measure(folder)
            except DamagedTitle as error:
                self._failures[folder] = (time.monotonic(), str(error))
                raise
            self._failures.pop(folder, None)
            return title

    async def _measure(self, folder: Path) -> Title:
        lines: list[bytes] = []
        command = (*media_command("measure"), str(folder))
        try:
            end = await run_child(command, lines.append, seconds=_SECONDS, memory=_MEMORY)
        except (TimeoutError, ChildTooLarge, OSError) as error:
            raise DamagedTitle(f"the title could not be measured ({error!r})") from error
        if end.status != 0:
            reason = end.stderr if end.status == 1 else end.plainly
            raise DamagedTitle(f"the title could not be measured: {reason}")
        self.measured += 1
        data = base64.b64decode(b"".join(lines))
        return await self._offload(_opened, folder, data)


def _opened(folder: Path, data: bytes) -> Title:
    if not data:
        return Title.open(folder)
    return Title(folder, Measures.from_bytes(data, Manifest.load(folder)))
