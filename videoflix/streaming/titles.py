"""Which title a video's id stands for at this moment, opened and kept."""

import asyncio
import time
from collections import OrderedDict
from dataclasses import dataclass

import structlog

from media_pipeline.errors import DamagedTitle
from media_pipeline.ladder import BOXES
from media_pipeline.package import Package
from media_pipeline.title import Title
from videoflix.errors import DatabaseUnavailable, MediaDamaged, NotFound
from videoflix.models import ProcessingStatus
from videoflix.offload import Offload
from videoflix.ports import MediaStore, VideoStore

_FRESH = 2.0  # seconds for which a record is believed
_STALE = 60.0  # seconds for which a known title plays on while the database is away
_OPEN_TITLES = 64

_log = structlog.get_logger(__name__)


@dataclass(slots=True)
class OpenTitle:
    """A published generation of a video."""

    video_id: int
    generation: str
    title: Title
    checked: float
    package: Package


class TitleShelf:
    """Finds ready titles. One database query per title and two seconds, however many ask."""

    def __init__(self, videos: VideoStore, media: MediaStore, offload: Offload) -> None:
        self._videos = videos
        self._media = media
        self._offload = offload
        self._open: OrderedDict[int, OpenTitle] = OrderedDict()
        self._looks: dict[int, asyncio.Task[OpenTitle]] = {}

    async def find(self, video_id: int) -> OpenTitle:
        """Raises NotFound for an unknown video or one that is not ready, MediaDamaged."""
        known = self._open.get(video_id)
        if known is not None and time.monotonic() - known.checked < _FRESH:
            self._open.move_to_end(video_id)
            return known
        look = self._looks.get(video_id)
        if look is None:
            look = asyncio.create_task(self._look(video_id, known))
            self._looks[video_id] = look
            look.add_done_callback(lambda _: self._looks.pop(video_id, None))
        return await asyncio.shield(look)  # one caller's leaving does not fail the others

    async def _look(self, video_id: int, known: OpenTitle | None) -> OpenTitle:
        try:
            video = await self._videos.find(video_id)
        except DatabaseUnavailable:
            if known is not None and time.monotonic() - known.checked < _STALE:
                return known
            raise
        is_ready = video is not None and video.status is ProcessingStatus.READY
        if video is None or not is_ready or video.generation is None:
            self._open.pop(video_id, None)
            raise NotFound("There is no such video.")
        now = time.monotonic()
        if known is not None and known.generation == video.generation:
            known.checked = now
            return known
        folder = self._media.title(video_id, video.generation)
        try:
            title = await self._offload(Title, folder)
            package = Package(title, f"/api/video/{video_id}", video.generation)
        except DamagedTitle as error:
            _log.error("damaged title", video_id=video_id, error=str(error))
            raise MediaDamaged("This film is damaged on the server.") from error
        found = OpenTitle(video_id, video.generation, title, now, package)
        self._open[video_id] = found
        self._open.move_to_end(video_id)
        if len(self._open) > _OPEN_TITLES:
            self._open.popitem(last=False)
        return found


def check_version(found: OpenTitle, version: str | None) -> None:
    """Raises NotFound for a generation that is not the published one; None is any."""
    if version not in (None, found.generation):
        raise NotFound("The film was encoded anew: load its playlist again.")


def rendition_for(title: Title, resolution: str) -> str:
    """The rendition that answers for ``resolution``: itself, else the best one below it.

    Clients offer every resolution for every film, but nothing is upscaled. Raises NotFound.
    """
    order = list(BOXES)
    if resolution not in order:
        raise NotFound("There is no such resolution.")
    below = [name for name in order[: order.index(resolution) + 1] if name in title.renditions]
    return below[-1] if below else title.names[0]
