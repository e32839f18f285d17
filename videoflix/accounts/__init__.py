"""Accounts: who may come in, and how they prove it."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import timedelta

from videoflix.accounts.guard import Guard
from videoflix.accounts.members import MembersService
from videoflix.accounts.passwords import open_hasher
from videoflix.accounts.reset_mails import ResetMails
from videoflix.accounts.revocations import open_revocations
from videoflix.accounts.service import AccountsService, Lifetimes
from videoflix.accounts.tokens import Tokens
from videoflix.ports import (
    Mailer,
    PositionStore,
    ResetMailStore,
    RevocationFeed,
    SessionStore,
    UserStore,
)
from videoflix.settings import Settings


@dataclass(frozen=True, slots=True)
class Accounts:
    service: AccountsService
    members: MembersService
    guard: Guard
    reset_mails: ResetMails


@asynccontextmanager
async def open_accounts(
    settings: Settings,
    *,
    users: UserStore,
    sessions: SessionStore,
    positions: PositionStore,
    feed: RevocationFeed,
    reset_mail_store: ResetMailStore,
    mailer: Mailer,
) -> AsyncIterator[Accounts]:
    """The service and the guard, with their threads and tasks, which end with the block.

    ``settings.auth.secret_key`` must hold a secret (ConfigurationError). Raises
    DatabaseUnavailable.
    """
    auth = settings.auth
    lifetimes = Lifetimes(
        access=timedelta(minutes=auth.access_minutes),
        refresh=timedelta(days=auth.refresh_days),
        link=timedelta(hours=auth.link_hours),
    )
    tokens = Tokens(
        auth.secret_key.get_secret_value(),
        [key.get_secret_value() for key in auth.previous_keys],
        access=lifetimes.access,
    )
    async with (
        open_hasher(auth.bcrypt_cost) as passwords,
        open_revocations(sessions, feed, lifetimes.access) as revocations,
    ):
        reset_mails = ResetMails(reset_mail_store, users, mailer, settings)
        service = AccountsService(
            users,
            sessions,
            passwords=passwords,
            tokens=tokens,
            revocations=revocations,
            mailer=mailer,
            reset_mails=reset_mails,
            frontend_url=settings.server.frontend_url,
            lifetimes=lifetimes,
        )
        members = MembersService(
            users, sessions, positions=positions, passwords=passwords, revocations=revocations
        )
        yield Accounts(service, members, Guard(tokens, revocations), reset_mails)
