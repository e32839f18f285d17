"""What viewers can watch and admins can look up."""

from collections.abc import Sequence

from videoflix.errors import NotFound
from videoflix.models import Video
from videoflix.ports import VideoStore


class CatalogueService:
    """Reads the catalogue. ``public_url`` is this server's base URL, without a slash at its end:
    addresses are made of it alone, never of what a request says."""

    def __init__(self, videos: VideoStore, *, public_url: str) -> None:
        self._videos = videos
        self._public_url = public_url.rstrip("/")

    async def list_ready(self) -> Sequence[Video]:
        """Videos that can be played, newest first."""
        return await self._videos.list_ready()

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
