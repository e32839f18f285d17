"""The words in which routes are documented.

To add a route to the API:

1. describe its request body as a ``Body`` in ``handlers.schemas`` and the body of its answer as a
   ``Shape`` in ``handlers.answers``;
2. describe each of its methods as an ``Operation`` in ``handlers.operations`` (calls of admins:
   ``handlers.admin_operations``; media: ``handlers.media_operations``): its name, summary
   and the answers that only its handler gives;
3. name the operations in the route: ``Route(pattern, Handler, {"POST": MEMBER}, {"POST":
   operations.CHANGE_PASSWORD})``. ``HEAD`` follows from ``GET``.

The groups of the pattern are named by the parameters of the handler's method and described in
``PARAMETERS``. What every request can meet is added by ``handlers.openapi``: a wrong host (400),
field errors of the request's model (400), no session (401), no right, foreign origin, content
type, CSRF token (403), a path that names nothing (404), a method that does not exist (405), too
many tries where the operation says ``is_limited`` (429), 500, 503.

A server whose route has a method without documentation does not start; what is no part of the API
says so with ``UNLISTED``. Every answer that a test's client gets is checked against the document
(``tests/handlers/conformance.py``), and Schemathesis looks for answers that nobody described.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from pydantic import BaseModel

from handlers.cookies import ACCESS_COOKIE, CSRF_COOKIE, REFRESH_COOKIE

JSON_TYPE = "application/json"
FORM_TYPE = "multipart/form-data"


class Tag(StrEnum):
    """Groups of calls."""

    ACCOUNTS = "accounts"
    CATALOGUE = "catalogue"
    ADMIN = "admin"
    API = "api"


class Header(StrEnum):
    """Headers of answers."""

    REQUEST_ID = "X-Request-ID"
    RETRY_AFTER = "Retry-After"
    ETAG = "ETag"
    ACCEPT_RANGES = "Accept-Ranges"
    CONTENT_RANGE = "Content-Range"
    LOCATION = "Location"
    TUS_RESUMABLE = "Tus-Resumable"
    TUS_VERSION = "Tus-Version"
    UPLOAD_OFFSET = "Upload-Offset"
    UPLOAD_LENGTH = "Upload-Length"
    UPLOAD_METADATA = "Upload-Metadata"
    UPLOAD_EXPIRES = "Upload-Expires"
    VIDEO_ID = "Videoflix-Video-Id"


class Cookie(StrEnum):
    """Cookies that answers set or delete."""

    ACCESS = ACCESS_COOKIE
    REFRESH = REFRESH_COOKIE
    CSRF = CSRF_COOKIE


@dataclass(frozen=True, slots=True)
class FieldErrorsOf:
    """The body that says which fields of a request are wrong."""

    model: type[BaseModel]


@dataclass(frozen=True, slots=True)
class Reply:
    """One answer. ``content`` is the type of its body: a ``Shape``, anything else that pydantic
    knows, ``FieldErrorsOf``, or None where there is no body."""

    status: int
    description: str
    content: Any = None
    media_type: str = JSON_TYPE
    headers: tuple[Header, ...] = ()
    cookies: tuple[Cookie, ...] = ()


@dataclass(frozen=True, slots=True)
class RequestHeader:
    """A header that an operation reads."""

    name: str
    description: str
    schema: Mapping[str, Any]
    is_required: bool = False
    example: str | None = None


@dataclass(frozen=True, slots=True)
class Operation:
    """One method of one route.

    ``name`` is unique (operationId). ``request`` is the model of the body, ``query`` that of the
    query parameters (``handlers.query``). ``bytes_types`` are the content types of a body that is
    any bytes. Replies of the same status are alternatives.
    """

    name: str
    summary: str
    tag: Tag
    replies: tuple[Reply, ...]
    description: str = ""
    request: type[BaseModel] | None = None
    query: type[BaseModel] | None = None
    request_type: str = JSON_TYPE
    bytes_types: tuple[str, ...] = ()
    request_headers: tuple[RequestHeader, ...] = ()
    needs_refresh_cookie: bool = False
    is_limited: bool = False
    is_conditional: bool = False
    is_ranged: bool = False


# The documentation of a route that is no part of the API.
UNLISTED: Mapping[str, Operation] | None = None


@dataclass(frozen=True, slots=True)
class Parameter:
    """A variable part of a path. ``is_file`` where it is the name of a file: the path then ends
    without a slash."""

    description: str
    schema: Mapping[str, Any]
    example: object
    is_file: bool = False


PARAMETERS = {
    "uidb64": Parameter(
        "The account: URL-safe base64 of its decimal id, without padding.",
        {"type": "string", "pattern": "^[A-Za-z0-9_-]{2,24}$"},
        "MQ",
    ),
    "token": Parameter(
        "The one-time token of the mail.",
        {"type": "string", "pattern": "^[0-9a-f]{64}$"},
        "0123456789abcdef" * 4,
    ),
    "session_id": Parameter(
        "The id of one of one's own sessions.",
        {"type": "string", "pattern": "^[0-9a-f]{32}$"},
        "0123456789abcdef" * 2,
    ),
    "user": Parameter(
        "The id of the account.", {"type": "integer", "minimum": 1, "maximum": 9_999_999_999}, 1
    ),
    "upload": Parameter(
        "The upload, as `Location` named it.",
        {"type": "string", "pattern": "^[0-9a-f]{32}$"},
        "0123456789abcdef" * 2,
    ),
    "video": Parameter(
        "The id of the video.", {"type": "integer", "minimum": 1, "maximum": 9_999_999_999}, 1
    ),
    "resolution": Parameter(
        "The rendition. One above the source is answered with the best that exists.",
        {"type": "string", "enum": ["480p", "720p", "1080p"]},
        "480p",
    ),
    "name": Parameter(
        "A rendition, as in `resolution`; a sound that MPEG-TS segments do not carry; subtitles.",
        {"type": "string", "pattern": "^([0-9]{3,4}p|audio-[0-9]+|text-[0-9]+)$"},
        "480p",
    ),
    "track": Parameter(
        "A rendition, a sound or, where there are playlists of them, subtitles.",
        {"type": "string", "pattern": "^([0-9]{3,4}p|audio-[0-9]+|text-[0-9]+)$"},
        "480p",
    ),
    "sound": Parameter(
        "A sound that MPEG-TS segments do not carry.",
        {"type": "string", "pattern": "^audio-[0-9]+$"},
        "audio-1",
    ),
    "text": Parameter("Subtitles.", {"type": "string", "pattern": "^text-[0-9]+$"}, "text-0"),
    "text_number": Parameter(
        "Subtitles, counted from 0.", {"type": "string", "pattern": "^[0-9]+$"}, "0"
    ),
    "number": Parameter(
        "The segment, counted from 0.", {"type": "string", "pattern": "^[0-9]{3,6}$"}, "000"
    ),
    "sheet": Parameter(
        "The sheet, counted from 0.", {"type": "string", "pattern": "^[0-9]{1,4}$"}, "0"
    ),
    "segment_name": Parameter(
        "The segment, counted from 0.",
        {"type": "string", "pattern": r"^segment_[0-9]{3,6}\.ts$"},
        "segment_000.ts",
        is_file=True,
    ),
}
