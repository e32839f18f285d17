"""Uploads in several requests, by tus 1.0.0 (https://tus.io/protocols/resumable-upload/1.0.0).

Another door to what ``POST /api/admin/videos/`` does. The answer to the last bytes comes when
the film is in the catalogue; ``Videoflix-Video-Id`` names it then.
"""

from contextlib import AsyncExitStack, suppress
from http import HTTPStatus
from typing import ClassVar

from tornado.web import stream_request_body

from handlers import tus_headers as tus
from handlers.access import Route
from handlers.errors import Answer, BadRequest, WrongVersion
from handlers.streamed import StreamedHandler
from videoflix.errors import Busy, NotFound, PayloadTooLarge
from videoflix.uploads.piece import Checksum, Piece, Repeated
from videoflix.uploads.resumable import TOO_MUCH, Progress, ResumableUploads


class TusHandler(StreamedHandler):
    """What both paths have in common. Bytes, where a request has them, are one piece."""

    content_types = (tus.BYTES_TYPE,)
    may_lack_content_type: ClassVar[bool] = True

    _piece: Piece | Repeated | None = None

    @property
    def uploads(self) -> ResumableUploads:
        return self.container.uploads.resumable

    def set_default_headers(self) -> None:
        super().set_default_headers()
        self.set_header(tus.RESUMABLE, tus.VERSION)
        self.share_headers(*tus.ANSWERED)

    async def options(self, *_path: str) -> None:
        await super().options()
        self.allow_headers(*tus.SENT)
        self.set_header("Tus-Version", tus.VERSION)
        self.set_header("Tus-Extension", tus.EXTENSIONS)
        self.set_header("Tus-Max-Size", str(self.uploads.largest))
        self.set_header("Tus-Checksum-Algorithm", ",".join(tus.ALGORITHMS))

    def check_version(self) -> None:
        """A page of another origin cannot set this header without a preflight, which is what
        protects requests without a content type."""
        if self.request.headers.get(tus.RESUMABLE) != tus.VERSION:
            raise WrongVersion(f"The header {tus.RESUMABLE} must be {tus.VERSION}.")

    def answer_error(self, error: BaseException | None) -> Answer:
        answer = super().answer_error(error)
        if answer.status == HTTPStatus.PRECONDITION_FAILED:
            self.set_header("Tus-Version", tus.VERSION)
        return answer

    def say(self, status: HTTPStatus, progress: Progress) -> None:
        """Answer without a body, with how far the upload is."""
        self.set_status(status)
        self.clear_header("Content-Type")
        self.set_header(tus.OFFSET, str(progress.offset))
        if progress.video_id is None:
            self.set_header(tus.EXPIRES, tus.http_date(progress.expires_at))
        else:
            self.set_header(tus.VIDEO_ID, str(progress.video_id))

    async def begin_piece(self, upload_id: str, offset: int, checksum: Checksum | None) -> None:
        self._open = AsyncExitStack()
        appending = self.uploads.append(
            upload_id,
            self.principal.user_id,
            offset,
            length=self.body_size,
            checksum=checksum,
            give_way=self.hang_up,
        )
        self._piece = await self._open.enter_async_context(appending)

    async def finish_piece(self, upload_id: str) -> Progress:
        """Where the upload is after what came with this request."""
        if self._piece is not None:
            await self._piece.finish()
        return await self.uploads.progress(upload_id, self.principal.user_id)

    async def receive(self, data: bytes) -> None:
        if self._piece is not None:
            await self._piece.write(data)

    async def abandon(self) -> None:
        if hasattr(self, "_open"):
            await self._open.aclose()


@stream_request_body
class UploadsHandler(TusHandler):
    """POST: a new upload, with its first bytes where the content type says so."""

    _upload_id: str | None = None

    async def post(self) -> None:
        await self.respond()

    async def begin(self) -> None:
        self.check_version()
        headers = self.request.headers
        size = tus.number_in(headers, tus.LENGTH)
        metadata = headers.get(tus.METADATA, "")
        details = tus.details_of(tus.metadata_in(metadata))
        checksum = None
        if self.content_type:
            checksum = tus.checksum_in(headers)
            if (self.body_size or 0) > size:
                raise PayloadTooLarge(TOO_MUCH)
        made = await self.uploads.create(self.principal.user_id, size, details, metadata)
        self._upload_id = made.upload.id
        if self.content_type:
            await self.begin_piece(made.upload.id, 0, checksum)

    async def complete(self) -> None:
        assert self._upload_id is not None  # noqa: S101 - ``begin`` made it
        self.say(HTTPStatus.CREATED, await self.finish_piece(self._upload_id))
        self.set_header("Location", f"/api/admin/uploads/{self._upload_id}")

    async def undo(self) -> None:
        """Who is refused gets no ``Location``, and could neither go on with the upload nor forget
        it: it would only hold its space until it expires."""
        if self._upload_id is not None:
            # What was no video is gone already; a line cut meanwhile may still be cleaned up after.
            with suppress(NotFound, Busy):
                await self.uploads.delete(self._upload_id, self.principal.user_id)


@stream_request_body
class UploadHandler(TusHandler):
    """HEAD: how far it is. PATCH: more bytes. DELETE: forget it. POST: one of these two,
    as it says, for clients that cannot send them."""

    streamed_methods = frozenset({"PATCH"})

    def initialize(self, route: Route) -> None:
        super().initialize(route)
        said = self.request.headers.get(tus.METHOD)
        if self.request.method == "POST" and said in tus.OVERRIDING:
            # Before all checks, so that they are those of the method that it stands for.
            self.request.method = said

    async def begin(self) -> None:
        self.check_version()
        if not self.content_type:
            self.refuse_content_type()
        offset = tus.number_in(self.request.headers, tus.OFFSET)
        checksum = tus.checksum_in(self.request.headers)
        await self.begin_piece(self.path_args[0], offset, checksum)

    async def patch(self, upload: str) -> None:  # noqa: ARG002 -- the path's, which ``begin`` reads
        await self.respond()

    async def post(self, upload: str) -> None:  # noqa: ARG002 -- as above
        raise BadRequest(f"The header {tus.METHOD} must be {' or '.join(tus.OVERRIDING)}.")

    async def complete(self) -> None:
        self.say(HTTPStatus.NO_CONTENT, await self.finish_piece(self.path_args[0]))

    async def head(self, upload: str) -> None:
        self.check_version()
        progress = await self.uploads.progress(upload, self.principal.user_id)
        self.say(HTTPStatus.OK, progress)
        self.set_header(tus.LENGTH, str(progress.upload.size))
        if progress.upload.metadata:
            self.set_header(tus.METADATA, progress.upload.metadata)

    async def delete(self, upload: str) -> None:
        self.check_version()
        await self.uploads.delete(upload, self.principal.user_id)
        self.set_status(HTTPStatus.NO_CONTENT)
        self.clear_header("Content-Type")
