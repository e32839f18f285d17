"""What admins change of a film: what is said of it."""

from collections.abc import Mapping
from dataclasses import asdict, replace

from videoflix.details import check_details
from videoflix.errors import NotFound
from videoflix.models import Video, VideoDetails
from videoflix.ports import VideoEdits, VideoStore

UNKNOWN = "There is no such video."


class FilmEdits:
    def __init__(self, videos: VideoStore, edits: VideoEdits) -> None:
        self._videos = videos
        self._edits = edits

    async def edit(self, video_id: int, changes: Mapping[str, str]) -> Video:
        """Change title, description, category or some of them; two who change different ones at
        the same time both succeed. Raises NotFound and FieldErrors."""
        video = await self._videos.find(video_id)
        if video is None:
            raise NotFound(UNKNOWN)
        details = VideoDetails(video.title, video.description, video.category)
        checked = asdict(check_details(replace(details, **changes)))
        if not changes:
            return video
        edited = await self._edits.edit(video_id, {name: checked[name] for name in changes})
        if edited is None:
            raise NotFound(UNKNOWN)
        return edited
