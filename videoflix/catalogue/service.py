"""What viewers can watch and admins can look up."""

import time
from collections.abc import Sequence
from dataclasses import dataclass

from videoflix.errors import NotFound
from videoflix.models import Video
from videoflix.ports import VideoStore

# After which a list is read again though its version is the same: a change may have been written,
# and its version not, by a process that was killed or that is older than versions.
LISTED_SECONDS = 2.0


@dataclass(frozen=True, slots=True)
class _Listed:
    version: int
    read_at: float
    videos: Sequence[Video]


class CatalogueService:
    """Reads the catalogue. ``public_url`` is this server's base URL, without a slash at its end:
    addresses are made of it alone, never of what a request says."""

    def __init__(
        self, videos: VideoStore, *, public_url: str, listed: float = LISTED_SECONDS
    ) -> None:
        self._videos = videos
        self._public_url = public_url.rstrip("/")
        self._seconds = listed
        self._listed: _Listed | None = None

    async def list_ready(self) -> Sequence[Video]:
        """Videos that can be played, newest first; the same object while nothing has changed."""
        now = time.monotonic()
        # Before the list: a change in between makes the list newer than its version, never older.
        version = await self._videos.catalogue_version()
        listed = self._listed
        if listed is None or listed.version != version or now - listed.read_at > self._seconds:
            videos = await self._videos.list_ready()
            if listed is not None and listed.videos == videos:
                videos = listed.videos
            self._listed = listed = _Listed(version, now, videos)
        return listed.videos

    async def find(self, video_id: int) -> Video:
        """Any video, whatever its status (for admins). Raises NotFound."""
        video = await self._videos.find(video_id)
        if video is None:
            raise NotFound("There is no such video.")
        return video

    def thumbnail_url(self, video: Video) -> str:
        """The absolute URL of the video's picture: another one when an admin has changed it, so
        that nobody is shown an old one."""
        version = f"?v={video.thumbnail_version}" if video.thumbnail_version else ""
        return f"{self._public_url}/media/thumbnails/video_{video.id}.jpg{version}"
