"""The calls of uploads in several requests, documented."""

from dataclasses import replace

from handlers import tus_headers as tus
from handlers.answers import Detail, FieldMessages
from handlers.documentation import Header, Operation, Reply, RequestHeader, Tag
from handlers.errors import CHECKSUM_MISMATCH

_HOW_FAR = (Header.TUS_RESUMABLE, Header.UPLOAD_OFFSET, Header.UPLOAD_EXPIRES, Header.VIDEO_ID)
_BYTES = {"type": "string", "pattern": "^[0-9]{1,18}$"}
_VERSION = RequestHeader(
    tus.RESUMABLE, "The version of tus.", {"type": "string", "enum": [tus.VERSION]}, True
)
_LENGTH = RequestHeader(tus.LENGTH, "How many bytes there will be.", _BYTES, True, "1000000")
_OFFSET = RequestHeader(tus.OFFSET, "Where these bytes begin.", _BYTES, True, "0")
_METADATA = RequestHeader(
    tus.METADATA,
    "Pairs of a key and a text in base64: `title` (else it is the file's name), `description`, "
    "`category`, `filename`, `filetype`.",
    {"type": "string"},
    example="title QSBmaWxt,category RHJhbWE=",
)
_CHECKSUM = RequestHeader(
    tus.CHECKSUM,
    f"Of these bytes: one of {', '.join(tus.ALGORITHMS)}, and the checksum in base64.",
    {"type": "string"},
)
_METHOD = RequestHeader(
    tus.METHOD,
    "The method that is meant.",
    {"type": "string", "enum": list(tus.OVERRIDING)},
    True,
    "PATCH",
)
_WRONG_VERSION = Reply(
    412,
    "`Tus-Resumable` is missing or another one.",
    Detail,
    headers=(Header.TUS_RESUMABLE, Header.TUS_VERSION),
)
_BUSY = Reply(423, "Somebody else is writing to it.", Detail)
_REFUSED = (
    Reply(400, "A header is wrong, or this is no video: then the upload is gone.", Detail),
    Reply(413, "It is too large, or more than was announced.", Detail),
    Reply(CHECKSUM_MISMATCH, "The checksum is another; none of these bytes is kept.", Detail),
    Reply(507, "There is not enough free space.", Detail),
    _WRONG_VERSION,
)

CREATE = Operation(
    "createUpload",
    "Begin an upload in several requests (tus 1.0.0)",
    Tag.ADMIN,
    (
        Reply(201, "It waits for bytes.", headers=(Header.LOCATION, *_HOW_FAR)),
        Reply(400, "What the metadata says of the film is wrong.", FieldMessages),
        *_REFUSED,
    ),
    description="The first bytes may come along; where they are refused, there is no upload. "
    "`OPTIONS` tells what of tus is spoken here.",
    bytes_types=(tus.BYTES_TYPE,),
    request_headers=(_VERSION, _LENGTH, _METADATA, _CHECKSUM),
)

PROGRESS = Operation(
    "uploadProgress",
    "How far an upload is",
    Tag.ADMIN,
    (
        Reply(
            200,
            "So far.",
            headers=(*_HOW_FAR, Header.UPLOAD_LENGTH, Header.UPLOAD_METADATA),
        ),
        _WRONG_VERSION,
    ),
    request_headers=(_VERSION,),
)

APPEND = Operation(
    "appendToUpload",
    "Send the next bytes of an upload",
    Tag.ADMIN,
    (
        Reply(204, "They are on the disk.", headers=_HOW_FAR),
        *_REFUSED,
        Reply(409, "The upload stands elsewhere; nothing was written.", Detail),
        _BUSY,
    ),
    description="With the last bytes the film is looked at, which may take some seconds; the "
    "answer comes when it is in the catalogue.",
    bytes_types=(tus.BYTES_TYPE,),
    request_headers=(_VERSION, _OFFSET, _CHECKSUM),
)

FORGET = Operation(
    "deleteUpload",
    "Forget an upload and its bytes",
    Tag.ADMIN,
    (Reply(204, "It is gone.", headers=(Header.TUS_RESUMABLE,)), _WRONG_VERSION, _BUSY),
    description="A video that it has become stays.",
    request_headers=(_VERSION,),
)

OVERRIDE = Operation(
    "overrideUploadMethod",
    "Send the next bytes of an upload, or forget it, by POST",
    Tag.ADMIN,
    (
        Reply(
            204,
            "Done; with the headers that the method meant has.",
            headers=(Header.TUS_RESUMABLE,),
        ),
        *APPEND.replies[1:],
    ),
    description="For clients that cannot send `PATCH` or `DELETE`: the same as the method meant.",
    bytes_types=(tus.BYTES_TYPE,),
    request_headers=(_VERSION, _METHOD, replace(_OFFSET, is_required=False), _CHECKSUM),
)
