"""Where members stopped watching."""

from handlers.base import ReadingHandler
from handlers.media import video_id
from handlers.schemas import WatchPosition


class PositionHandler(ReadingHandler):
    async def get(self, video: str) -> None:
        positions = self.container.positions
        self._say(await positions.find(self.principal.user_id, video_id(video)))

    async def put(self, video: str) -> None:
        found = video_id(video)
        milliseconds = round(self.body_as(WatchPosition).position * 1000)
        positions = self.container.positions
        self._say(await positions.keep(self.principal.user_id, found, milliseconds))

    def _say(self, milliseconds: int) -> None:
        self.answer({"position": milliseconds / 1000})
