"""The interfaces between the services and the outside, each shaped by the service that uses it.

Adapters translate foreign exceptions: a store raises ``DatabaseUnavailable`` when the database
cannot be reached, a doorbell ``QueueUnavailable``, a mailer ``MailUnavailable``. Writes that a
client was told of are acknowledged by a majority and journaled before a method returns.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Protocol

from videoflix.models import Lease, Session, User, Video, VideoDetails


class UserStore(Protocol):
    async def add(
        self, email: str, folded: str, password_hash: str, *, is_active: bool, is_staff: bool
    ) -> User:
        """Add an account with the next id, counted from 1. Raises Conflict when taken."""

    async def find(self, user_id: int) -> User | None: ...

    async def find_by_email(self, folded: str) -> User | None: ...

    async def activate(self, user_id: int) -> None: ...

    async def set_password_hash(self, user_id: int, password_hash: str) -> None: ...

    async def delete(self, user_id: int) -> None: ...


class SessionStore(Protocol):
    async def add(self, session: Session) -> None: ...

    async def find(self, session_id: str) -> Session | None: ...

    async def revoke(self, session_id: str) -> None: ...

    async def revoke_all(self, user_id: int) -> None: ...

    async def revoked_since(self, moment: datetime) -> Sequence[str]:
        """Ids of unexpired sessions revoked at or after ``moment``, for the in-process set."""


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
        """``processing`` → ``ready``, fenced by the lease. Raises LeaseLost."""

    async def fail(self, lease: Lease, reason: str) -> None:
        """``processing`` → ``failed`` with a reason in plain words, fenced. Raises LeaseLost."""

    async def give_back(self, lease: Lease, reason: str, *, pause: float, spent: bool) -> None:
        """``processing`` → ``pending``, claimable after ``pause`` seconds; fenced.

        ``spent`` says whether the attempt counts (a failure does, a worker's stop does not).
        """

    async def source_names(self) -> set[int]:
        """Ids of all records, for the sweep of orphaned source folders."""


class Doorbell(Protocol):
    """Wakes workers. The record in the database is the job; a lost ring costs only seconds."""

    async def ring(self, video_id: int) -> None: ...


@dataclass(frozen=True, slots=True)
class Mail:
    to: str
    subject: str
    text: str
    html: str


class Mailer(Protocol):
    async def send(self, mail: Mail) -> None:
        """Hand the mail to the mail server. Raises MailUnavailable; never waits for longer than
        the configured time-out."""


class MediaStore(Protocol):
    """Where films, titles and pictures are kept (layout: docs/architecture.md)."""

    def source(self, video_id: int) -> Path: ...

    def title(self, video_id: int, generation: str) -> Path: ...

    def thumbnail(self, video_id: int) -> Path: ...

    def free_bytes(self) -> int: ...
