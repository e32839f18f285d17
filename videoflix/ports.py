"""The interfaces between the services and the outside, each shaped by the service that uses it.

Adapters translate foreign exceptions: a store raises ``DatabaseUnavailable`` when the database
cannot be reached, a doorbell ``QueueUnavailable``, a mailer ``MailUnavailable``. Writes that a
client was told of are acknowledged by a majority and journaled before a method returns.
"""

from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import BinaryIO, Protocol

from media_pipeline.title import SegmentFacts
from videoflix.models import (
    Lease,
    Link,
    LinkPurpose,
    ResetMail,
    Session,
    User,
    Video,
    VideoDetails,
    WorkerSeen,
)


class UserStore(Protocol):
    """Accounts and, in them, their one-time links, so that using one is a single atomic write."""

    async def add(
        self,
        email: str,
        folded: str,
        password_hash: str,
        *,
        is_active: bool,
        is_staff: bool,
        link: Link | None = None,
    ) -> User:
        """Add an account with the next id, counted from 1. Raises Conflict when taken.

        An account that waits for its activation link goes away once that link has expired.
        """

    async def find(self, user_id: int) -> User | None: ...

    async def find_by_email(self, folded: str) -> User | None: ...

    async def add_link(self, user_id: int, link: Link) -> None:
        """Keep a further link; of many only the newest few stay valid. One that is kept already
        only gets its new end."""

    async def find_by_link(
        self, user_id: int, purpose: LinkPurpose, token_hash: str, moment: datetime
    ) -> User | None:
        """The account that has this link, unexpired at ``moment``."""

    async def activate(self, user_id: int, token_hash: str, moment: datetime) -> bool:
        """Use an activation link: the account becomes active, the link goes. False when the
        link is unknown, used or expired."""

    async def reset_password(
        self, user_id: int, token_hash: str, moment: datetime, password_hash: str
    ) -> bool:
        """Use a reset link: the hash is replaced, all links go. False as with ``activate``."""

    async def replace_password_hash(self, user_id: int, old: str, new: str) -> bool:
        """Replace the hash if it is still ``old``; links stay. For the same password only."""

    async def change_password(self, user_id: int, old: str, new: str) -> bool:
        """Replace the hash if it is still ``old``; all links go."""

    async def set_active(self, user_id: int, *, is_active: bool) -> None:
        """Enable or disable the account. All links go, and it no longer goes away by itself."""

    async def list_all(self) -> Sequence[User]:
        """Every account, by id."""

    async def delete(self, user_id: int) -> None: ...


class SessionStore(Protocol):
    """Sessions stay, without what they tell of a person, until they would have expired: so that
    every process hears which ones were revoked."""

    async def add(self, session: Session) -> None: ...

    async def find(self, session_id: str) -> Session | None: ...

    async def use(self, session_id: str) -> Session | None:
        """The session, unless it was revoked; its ``used_at`` becomes now."""

    async def list_open(self, user_id: int, moment: datetime) -> Sequence[Session]:
        """Neither revoked nor expired at ``moment``; newest first."""

    async def revoke(self, session_id: str, user_id: int) -> bool:
        """End the user's session; False when there is none of this id or it was ended before."""

    async def revoke_all(self, user_id: int, *, keep: str | None = None) -> Sequence[str]:
        """End the user's sessions, but for ``keep``. The ids of all that have been ended, now or
        before."""

    async def now(self) -> datetime:
        """The clock that revocations are stamped with."""

    async def revoked_since(self, moment: datetime) -> Sequence[str]:
        """Ids of unexpired sessions revoked at or after ``moment``, for the in-process set."""


class ResetMailStore(Protocol):
    """Password-reset mails that wait to be sent: at most one for an address. Those that nobody
    has dealt with for a day go by themselves. Times are the database's."""

    async def ask(self, address: str) -> None:
        """Have a mail wait for this address, due at once, whether or not one waits already."""

    async def claim(self, seconds: float) -> ResetMail | None:
        """Hold a mail that is due for ``seconds``, in one atomic update; None when none is."""

    async def postpone(self, mail: ResetMail, seconds: float) -> None:
        """Let it go, due again after ``seconds``. Nothing happens when the lease was lost."""

    async def done(self, mail: ResetMail) -> None:
        """Forget it; when it was asked for again since it was claimed, another mail is due now.
        Nothing happens when the lease was lost."""


