"""Accounts: who may come in, and how they prove it."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import timedelta

from videoflix.accounts.guard import Guard, open_guard
from videoflix.accounts.passwords import open_hasher
from videoflix.accounts.reset_mails import ResetMails
from videoflix.accounts.service import AccountsService, Lifetimes
from videoflix.accounts.tokens import Tokens
from videoflix.ports import Mailer, ResetMailStore, SessionStore, UserStore
from videoflix.settings import Settings


@dataclass(frozen=True, slots=True)
class Accounts:
    service: AccountsService
    guard: Guard
    reset_mails: ResetMails


@asynccontextmanager
async def open_accounts(
    settings: Settings,
    users: UserStore,
    sessions: SessionStore,
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
        open_guard(tokens, sessions, lifetimes.access) as guard,
    ):
        reset_mails = ResetMails(reset_mail_store, users, mailer, settings)
        service = AccountsService(
            users,
            sessions,
            passwords=passwords,
            tokens=tokens,
            guard=guard,
            mailer=mailer,
            reset_mails=reset_mails,
            frontend_url=settings.server.frontend_url,
            lifetimes=lifetimes,
        )
        yield Accounts(service, guard, reset_mails)
