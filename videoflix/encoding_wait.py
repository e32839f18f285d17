"""Wait until a film is encoded, and see to it that somebody encodes it."""

import asyncio
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from pathlib import Path

import structlog

from videoflix.container import Container
from videoflix.errors import DatabaseUnavailable, NotFound
from videoflix.models import ProcessingStatus, Video
from videoflix.processes import KeptProcess
from videoflix.stack import worker_program

POLL_SECONDS = 0.25
WORKER_SECONDS = 5.0
DATABASE_AWAY_SECONDS = 60.0

_ENDED = (ProcessingStatus.READY, ProcessingStatus.FAILED)
_log = structlog.get_logger(__name__)


async def wait_for_encoding(
    container: Container, video_id: int, report: Callable[[Video], None]
) -> Video:
    """Return the video once it is ``ready`` or ``failed``; ``report`` gets every look at it.

    Raises NotFound when the video is deleted meanwhile, and DatabaseUnavailable when the
    database stays away for a minute.
    """
    answered_at = time.monotonic()
    while True:
        try:
            video = await container.videos.find(video_id)
        except DatabaseUnavailable:
            if time.monotonic() - answered_at > DATABASE_AWAY_SECONDS:
                raise
        else:
            answered_at = time.monotonic()
            if video is None:
                raise NotFound(f"video {video_id} was deleted")
            report(video)
            if video.status in _ENDED:
                return video
        await asyncio.sleep(POLL_SECONDS)


@asynccontextmanager
async def stand_in_worker(container: Container, config: Path | None) -> AsyncIterator[None]:
    """From the first look at which no worker is alive anywhere, one runs here until the block
    ends (with the settings file ``config``)."""
    own = KeptProcess(worker_program(config))
    watch = asyncio.create_task(_start_when_none_is_alive(container, own))
    try:
        yield
    finally:
        watch.cancel()
        await asyncio.wait([watch])
        await own.stop()


async def _start_when_none_is_alive(container: Container, own: KeptProcess) -> None:
    while True:
        with suppress(DatabaseUnavailable):
            if not await container.encoding.live_workers():
                _log.info("no worker is alive; running one")
                await own.start()
                return
        await asyncio.sleep(WORKER_SECONDS)
