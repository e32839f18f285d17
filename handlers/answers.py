"""The bodies of answers, as the API document shows them. Tests check every answer against it."""

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, WithJsonSchema

from videoflix.models import CATEGORY_MAX, DESCRIPTION_MAX, TITLE_MAX, ProcessingStatus

Id = Annotated[int, Field(ge=1)]
Timestamp = Annotated[
    str,
    WithJsonSchema({"type": "string", "format": "date-time", "pattern": "Z$"}),
    Field(description="ISO 8601, UTC, milliseconds."),
]
Url = Annotated[str, WithJsonSchema({"type": "string", "format": "uri"})]
Playlist = Annotated[str, WithJsonSchema({"type": "string", "pattern": r"^#EXTM3U\n"})]
Presentation = Annotated[str, WithJsonSchema({"type": "string", "pattern": r"^<\?xml "})]
WebVtt = Annotated[str, WithJsonSchema({"type": "string", "pattern": r"^WEBVTT\n"})]
EventStream = Annotated[str, WithJsonSchema({"type": "string"})]
# Bytes that are no JSON have no schema beyond their media type (OpenAPI 3.1.0 §4.8.14.4).
Bytes = Annotated[bytes, WithJsonSchema({})]


class Shape(BaseModel):
    """Exactly these members."""

    model_config = ConfigDict(extra="forbid", frozen=True)


FieldMessages = Annotated[
    dict[str, list[str]], Field(description="Messages for each field that is wrong.", min_length=1)
]


class Detail(Shape):
    detail: str


class ServerError(Detail):
    request_id: str = Field(description="Also in the server's log, with the reason.")


class Message(Shape):
    message: str


class RegisteredUser(Shape):
    id: Id
    email: str


class Registered(Shape):
    user: RegisteredUser
    token: str = Field(description="The activation token; in production the empty string.")


class LoggedInUser(Shape):
    id: Id
    username: str = Field(description="The address of the account.")


class LoggedIn(Detail):
    user: LoggedInUser


class Refreshed(Detail):
    access: str = Field(description="The new access token, which is also in its cookie.")


class Me(Shape):
    """An account."""

    id: Id
    email: str
    is_staff: bool


class OpenSession(Shape):
    """One sign-in that has neither ended nor expired."""

    id: str = Field(pattern="^[0-9a-f]{32}$")
    created_at: Timestamp
    used_at: Timestamp = Field(description="When an access token was last issued.")
    expires_at: Timestamp
    is_current: bool = Field(description="Whether this request belongs to it.")
    address: str = Field(description="Of the client that signed in, as the server saw it.")
    user_agent: str = Field(description="What that client said of itself.")


class CatalogueEntry(Shape):
    """A ready video, as members see it."""

    id: Id
    created_at: Timestamp
    title: str = Field(min_length=1, max_length=TITLE_MAX)
    description: str = Field(max_length=DESCRIPTION_MAX)
    thumbnail_url: Url
    category: str = Field(max_length=CATEGORY_MAX)


class VideoRecord(CatalogueEntry):
    """A video, as admins see it."""

    updated_at: Timestamp
    processing_status: ProcessingStatus
    processing_error: str = Field(description="Why the video failed, in plain words.")
    progress: int = Field(ge=0, le=100, description="Percent of the encode.")
    stage: str = Field(description="What the encoder does: `probe`, `encode`, `verify`; or empty.")
    frames: int = Field(ge=0, description="Pictures of the film that are encoded.")
    speed: float = Field(ge=0, description="Film seconds a second; 0 until known.")
    seconds_left: int | None = Field(ge=0, description="A guess; null until there is one.")
    attempts: int = Field(ge=0, description="Those that failed, and the one that runs.")
    last_failure: str = Field(
        description="Why the last failed attempt failed; empty once one has succeeded."
    )
    next_attempt_at: Timestamp | None = Field(
        description="When a video that waits after a failure is tried again."
    )
    has_source: bool = Field(
        description="Whether the film is kept as it was uploaded; without it, it cannot be "
        "encoded again."
    )
    source_size: int = Field(ge=0, description="Bytes.")
    has_own_thumbnail: bool = Field(description="An admin's picture, not one made from the film.")
    can_retry: bool = Field(description="Whether it has failed and its film is kept.")
    duration: float | None = Field(ge=0, description="Seconds; null before it was encoded.")
    renditions: list[str] = Field(description="Names, smallest first, of the published encode.")
    size: int | None = Field(ge=0, description="Bytes of the published encode.")


class VideoList(Shape):
    """One page of the videos that were asked for."""

    count: int = Field(ge=0, description="Of all pages.")
    next: int | None = Field(ge=2, description="The number of the next page, if there is one.")
    previous: int | None = Field(ge=1)
    results: list[VideoRecord]


class Categories(Shape):
    suggestions: list[str] = Field(description="What is offered where nothing else fits.")
    in_use: list[str] = Field(description="Those that videos have, by the alphabet.")


class Member(Me):
    """An account, as admins see it."""

    is_active: bool = Field(description="Whether it may sign in.")
    created_at: Timestamp
    lapses_at: Timestamp | None = Field(
        description="When an account that nobody has activated goes away; null for all others."
    )
    last_sign_in: Timestamp | None = Field(
        description="Null where it is not known: sessions are kept for some days."
    )


class Account(Me):
    """An account that an admin has changed."""

    is_active: bool


class MemberList(Shape):
    """One page of the accounts that were asked for, by id."""

    count: int = Field(ge=0, description="Of all pages.")
    next: int | None = Field(ge=2, description="The number of the next page, if there is one.")
    previous: int | None = Field(ge=1)
    results: list[Member]


class DiskFigures(Shape):
    """Bytes of the disk that films are on."""

    total: int = Field(ge=0)
    free: int = Field(ge=0)
    floor: int = Field(ge=0, description="Below it uploads are refused and encodes wait.")


class CacheFigures(Shape):
    bytes: int = Field(ge=0)
    budget: int = Field(ge=0)
    segments: int = Field(ge=0)


class StorageFigures(Shape):
    """Bytes, a few seconds old at most."""

    disk: DiskFigures
    sources: int = Field(ge=0, description="Films as they were uploaded.")
    titles: int = Field(ge=0, description="Films that were encoded, and work on them.")
    uploads: int = Field(ge=0, description="What is being received.")
    cache: CacheFigures


class Position(Shape):
    position: float = Field(ge=0, description="Seconds; 0 where nothing is kept.")


class Refused(Detail):
    """A video that could not be tried again, and why."""

    id: Id


class Alive(Shape):
    status: Literal["ok"]


class Readiness(Shape):
    status: Literal["ready", "not ready"]
    parts: dict[str, bool] = Field(
        description="`database`, `queue`, `disk` (above its floor), `worker` (one is alive): "
        "whether each is fine."
    )


class RetriedMany(Shape):
    retried: list[Id] = Field(description="They wait now to be encoded.")
    refused: list[Refused]
    remaining: int = Field(ge=0, description="Failed videos beyond those: ask again.")
