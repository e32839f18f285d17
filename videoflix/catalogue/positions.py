"""Where each member stopped watching each film."""

from videoflix.errors import FieldErrors, NotFound
from videoflix.models import Video
from videoflix.ports import PositionStore, VideoStore

POSITION_MAX = 7 * 24 * 3600  # seconds: beyond any film
BEYOND = "The film is not that long."
_SLACK = 1000  # milliseconds that a player may count more than there are


class Positions:
    """Of films that can be played; of all others NotFound is raised. In milliseconds."""

    def __init__(self, videos: VideoStore, positions: PositionStore) -> None:
        self._videos = videos
        self._positions = positions

    async def find(self, user_id: int, video_id: int) -> int:
        """0 where nothing is kept."""
        await self._playable(video_id)
        return await self._positions.find(user_id, video_id) or 0

    async def keep(self, user_id: int, video_id: int, milliseconds: int) -> int:
        """What is kept: not more than the film's duration, where that is known. Raises
        FieldErrors for a position far beyond it."""
        video = await self._playable(video_id)
        if video.facts is not None:
            if milliseconds > video.facts.milliseconds + _SLACK:
                raise FieldErrors({"position": [BEYOND]})
            milliseconds = min(milliseconds, video.facts.milliseconds)
        await self._positions.put(user_id, video_id, milliseconds)
        return milliseconds

    async def _playable(self, video_id: int) -> Video:
        video = await self._videos.find(video_id)
        if video is None or video.generation is None:
            raise NotFound("There is no such video.")
        return video
