"""The mail server goes away in every way there is, while people register and forget passwords.

Two HTTP processes and a worker, as processes of their own, on a real database; R45.
"""

import asyncio
import os
import secrets
import signal
import time
from collections.abc import AsyncIterator, Mapping
from contextlib import ExitStack, asynccontextmanager
from dataclasses import dataclass, field
from email.message import EmailMessage
from pathlib import Path
from typing import Any

import httpx
from pymongo import AsyncMongoClient

from tests.commands import Running, running
from tests.drills.report import Outcome
from tests.handlers.site import PASSWORD, link_of
from tests.services import Services, services_for_tests
from tests.videoflix.adapters.mail_server import MailHost, Trouble, mail_host
from tests.videoflix.waiting import is_running, until, until_true

REGISTER_LIMIT = 10.0
RESET_SUBJECT = "Reset your Videoflix password"
TROUBLES = [trouble for trouble in Trouble if trouble is not Trouble.UNKNOWN_USER]
HTTP = "http-child"


@dataclass(frozen=True)
class MailSite:
    """A running server, its mail server, and a look into its database."""

    host: MailHost
    client: httpx.AsyncClient
    database: Any
    serve: Running
    worker: Running

    async def post(self, call: str, **body: str) -> tuple[httpx.Response, float]:
        """The answer, and after how many seconds."""
        began = time.monotonic()
        response = await self.client.post(f"/api/{call}/", json=body)
        return response, time.monotonic() - began

    async def register(self, email: str) -> tuple[httpx.Response, float]:
        return await self.post(
            "register", email=email, password=PASSWORD, confirmed_password=PASSWORD
        )

    async def add_member(self, email: str) -> None:
        response, _ = await self.register(email)
        assert response.status_code == 201, response.text
        uid, token = link_of(self.mails_to(email, "Activate")[0])
        done = await self.client.get(f"/api/activate/{uid}/{token}/")
        assert done.status_code == 200, done.text

    async def accounts(self, email: str) -> int:
        found: int = await self.database.users.count_documents({"folded": email})
        return found

    async def waiting(self) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = await self.database.reset_mails.find({}).to_list()
        return found

    def mails_to(self, email: str, subject: str = RESET_SUBJECT) -> list[EmailMessage]:
        return [mail for mail in self.host.mails_to(email) if mail["Subject"].startswith(subject)]


def _commands(settings: Mapping[str, str], root: Path, stack: ExitStack) -> tuple[Running, Running]:
    """Two HTTP processes and a worker; each command has a root and logs of its own."""
    serve = stack.enter_context(
        running("serve", "--processes", "2", root=root / "serve", extra=settings)
    )
    worker = stack.enter_context(running("worker", root=root / "worker", extra=settings))
    return serve, worker


@asynccontextmanager
async def mail_site(
    root: Path, services: Services, *, mail_seconds: float | None = None
) -> AsyncIterator[MailSite]:
    """``mail_seconds`` is the setting mail.timeout, None for its default."""
    name = f"mail_{secrets.token_hex(8)}"
    with ExitStack() as stack:
        host = stack.enter_context(mail_host())
        settings = {
            "VIDEOFLIX_MONGO__URI": services.mongo_uri,
            "VIDEOFLIX_MONGO__DATABASE": name,
            "VIDEOFLIX_REDIS__URL": services.redis_url,
            "VIDEOFLIX_AUTH__SECRET_KEY": secrets.token_urlsafe(48),
            "VIDEOFLIX_MAIL__URL": host.url,
        }
        if mail_seconds is not None:
            settings["VIDEOFLIX_MAIL__TIMEOUT"] = str(mail_seconds)
        serve, worker = await asyncio.to_thread(_commands, settings, root, stack)
        url = (await asyncio.to_thread(serve.line, r"^Videoflix listens on (http://\S+)"))[1]
        async with (
            httpx.AsyncClient(base_url=url, trust_env=False, timeout=60) as client,
            AsyncMongoClient[dict[str, Any]](services.mongo_uri) as mongo,
        ):
            try:
                yield MailSite(host, client, mongo[name], serve, worker)
            finally:
                await mongo.drop_database(name)


@dataclass
class Figures:
    """What one trouble led to."""

    registered: int
    register_seconds: float
    accounts_left: int
    registered_again: int
    answers: set[tuple[int, bytes]]
    known_seconds: float
    unknown_seconds: float
    arrived_after: float = 0.0
    mails: list[EmailMessage] = field(default_factory=list)

    @property
    def message_ids(self) -> set[str]:
        return {mail["Message-ID"] for mail in self.mails}