class RevocationFeed(Protocol):
    """Tells the other processes at once which sessions have ended. It may lose what it is told:
    the session store is the record."""

    async def publish(self, session_ids: Sequence[str]) -> None:
        """Raises QueueUnavailable."""

    async def listen(self, heard: Callable[[str], None]) -> None:
        """Call ``heard`` with the id of each session that any process published; for ever, also
        while the feed is away in between."""


class RateCounters(Protocol):
    """Counts tries within moving windows, for all processes together. Raises QueueUnavailable."""

    async def hit(self, key: str, amount: int, seconds: int) -> float | None:
        """Count one try under ``key`` and return None; or count nothing, when there were
        ``amount`` within the last ``seconds``, and return the seconds until one is possible."""

    async def clear(self, key: str, amount: int, seconds: int) -> None:
        """Forget the tries under ``key``."""


class VideoStore(Protocol):
    """The catalogue's records and, in them, the state of each encoding job."""

    async def next_id(self) -> int:
        """Reserve the next id, counted from 1."""

    async def add(
        self, video_id: int, details: VideoDetails, *, source_size: int, has_own_thumbnail: bool
    ) -> Video:
        """Add a ``pending`` record under an id reserved with ``next_id``."""

    async def find(self, video_id: int) -> Video | None: ...

    async def list_ready(self) -> Sequence[Video]:
        """Ready videos, newest first."""

    async def claim(self, holder: str, seconds: float, max_attempts: int) -> Lease | None:
        """Take the oldest video that waits, or whose lease has run out, in one atomic update.

        The video becomes ``processing``. Times are the database's. A video that has used up
        its attempts is not claimed but becomes ``failed``.
        """

    async def renew(self, lease: Lease, seconds: float, progress: int) -> Lease:
        """Move the lease's end and record progress. Raises LeaseLost."""

    async def publish(self, lease: Lease, generation: str) -> None:
        """``processing`` → ``ready``, fenced by the lease. Raises LeaseLost.

        May be repeated: a generation that is already published under this name is a success,
        so that an answer lost on the way does not look like a lost lease.
        """

    async def fail(self, lease: Lease, reason: str) -> None:
        """``processing`` → ``failed`` with a reason in plain words, fenced. Raises LeaseLost."""

    async def give_back(self, lease: Lease, reason: str, *, pause: float, spent: bool) -> None:
        """``processing`` → ``pending``, claimable after ``pause`` seconds; fenced.

        ``spent`` says whether the attempt counts (a failure does, a worker's stop does not).
        """

    async def retry(self, video_id: int) -> Video | None:
        """``failed`` → ``pending`` with no attempt used; None when it was not ``failed``."""

    async def source_names(self) -> set[int]:
        """Ids of all records, for the sweep of orphaned source folders."""


class WorkerStore(Protocol):
    """Which workers are alive, by the database's clock. Records of dead ones go by themselves."""

    async def seen(self, holder: str, host: str, pid: int) -> None: ...

    async def gone(self, holder: str) -> None: ...

    async def alive(self, seconds: float) -> Sequence[WorkerSeen]:
        """Workers seen within the last ``seconds``."""


class Doorbell(Protocol):
    """Wakes workers. The record in the database is the job; a lost ring costs only seconds."""

    async def ring(self, video_id: int) -> None: ...


@dataclass(frozen=True, slots=True)
class Mail:
    """``key`` names the mail: sent twice, it has the same Message-ID. Without one each sending
    is a mail of its own."""

    to: str
    subject: str
    text: str
    html: str
    key: str = ""


class Mailer(Protocol):
    async def send(self, mail: Mail) -> None:
        """Hand the mail to the mail server. Raises MailUnavailable; never waits for longer than
        the configured time-out."""


