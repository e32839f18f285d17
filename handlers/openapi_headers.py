"""Headers of answers, as the API document describes them."""

from collections.abc import Mapping
from typing import Any

from handlers.documentation import Header

HEADERS: Mapping[Header, Mapping[str, Any]] = {
    Header.REQUEST_ID: {
        "description": "Names the request in the server's log, as a trusted proxy did if it did.",
        "required": True,
        "schema": {"type": "string", "pattern": "^[0-9a-f]{16,32}$"},
    },
    Header.RETRY_AFTER: {
        "description": "Seconds to wait before the next try.",
        "required": True,
        "schema": {"type": "integer", "minimum": 1},
    },
    Header.ETAG: {
        "description": "For `If-None-Match`.",
        "required": True,
        "schema": {"type": "string", "pattern": '^"[^"]+"$'},
    },
    Header.ACCEPT_RANGES: {
        "description": "Parts can be asked for with `Range`.",
        "required": True,
        "schema": {"type": "string", "enum": ["bytes"]},
    },
    Header.CONTENT_RANGE: {
        "description": "Which bytes these are of how many.",
        "required": True,
        "schema": {"type": "string", "pattern": r"^bytes ([0-9]+-[0-9]+|\*)/[0-9]+$"},
    },
    Header.LOCATION: {
        "description": "Where it is now.",
        "required": True,
        "schema": {"type": "string", "pattern": "^/"},
    },
    Header.TUS_RESUMABLE: {
        "description": "The version of tus.",
        "required": True,
        "schema": {"type": "string", "enum": ["1.0.0"]},
    },
    Header.TUS_VERSION: {
        "description": "The versions of tus that are spoken here.",
        "required": True,
        "schema": {"type": "string", "enum": ["1.0.0"]},
    },
    Header.UPLOAD_OFFSET: {
        "description": "How many bytes are there; the next piece begins here.",
        "required": True,
        "schema": {"type": "integer", "minimum": 0},
    },
    Header.UPLOAD_LENGTH: {
        "description": "How many bytes there will be.",
        "required": True,
        "schema": {"type": "integer", "minimum": 1},
    },
    Header.UPLOAD_METADATA: {
        "description": "As it was sent.",
        "required": False,
        "schema": {"type": "string"},
    },
    Header.UPLOAD_EXPIRES: {
        "description": "Until when it waits for more bytes; none once it is complete.",
        "required": False,
        "schema": {"type": "string", "pattern": " GMT$"},
    },
    Header.VIDEO_ID: {
        "description": "The video that it has become; none before it is complete.",
        "required": False,
        "schema": {"type": "integer", "minimum": 1},
    },
}
