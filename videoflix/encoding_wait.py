"""Wait until a film is encoded, and see to it that somebody encodes it."""

import asyncio
import time
from collections.abc import Callable
from contextlib import AsyncExitStack
from pathlib import Path

import structlog

from videoflix.container import Container
from videoflix.errors import DatabaseUnavailable, NotFound
from videoflix.models import ProcessingStatus, Video
from videoflix.processes import KeptProcess
from videoflix.stack import worker_program

POLL_SECONDS = 0.25
DATABASE_AWAY_SECONDS = 60.0

_ENDED = (ProcessingStatus.READY, ProcessingStatus.FAILED)
_log = structlog.get_logger(__name__)


async def wait_for_encoding(
    container: Container,
    config: Path | None,
    video_id: int,
    report: Callable[[Video], None],
) -> Video:
    """Return the video once it is ``ready`` or ``failed``; ``report`` gets every look at it.

    While no worker is alive anywhere, one runs here (with the settings file ``config``). Raises
    NotFound when the video is deleted meanwhile, and DatabaseUnavailable when the database
    stays away for a minute.
    """
    answered_at = time.monotonic()
    async with AsyncExitStack() as stack:
        own: KeptProcess | None = None
        while True:
            try:
                video = await container.videos.find(video_id)
                if own is None and not await container.encoding.live_workers():
                    own = KeptProcess(worker_program(config))
                    _log.info("no worker is alive; running one")
                    stack.push_async_callback(own.stop)
                    await own.start()
                answered_at = time.monotonic()
            except DatabaseUnavailable:
                if time.monotonic() - answered_at > DATABASE_AWAY_SECONDS:
                    raise
            else:
                if video is None:
                    raise NotFound(f"video {video_id} was deleted")
                report(video)
                if video.status in _ENDED:
                    return video
            await asyncio.sleep(POLL_SECONDS)
