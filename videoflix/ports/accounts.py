"""Accounts, sessions, limits and mails."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from videoflix.models import Link, LinkPurpose, ResetMail, Session, User


@dataclass(frozen=True, slots=True)
class UserPage:
    """Some of the accounts that were asked for, and how many there are in all."""

    count: int
    users: tuple[User, ...]


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

    async def add_link(self, user: User, link: Link) -> bool:
        """Keep a further link; of many only the newest few stay valid. One that is kept already
        only gets its new end. False, and nothing kept, where ``user`` is out of date: its
        password has changed, or it is not active."""

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

    async def page(self, search: str, *, skip: int, limit: int) -> UserPage:
        """Accounts whose folded address holds every word of ``search``, by id."""

    async def has_admin(self) -> bool:
        """Whether any account is active and an admin's."""

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

    async def last_sign_ins(self, user_ids: Sequence[int]) -> Mapping[int, datetime]:
        """When each of these users signed in last; those are missing of whom no session is kept."""

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