async def go_through(site: MailSite, trouble: Trouble, member: str) -> Figures:
    """Have the trouble; somebody registers, ``member`` and a stranger ask for a reset mail; the
    mail server comes back."""
    newcomer = f"new-{member}"
    site.host.become(trouble)
    registering = asyncio.create_task(site.register(newcomer))
    known, known_seconds = await site.post("password_reset", email=member)
    unknown, unknown_seconds = await site.post("password_reset", email=f"no-{member}")

    async def tried() -> bool:
        """Somebody has tried to send the member's mail and given up for now."""
        found = await site.database.reset_mails.find_one({"_id": member, "attempts": {"$gt": 0}})
        return found is not None and found["due_at"] > found["asked_at"]

    await until(tried)
    response, register_seconds = await registering
    left = await site.accounts(newcomer)
    site.host.become(None)
    back = time.monotonic()
    again, _ = await site.register(newcomer)
    figures = Figures(
        registered=response.status_code,
        register_seconds=register_seconds,
        accounts_left=left,
        registered_again=again.status_code,
        answers={(answer.status_code, answer.content) for answer in (known, unknown)},
        known_seconds=known_seconds,
        unknown_seconds=unknown_seconds,
    )
    await settled(site)
    figures.arrived_after = time.monotonic() - back
    figures.mails = site.mails_to(member)
    return figures


async def settled(site: MailSite) -> None:
    """No mail waits any more: then none can come a second time."""

    async def empty() -> bool:
        return not await site.waiting()

    await until(empty)


async def killed_while_sending(site: MailSite, member: str) -> Figures:
    """``kill -9`` of every process while one of them hands over the member's mail."""
    site.host.become(Trouble.HANGING)
    known, known_seconds = await site.post("password_reset", email=member)
    # Whoever sends it is inside of the mail server: that hangs once it has the whole mail.
    await until_true(lambda: site.host.inbox.hanging > 0)
    one = site.serve.child(HTTP)
    both = (one, site.serve.child(HTTP, other_than=one))
    for pid in (*both, site.worker.process.pid):
        os.kill(pid, signal.SIGKILL)
    await until_true(lambda: not any(is_running(pid) for pid in both))
    site.host.become(None)
    back = time.monotonic()
    await settled(site)
    return Figures(
        registered=0,
        register_seconds=0,
        accounts_left=0,
        registered_again=0,
        answers={(known.status_code, known.content)},
        known_seconds=known_seconds,
        unknown_seconds=0,
        arrived_after=time.monotonic() - back,
        mails=site.mails_to(member),
    )


def _row(name: str, found: Figures, *, with_registration: bool = True) -> list[str]:
    register = ["", "", ""]
    if with_registration:
        register = [
            f"{found.registered} in {found.register_seconds:.1f} s",
            str(found.accounts_left),
            str(found.registered_again),
        ]
    known, unknown = f"{found.known_seconds * 1000:.0f}", f"{found.unknown_seconds * 1000:.0f}"
    return [
        name,
        *register,
        f"{known} / {unknown}" if with_registration else known,
        f"{found.arrived_after:.1f}",
        str(len(found.mails)),
        str(len(found.message_ids)),
    ]


def _misses(name: str, trouble: Trouble | None, found: Figures) -> list[str]:
    expected = 2 if trouble is Trouble.LOST_ANSWER else 1
    checks = {
        "all reset requests have the same answer, 200": [status for status, _ in found.answers]
        == [200],
        "the member has one reset mail": len(found.message_ids) == 1,
        f"it was delivered {expected} x": len(found.mails) == expected,
    }
    if trouble is not None:
        checks |= {
            "registration answers 503": found.registered == 503,
            f"within {REGISTER_LIMIT:g} s": found.register_seconds <= REGISTER_LIMIT,
            "no account is left": found.accounts_left == 0,
            "the address registers again": found.registered_again == 201,
        }
    return [f"{name}: {text}" for text, holds in checks.items() if not holds]


async def drill(folder: Path) -> Outcome:
    outcome = Outcome(
        "Two HTTP processes and a worker; the mail server is in trouble, then comes back.",
        (
            "mail server",
            "registration",
            "accounts left",
            "again",
            "reset answer ms (member / stranger)",
            "mail after s",
            "deliveries",
            "mails",
        ),
    )
    with services_for_tests(folder / "services") as services:
        async with mail_site(folder, services) as site:
            for number, trouble in enumerate(TROUBLES, 1):
                member = f"member{number}@example.com"
                await site.add_member(member)
                found = await go_through(site, trouble, member)
                outcome.rows.append(_row(trouble, found))
                outcome.misses += _misses(trouble, trouble, found)
            await site.add_member("last@example.com")
            found = await killed_while_sending(site, "last@example.com")
            name = "hangs; kill -9 of all"
            outcome.rows.append(_row(name, found, with_registration=False))
            outcome.misses += _misses(name, None, found)
    return outcome
