"""What admins may do: add films and see how they are getting on."""

from contextlib import AsyncExitStack
from http import HTTPStatus

from tornado.web import stream_request_body

from handlers.base import BaseHandler
from handlers.media import video_id
from handlers.multipart import FormReader, boundary_of, malformed
from handlers.schemas import REQUIRED
from handlers.shapes import full_record
from handlers.streamed import StreamedHandler
from videoflix.details import check_details
from videoflix.models import CATEGORY_MAX, DESCRIPTION_MAX, TITLE_MAX, VideoDetails
from videoflix.uploads.incoming import Incoming

FILM = "file"
THUMBNAIL = "thumbnail"
_UTF8_MAX = 4  # bytes a character
_TEXTS = {
    "title": TITLE_MAX * _UTF8_MAX,
    "description": DESCRIPTION_MAX * _UTF8_MAX,
    "category": CATEGORY_MAX * _UTF8_MAX,
}


@stream_request_body
class VideoUploadHandler(StreamedHandler):
    """``multipart/form-data`` with title, description, category, file and, where the admin has a
    picture of his own, thumbnail. The film goes to the disk as it arrives."""

    content_types = ("multipart/form-data",)

    _form: FormReader
    _incoming: Incoming

    async def begin(self) -> None:
        self._open = AsyncExitStack()
        self._form = FormReader(
            boundary_of(self.content_type), texts=_TEXTS, files=frozenset({FILM, THUMBNAIL})
        )
        length = self.request.headers.get("Content-Length")
        uploading = self.container.uploads.receive(int(length) if length else None)
        self._incoming = await self._open.enter_async_context(uploading)

    async def receive(self, data: bytes) -> None:
        for piece in self._form.feed(data):
            if piece.name == FILM:
                await self._incoming.write(piece.data)
            else:
                await self._incoming.write_thumbnail(piece.data)

    async def complete(self) -> None:
        form = self._form
        if not form.is_complete:
            raise malformed()
        details = VideoDetails(
            title=form.text("title") or "",
            description=form.text("description") or "",
            category=form.text("category") or "",
        )
        if FILM not in form.files:
            check_details(details, {FILM: [REQUIRED]})
        video = await self._incoming.accept(details)
        self.answer(full_record(video, self.container.catalogue), HTTPStatus.CREATED)

    async def abandon(self) -> None:
        if hasattr(self, "_open"):
            await self._open.aclose()


class VideoRecordHandler(BaseHandler):
    async def get(self, video: str) -> None:
        found = await self.container.catalogue.find(video_id(video))
        self.answer(full_record(found, self.container.catalogue))
