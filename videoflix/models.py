"""The records of the domain, as plain immutable values. Times are aware and in UTC."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

TITLE_MAX = 150
CATEGORY_MAX = 50
DESCRIPTION_MAX = 5000

CATEGORY_SUGGESTIONS = (
    "Drama",
    "Water",
    "Mountains",
    "Trees",
    "Animals",
    "Buildings",
    "Soulfood",
    "Beaches",
    "Flower",
    "Miscellaneous",
)


@dataclass(frozen=True, slots=True)
class User:
    """An account. ``email`` is kept as typed; its case-folded form is unique."""

    id: int
    email: str
    password_hash: str
    is_active: bool
    is_staff: bool
    created_at: datetime


class LinkPurpose(StrEnum):
    """What a one-time link in a mail is for."""

    ACTIVATE = "activate"
    RESET = "reset"


@dataclass(frozen=True, slots=True)
class Link:
    """A one-time link as it is kept: only the hash of the token that the mail holds."""

    purpose: LinkPurpose
    token_hash: str
    expires_at: datetime


@dataclass(frozen=True, slots=True)
class ResetMail:
    """A password-reset mail that somebody asked for, held by one sender under a lease.

    ``address`` is the folded address as it was asked for: there need be no such account.
    ``key`` stays the same over all attempts, ``fence`` is the lease's. ``age`` is in seconds.
    """

    address: str
    key: str
    fence: str
    attempt: int
    asked_at: datetime
    age: float


@dataclass(frozen=True, slots=True)
class Visitor:
    """Where a request comes from, as far as it says so itself; empty for what is not known."""

    address: str = ""
    user_agent: str = ""


@dataclass(frozen=True, slots=True)
class Session:
    """A sign-in of one user, which its refresh token names (``sid``).

    ``visitor`` is who signed in, forgotten once the session has ended. ``used_at`` is when an
    access token was last issued.
    """

    id: str
    user_id: int
    created_at: datetime
    expires_at: datetime
    used_at: datetime
    visitor: Visitor = Visitor()
    is_revoked: bool = False


@dataclass(frozen=True, slots=True)
class Principal:
    """Who makes a request, as its access token says."""

    user_id: int
    session_id: str
    is_staff: bool


class ProcessingStatus(StrEnum):
    PENDING = "pending"
    PROCESSING = "processing"
    READY = "ready"
    FAILED = "failed"


@dataclass(frozen=True, slots=True)
class VideoDetails:
    """What an admin says about a film."""

    title: str
    description: str = ""
    category: str = ""


@dataclass(frozen=True, slots=True)
class Video:
    """One film of the catalogue.

    ``generation`` names the published encode (a folder of the media store), None before the
    first one. ``progress`` is 0 to 100. ``error`` is in plain words and for admins only.
    ``has_own_thumbnail`` is true when an admin uploaded the picture: it is then never replaced
    by one made from the film.
    """

    id: int
    title: str
    description: str
    category: str
    status: ProcessingStatus
    progress: int
    error: str
    attempts: int
    generation: str | None
    source_size: int
    has_own_thumbnail: bool
    created_at: datetime
    updated_at: datetime


@dataclass(frozen=True, slots=True)
class Lease:
    """A worker's right to encode one video until ``expires_at`` (the database's clock).

    ``token`` is the fence: a renewal or a publication by a holder whose token is no longer the
    record's is refused (``LeaseLost``).
    """

    video_id: int
    token: str
    attempt: int
    expires_at: datetime


@dataclass(frozen=True, slots=True)
class WorkerSeen:
    """A worker process and when it last said that it is alive (the database's clock)."""

    holder: str
    host: str
    pid: int
    seen_at: datetime
