"""The list of all films, and how admins add to it."""

from contextlib import AsyncExitStack
from http import HTTPStatus

from tornado.web import stream_request_body

from handlers.multipart import FormReader, boundary_of, malformed
from handlers.query import page_numbers, parse_query
from handlers.schemas import REQUIRED
from handlers.shapes import full_record
from handlers.streamed import StreamedHandler
from handlers.videos import VideoListQuery
from videoflix.details import check_details
from videoflix.models import CATEGORY_MAX, DESCRIPTION_MAX, TITLE_MAX, VideoDetails, VideoQuery
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
class VideosHandler(StreamedHandler):
    """GET: the list. POST: ``multipart/form-data`` with title, description, category, file and,
    where the admin has a picture of his own, thumbnail. The film goes to the disk as it arrives."""

    content_types = ("multipart/form-data",)

    _form: FormReader
    _incoming: Incoming

    async def get(self) -> None:
        wanted = parse_query(VideoListQuery, self.request.query_arguments)
        query = VideoQuery(wanted.status, wanted.category, wanted.search)
        skip = (wanted.page - 1) * wanted.page_size
        found = await self.container.video_lists.page(
            query, skip=skip, limit=wanted.page_size, sort=wanted.sort
        )
        following, previous = page_numbers(wanted.page, wanted.page_size, found.count)
        self.answer(
            {
                "count": found.count,
                "next": following,
                "previous": previous,
                "results": [full_record(video, self.container.catalogue) for video in found.videos],
            }
        )

    async def post(self) -> None:
        await self.respond()

    async def begin(self) -> None:
        self._open = AsyncExitStack()
        self._form = FormReader(
            boundary_of(self.content_type), texts=_TEXTS, files=frozenset({FILM, THUMBNAIL})
        )
        uploading = self.container.uploads.receive(self.body_size)
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