class MediaStore(Protocol):
    """Where films, titles and pictures are kept (layout: docs/architecture.md).

    Methods of this and the two stores below block on the disk: call them in an executor. What
    they install is flushed to the disk, with its folder, before they return. A full disk is
    InsufficientStorage.
    """

    def source(self, video_id: int) -> Path: ...

    def title(self, video_id: int, generation: str) -> Path: ...

    def thumbnail(self, video_id: int) -> Path: ...

    def free_bytes(self) -> int: ...


class UploadFile(Protocol):
    """A file that is being received. Marked as active until it is closed, so that no sweep takes
    it. Methods may be called from any thread; they exclude one another."""

    @property
    def path(self) -> Path: ...

    @property
    def size(self) -> int:
        """Bytes written."""

    def reserve(self, size: int) -> bool:
        """Reserve space on the disk for ``size`` bytes. False where the disk cannot do that;
        raises InsufficientStorage where they do not fit."""

    def write(self, data: bytes | bytearray | memoryview) -> None: ...

    def flush(self) -> None:
        """Have the bytes written so far on the disk."""

    def sync(self) -> None:
        """The end: have the bytes and the file's name on the disk, nothing more reserved."""

    def discard(self) -> None:
        """Close and, unless it was moved away, delete. May be repeated."""


class SourceStore(MediaStore, Protocol):
    """The media store as uploads see it."""

    def open_upload(self) -> UploadFile:
        """A new temporary file under a random name."""

    def install_source(self, upload: UploadFile, video_id: int) -> None:
        """Move a received file to its place, marked as unconfirmed. Never overwrites: raises
        FileExistsError when there is a source under that id."""

    def confirm_source(self, video_id: int) -> None:
        """Take the mark off: the record exists."""

    def discard_source(self, video_id: int) -> None:
        """Delete a source that is still unconfirmed, with its thumbnail."""

    def unconfirmed_sources(self, age: float) -> Sequence[int]:
        """Ids of sources that have been unconfirmed for more than ``age`` seconds."""

    def install_thumbnail(self, picture: Path, video_id: int) -> None:
        """Copy the picture to its public place, replacing what is there in one step."""

    def sweep_uploads(self, age: float) -> int:
        """Delete temporary files that nobody has written to for ``age`` seconds and that no
        process holds open for receiving; returns how many."""


class TitleStore(MediaStore, Protocol):
    """The media store as encoding sees it."""

    def open_workspace(self, video_id: int, generation: str) -> Path:
        """A new temporary folder, on the same file system as the title will be."""

    def close_workspace(self, video_id: int, generation: str) -> None:
        """Delete the temporary folder, where it exists."""

    def install_title(self, output: Path, video_id: int, generation: str) -> None:
        """Move a finished folder to ``title(video_id, generation)`` in one step."""

    def discard_title(self, video_id: int, generation: str) -> None: ...

    def keep_only(self, video_id: int, generation: str | None) -> int:
        """Delete every temporary folder and every generation but this one; returns how many."""

    def install_thumbnail(self, picture: Path, video_id: int) -> None: ...


@dataclass(frozen=True, slots=True)
class SegmentKey:
    """Names one MPEG-TS segment for ever: a generation is never changed."""

    video_id: int
    generation: str
    rendition: str
    index: int


class SegmentCache(Protocol):
    """Segments that were cut, on a disk, within a budget. Methods block: call them in an executor.

    A cache that cannot be read or written only costs time: nothing here raises for it.
    """

    def open(self, key: SegmentKey, facts: SegmentFacts) -> BinaryIO | None:
        """The cached segment, open for reading, if its bytes are what ``facts`` says.

        A file that is not stays until ``put`` replaces it. An open segment stays readable when
        it is evicted.
        """

    def put(self, key: SegmentKey, data: bytes) -> None:
        """Keep a segment; it is there whole or not at all. May evict others."""

    def cutting(self, key: SegmentKey) -> AbstractContextManager[None]:
        """Held by whoever cuts the segment: excludes the other processes of this cache."""
