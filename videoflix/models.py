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
    """An account. ``email`` is kept as typed; its case-folded form is unique. ``lapses_at`` is when
    one that waits for its activation goes away."""

    id: int
    email: str
    password_hash: str
    is_active: bool
    is_staff: bool
    created_at: datetime
    lapses_at: datetime | None = None


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
class EncodeProgress:
    """How far an attempt has got.

    ``stage`` is the encoder's word for what it does (``probe``, ``encode``, ``verify``),
    ``percent`` is of the whole job, ``frames`` counts the film's pictures, ``speed`` is film
    seconds a second (0 where unknown), ``seconds_left`` a guess, None until there is one.
    """

    stage: str = ""
    percent: float = 0.0
    frames: int = 0
    speed: float = 0.0
    seconds_left: int | None = None


@dataclass(frozen=True, slots=True)
class TitleFacts:
    """What a published generation is: its duration, names of its renditions (smallest first), the
    bytes of its files."""

    milliseconds: int
    renditions: tuple[str, ...]
    size: int


@dataclass(frozen=True, slots=True)
class Video:
    """One film of the catalogue.

    ``generation`` names the published encode (a folder of the media store), None before the
    first one; with one it can be played, whatever its status. ``replaced`` names those that it
    replaced and that are still there. ``progress`` is 0 to 100; it, ``stage``, ``frames``,
    ``speed`` and ``seconds_left`` are those of the last attempt (``EncodeProgress``). ``error``
    is in plain words and for admins only; ``last_failure`` is why the last failed attempt
    failed, also while the next one runs, and empty once one has succeeded. ``next_attempt_at``
    is the end of the pause after a failed attempt, None at all other times. ``has_source`` is
    false once the film as it was uploaded is given up: then it cannot be encoded again.
    ``facts`` are those of ``generation``, None where they are not known.
    ``has_own_thumbnail`` is true when an admin uploaded the picture: it is then never replaced
    by one made from the film. ``thumbnail_version`` counts what admins did to the picture.
    """

    id: int
    title: str
    description: str
    category: str
    status: ProcessingStatus
    progress: int
    stage: str
    frames: int
    speed: float
    seconds_left: int | None
    error: str
    last_failure: str
    attempts: int
    next_attempt_at: datetime | None
    generation: str | None
    replaced: tuple[str, ...]
    facts: TitleFacts | None
    has_source: bool
    source_size: int
    has_own_thumbnail: bool
    thumbnail_version: int
    created_at: datetime
    updated_at: datetime


@dataclass(frozen=True, slots=True)
class DeletedVideo:
    """What is left of a video that was deleted: that it was, for who still shows it."""

    id: int
    updated_at: datetime


class VideoSort(StrEnum):
    """Orders of a list of videos; a minus is descending. Titles are compared without case."""

    OLDEST = "created_at"
    NEWEST = "-created_at"
    UNCHANGED = "updated_at"
    CHANGED = "-updated_at"
    TITLE = "title"
    TITLE_DOWN = "-title"


@dataclass(frozen=True, slots=True)
class VideoQuery:
    """Which videos an admin asks for; None stands for all.

    Every word of ``search`` must be somewhere in title, description or category, in any case.
    """

    status: ProcessingStatus | None = None
    category: str | None = None
    search: str = ""


@dataclass(frozen=True, slots=True)
class VideoPage:
    """Some of the videos that were asked for, and how many there are in all."""

    count: int
    videos: tuple[Video, ...]


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
    holder: str = ""


@dataclass(frozen=True, slots=True)
class WorkerSeen:
    """A worker process and when it last said that it is alive (the database's clock)."""

    holder: str
    host: str
    pid: int
    seen_at: datetime


class ChunkStatus(StrEnum):
    BLOCKED = "blocked"  # until another part of the film is done
    WAITING = "waiting"
    RUNNING = "running"
    DONE = "done"
    FAILED = "failed"


@dataclass(frozen=True, slots=True)
class ChunkSpec:
    """One part of a film that is encoded in chunks: a chunk of its pictures (``kind``
    ``pictures``, ``number`` of the plan) or its sounds and texts (``side``).

    ``weight`` is its share of the work, in GOPs. A part that ``waits`` is blocked at first.
    """

    kind: str
    number: int
    weight: int
    waits: bool = False


@dataclass(frozen=True, slots=True)
class Chunk:
    """The record of a part: ``index`` in the film's plan, who works or worked on it, how far.

    ``share`` is 0 to 1 and ``frames`` the pictures of its present or last run, ``speed`` film
    seconds a second. ``folder`` is the finished part's. ``reason`` says why the last run failed;
    a part that ``is_whole_only`` found that the film cannot be encoded in chunks.
    """

    index: int
    spec: ChunkSpec
    status: ChunkStatus
    holder: str
    attempts: int
    share: float
    frames: int
    speed: float
    folder: str
    reason: str
    is_whole_only: bool


@dataclass(frozen=True, slots=True)
class ChunkLease:
    """A worker's right to encode one part until ``expires_at`` (the database's clock).

    ``token`` is the fence, as in ``Lease``. ``frames`` is how many pictures the title has, where
    that is known.
    """

    video_id: int
    plan: str
    index: int
    spec: ChunkSpec
    frames: int
    token: str
    attempt: int
    expires_at: datetime
