"""Which answer an error gets: one table from the domain's errors to statuses."""

from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Any

from tornado.web import HTTPError

from handlers.ranges import RangeNotSatisfiable
from videoflix.errors import (
    Busy,
    ChecksumMismatch,
    Conflict,
    FieldErrors,
    Forbidden,
    InsufficientStorage,
    InvalidLink,
    MediaDamaged,
    NotAVideo,
    NotFound,
    PayloadTooLarge,
    ServiceUnavailable,
    TooManyRequests,
    Unauthenticated,
    VideoflixError,
)

RETRY_SECONDS = 5
CHECKSUM_MISMATCH = 460  # tus 1.0.0, checksum; registered nowhere
UNEXPECTED = "Something went wrong on the server."


class BadRequest(VideoflixError):
    """A request that is wrong as a whole, not in one of its fields."""

    code = "bad_request"


class WrongVersion(VideoflixError):
    """A protocol within HTTP in a version that is not spoken here."""

    code = "wrong_version"


# Looked up along the error's MRO: a class stands for its subclasses too.
STATUSES: dict[type[BaseException], int] = {
    BadRequest: HTTPStatus.BAD_REQUEST,
    WrongVersion: HTTPStatus.PRECONDITION_FAILED,
    FieldErrors: HTTPStatus.BAD_REQUEST,
    InvalidLink: HTTPStatus.BAD_REQUEST,
    NotAVideo: HTTPStatus.BAD_REQUEST,
    Unauthenticated: HTTPStatus.UNAUTHORIZED,
    Forbidden: HTTPStatus.FORBIDDEN,
    NotFound: HTTPStatus.NOT_FOUND,
    Conflict: HTTPStatus.CONFLICT,
    Busy: HTTPStatus.LOCKED,
    ChecksumMismatch: CHECKSUM_MISMATCH,
    PayloadTooLarge: HTTPStatus.REQUEST_ENTITY_TOO_LARGE,
    RangeNotSatisfiable: HTTPStatus.REQUESTED_RANGE_NOT_SATISFIABLE,
    TooManyRequests: HTTPStatus.TOO_MANY_REQUESTS,
    MediaDamaged: HTTPStatus.INTERNAL_SERVER_ERROR,
    ServiceUnavailable: HTTPStatus.SERVICE_UNAVAILABLE,
    InsufficientStorage: HTTPStatus.INSUFFICIENT_STORAGE,
}

_SENTENCES = {
    HTTPStatus.BAD_REQUEST: "Bad request.",
    HTTPStatus.FORBIDDEN: "Forbidden.",
    HTTPStatus.NOT_FOUND: "Not found.",
    HTTPStatus.METHOD_NOT_ALLOWED: "Method not allowed.",
}


@dataclass(frozen=True, slots=True)
class Answer:
    """What a client gets for an error."""

    status: int
    body: dict[str, Any]
    headers: dict[str, str] = field(default_factory=dict)
    is_expected: bool = True


def answer_to(error: BaseException | None, request_id: str) -> Answer:
    """The answer to an error.

    The text of an error that is not of the domain never reaches the client: it is in the log,
    with the request's id.
    """
    status = next((STATUSES[kind] for kind in type(error).__mro__ if kind in STATUSES), None)
    if isinstance(error, FieldErrors):
        return Answer(HTTPStatus.BAD_REQUEST, dict(error.fields))
    if isinstance(error, TooManyRequests):
        retry = {"Retry-After": str(error.retry_after)}
        return Answer(HTTPStatus.TOO_MANY_REQUESTS, {"detail": str(error)}, retry)
    if status is not None:
        headers = (
            {"Retry-After": str(RETRY_SECONDS)} if isinstance(error, ServiceUnavailable) else {}
        )
        if status == HTTPStatus.INTERNAL_SERVER_ERROR:
            body = {"detail": str(error), "request_id": request_id}
            return Answer(status, body, is_expected=False)
        if isinstance(error, RangeNotSatisfiable):
            headers = {"Content-Range": f"bytes */{error.size}"}
        return Answer(status, {"detail": str(error)}, headers)
    if isinstance(error, HTTPError) and error.status_code < 500:
        code = HTTPStatus(error.status_code)
        return Answer(code, {"detail": _SENTENCES.get(code, f"{code.phrase}.")})
    body = {"detail": UNEXPECTED, "request_id": request_id}
    return Answer(HTTPStatus.INTERNAL_SERVER_ERROR, body, is_expected=False)
