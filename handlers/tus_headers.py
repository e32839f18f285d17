"""The headers of tus 1.0.0 (https://tus.io/protocols/resumable-upload/1.0.0), read and checked."""

import base64
import binascii
import hashlib
import re
from collections.abc import Mapping
from email.utils import formatdate

from handlers.errors import BadRequest
from handlers.multipart import NOT_TEXT
from videoflix.errors import FieldErrors
from videoflix.models import TITLE_MAX, VideoDetails
from videoflix.uploads.piece import Checksum

VERSION = "1.0.0"
EXTENSIONS = "creation,creation-with-upload,expiration,checksum,termination"
ALGORITHMS = ("sha1", "sha256", "md5")
BYTES_TYPE = "application/offset+octet-stream"

RESUMABLE = "Tus-Resumable"
LENGTH = "Upload-Length"
OFFSET = "Upload-Offset"
METADATA = "Upload-Metadata"
CHECKSUM = "Upload-Checksum"
EXPIRES = "Upload-Expires"
VIDEO_ID = "Videoflix-Video-Id"
METHOD = "X-HTTP-Method-Override"
OVERRIDING = ("PATCH", "DELETE")  # what some environments cannot send
SENT = (RESUMABLE, LENGTH, OFFSET, METADATA, CHECKSUM, METHOD, "X-Requested-With")
ANSWERED = ("Location", RESUMABLE, "Tus-Version", "Tus-Extension", "Tus-Max-Size",
            "Tus-Checksum-Algorithm", LENGTH, OFFSET, METADATA, EXPIRES, VIDEO_ID)  # fmt: skip

_NUMBER = re.compile("[0-9]{1,18}")
_KEY = re.compile(r"[!-+\x2d-~]+")  # visible ASCII but for the comma
# Not for security: a checksum tells damage on the way, whatever the client knows.
_HASHES = {
    "sha1": lambda: hashlib.sha1(usedforsecurity=False),
    "sha256": lambda: hashlib.sha256(usedforsecurity=False),
    "md5": lambda: hashlib.md5(usedforsecurity=False),
}


def number_in(headers: Mapping[str, str], name: str) -> int:
    """Raises BadRequest where the header is missing or no whole number of bytes."""
    value = headers.get(name, "").strip()
    if not _NUMBER.fullmatch(value):
        raise BadRequest(f"The header {name} must be a number of bytes.")
    return int(value)


def metadata_in(value: str) -> dict[str, str]:
    """The pairs of ``Upload-Metadata``: keys, and values in base64 as text.

    Raises BadRequest where it is no list of those, FieldErrors for a value that is no UTF-8.
    """
    found: dict[str, str] = {}
    for pair in filter(None, (part.strip() for part in value.split(","))):
        key, _, encoded = pair.partition(" ")
        try:
            data = base64.b64decode(encoded.strip(), validate=True)
        except (binascii.Error, ValueError) as error:
            raise BadRequest(f"The header {METADATA} is not valid.") from error
        if not _KEY.fullmatch(key) or key in found:
            raise BadRequest(f"The header {METADATA} is not valid.")
        try:
            found[key] = data.decode()
        except UnicodeDecodeError as error:
            raise FieldErrors({key: [NOT_TEXT]}) from error
    return found


def details_of(metadata: Mapping[str, str]) -> VideoDetails:
    """What the metadata says of the film; without a title, the file's name is one."""
    name = metadata.get("filename", "")
    return VideoDetails(
        title=metadata.get("title") or _title_of(name),
        description=metadata.get("description", ""),
        category=metadata.get("category", ""),
    )


def _title_of(name: str) -> str:
    last = re.split(r"[/\\]", name)[-1]
    stem = last.rpartition(".")[0] or last
    return "".join(c if c.isprintable() else " " for c in stem).strip()[:TITLE_MAX]


def checksum_in(headers: Mapping[str, str]) -> Checksum | None:
    """``Upload-Checksum``: an algorithm and, in base64, what the bytes hash to. None without one.
    Raises BadRequest."""
    value = headers.get(CHECKSUM)
    if value is None:
        return None
    name, _, encoded = value.strip().partition(" ")
    if name not in _HASHES:
        raise BadRequest(f"The checksum must be one of {', '.join(ALGORITHMS)}.")
    digest = _HASHES[name]()
    try:
        expected = base64.b64decode(encoded.strip(), validate=True)
    except (binascii.Error, ValueError) as error:
        raise BadRequest(f"The header {CHECKSUM} is not valid.") from error
    if len(expected) != digest.digest_size:
        raise BadRequest(f"The header {CHECKSUM} is not valid.")
    return Checksum(digest, expected)


def http_date(seconds: float) -> str:
    """RFC 9110 §5.6.7."""
    return formatdate(seconds, usegmt=True)
