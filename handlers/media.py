"""Sending media: in pieces, at the client's pace, with validators."""

import asyncio
import re
from typing import BinaryIO

from tornado.iostream import StreamClosedError

from handlers.base import BaseHandler
from videoflix.errors import NotFound

PIECE_BYTES = 256 * 1024
# Kept by the viewer's browser alone, and asked for again each time: a session that has ended
# ends the film too.
PRIVATE = "private, no-cache"

_ID = re.compile(r"[1-9][0-9]{0,9}")


def video_id(text: str) -> int:
    """The id in a path. Raises NotFound for what never is one."""
    if not _ID.fullmatch(text):
        raise NotFound("There is no such video.")
    return int(text)


class MediaHandler(BaseHandler):
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

    async def send(self, file: BinaryIO) -> None:
        """Send the rest of an open file. A client that stops reading stops the reading too."""
        try:
            while piece := await asyncio.to_thread(file.read, PIECE_BYTES):
                self.write(piece)
                await self.flush()
        except StreamClosedError:
            return

    def _is_known(self, etag: str) -> bool:
        """RFC 9110 §13.1.2: weak comparison with each tag of If-None-Match."""
        header = self.request.headers.get("If-None-Match", "")
        tags = [tag.strip().removeprefix("W/") for tag in header.split(",")]
        return "*" in tags or etag.removeprefix("W/") in tags
