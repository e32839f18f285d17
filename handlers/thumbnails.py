"""An admin's own picture for a film that is there."""

from contextlib import AsyncExitStack

from tornado.web import stream_request_body

from handlers.documentation import JSON_TYPE
from handlers.media import video_id
from handlers.shapes import full_record
from handlers.streamed import StreamedHandler
from videoflix.models import Video
from videoflix.uploads.thumbnails import IncomingThumbnail

PICTURE_TYPES = ("image/jpeg", "image/png", "image/webp")


@stream_request_body
class VideoThumbnailHandler(StreamedHandler):
    """PUT: the picture is the body, and goes to the disk as it arrives."""

    # Of what a body says that it is only the decoder is believed.
    content_types = (*PICTURE_TYPES, JSON_TYPE)
    streamed_methods = frozenset({"PUT"})

    _incoming: IncomingThumbnail

    async def put(self, video: str) -> None:  # noqa: ARG002 -- ``begin`` has read it
        await self.respond()

    async def delete(self, video: str) -> None:
        self._say(await self.container.thumbnails.remove(video_id(video)))

    async def begin(self) -> None:
        self._open = AsyncExitStack()
        receiving = self.container.thumbnails.receive(video_id(self.path_args[0]), self.body_size)
        self._incoming = await self._open.enter_async_context(receiving)

    async def receive(self, data: bytes) -> None:
        await self._incoming.write(data)

    async def complete(self) -> None:
        self._say(await self._incoming.accept())

    async def abandon(self) -> None:
        if hasattr(self, "_open"):
            await self._open.aclose()

    def _say(self, video: Video) -> None:
        self.answer(full_record(video, self.container.catalogue))
