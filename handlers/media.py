"""Sending media: in pieces, at the client's pace, with validators."""

import re
from typing import BinaryIO, cast

from pydantic import Field
from tornado.http1connection import HTTP1Connection
from tornado.iostream import StreamClosedError

from handlers.base import ReadingHandler
from handlers.pieces import Pieces, send_pieces
from handlers.query import Query, parse_query
from handlers.ranges import Span, asked_span
from videoflix.errors import NotFound

# Kept by the viewer's browser alone, and asked for again each time.
PRIVATE = "private, no-cache"
# What the URL names a generation of never changes: it may be kept while a film is watched.
PRIVATE_VERSIONED = "private, max-age=3600, immutable"
# Segments whose URL stands for the newest encode. Each is whole by itself, at the same time of
# the film in every encode: to have one of an old encode among new ones for a minute does no harm.
PRIVATE_SEGMENT = "private, max-age=60"

_ID = re.compile(r"[1-9][0-9]{0,9}")


def video_id(text: str) -> int:
    """The id in a path. Raises NotFound for what never is one."""
    if not _ID.fullmatch(text):
        raise NotFound("There is no such video.")
    return int(text)


class VersionQuery(Query):
    """Which encode of the film the URL means."""

    v: str | None = Field(
        None,
        description="The generation, as playlists name it; another than the published is not "
        "found. With it, the answer may be kept for an hour.",
        max_length=64,
    )


class MediaHandler(ReadingHandler):
    @property
    def version(self) -> str | None:
        """The generation that the URL names. Raises FieldErrors."""
        return parse_query(VersionQuery, self.request.query_arguments).v

    def begin(self, media_type: str, size: int, etag: str, cache: str = PRIVATE) -> bool:
        """Set the headers; False when the client has this very thing and gets no body.

        ``size`` in bytes. For HEAD the length is said and nothing is to be read.
        """
        self.set_header("Cache-Control", cache)
        self.set_header("ETag", etag)
        if self._is_known(etag):
            self.set_status(304)
            return False
        self.set_header("Content-Type", media_type)
        self.set_header("Content-Length", str(size))
        return self.request.method != "HEAD"

    def begin_span(
        self, media_type: str, size: int, etag: str, cache: str = PRIVATE
    ) -> Span | None:
        """As ``begin``, where clients may ask for a part: what is to be sent, or None.

        Raises RangeNotSatisfiable.
        """
        self.set_header("Accept-Ranges", "bytes")
        if not self.begin(media_type, size, etag, cache):
            return None
        span = None
        # RFC 9110 §13.1.5: an If-Range that does not match, as dates and weak tags never do here,
        # asks for the whole.
        if self.request.headers.get("If-Range", etag).strip() == etag:
            span = asked_span(self.request.headers.get("Range"), size)
        if span is None:
            return Span(0, size)
        self.set_status(206)
        self.set_header("Content-Range", f"bytes {span.first}-{span.end - 1}/{size}")
        self.set_header("Content-Length", str(span.end - span.first))
        return span

    async def send(self, file: BinaryIO, length: int) -> None:
        """Send the next ``length`` bytes of an open file. A client that stops reading stops the
        reading too."""
        pieces = Pieces(file, length)
        try:
            await self.flush()
            await send_pieces(self._connection, pieces)
        except StreamClosedError:
            return
        finally:
            self.container.measures.sent(pieces.sent)

    @property
    def _connection(self) -> HTTP1Connection:
        return cast(HTTP1Connection, self.request.connection)

    def _is_known(self, etag: str) -> bool:
        """RFC 9110 §13.1.2: weak comparison with each tag of If-None-Match."""
        header = self.request.headers.get("If-None-Match", "")
        tags = [tag.strip().removeprefix("W/") for tag in header.split(",")]
        return "*" in tags or etag.removeprefix("W/") in tags
