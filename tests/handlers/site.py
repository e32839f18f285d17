"""A running server as tests see it: URLs, clients, accounts, mails."""

import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from email import message_from_bytes, policy
from email.message import EmailMessage
from typing import Any

import httpx

from tests.handlers.conformance import ConformingClient
from tests.videoflix.waiting import until
from videoflix.container import Container
from videoflix.models import User

PASSWORD = "quiet-Harbour-42"
ORIGIN = "http://127.0.0.1:5500"
CLIENT_SECONDS = 30.0  # for an answer; machines that run tests are busy


@dataclass(frozen=True)
class Server:
    url: str
    container: Container

    @asynccontextmanager
    async def client(self, **options: Any) -> AsyncIterator[httpx.AsyncClient]:
        """A client of its own: own cookies, own connections. Every answer that it gets must be in
        the API document."""
        async with ConformingClient(
            base_url=f"{self.url}/api/",
            trust_env=False,
            timeout=CLIENT_SECONDS,
            verify=False,  # reading the system's certificates takes longer than most requests
            **options,
        ) as client:
            yield client

    async def add_user(self, email: str, *, is_staff: bool = False) -> User:
        return await self.container.accounts.create(email, PASSWORD, is_staff=is_staff)

    @asynccontextmanager
    async def signed_in(
        self, email: str = "member@example.com", *, is_staff: bool = False
    ) -> AsyncIterator[httpx.AsyncClient]:
        """A client with the cookies of a new account's login."""
        await self.add_user(email, is_staff=is_staff)
        async with self.client() as client:
            await login(client, email)
            yield client

    def mails(self) -> list[EmailMessage]:
        """What is in the outbox, oldest first."""
        files = sorted((self.container.settings.storage.root / "outbox").glob("*.eml"))
        return [message_from_bytes(file.read_bytes(), policy=policy.default) for file in files]

    async def mail_number(self, number: int) -> EmailMessage:
        """The mail, counted from 1, once it has been sent."""

        async def arrived() -> list[EmailMessage]:
            return self.mails()[number - 1 :]

        found = await until(arrived)
        return found[0]


async def login(client: httpx.AsyncClient, email: str, password: str = PASSWORD) -> httpx.Response:
    response = await client.post("login/", json={"email": email, "password": password})
    assert response.status_code == 200, response.text
    return response


def text_of(mail: EmailMessage, kind: str = "plain") -> str:
    part = mail.get_body((kind,))
    assert part is not None
    content = part.get_content()
    assert isinstance(content, str)
    return content


def link_of(mail: EmailMessage) -> tuple[str, str]:
    """uid and token of the link in a mail's text part."""
    found = re.search(r"\?uid=([A-Za-z0-9_-]+)&token=([A-Za-z0-9_-]+)", text_of(mail))
    assert found
    return found[1], found[2]


def set_cookies(response: httpx.Response) -> dict[str, dict[str, str]]:
    """Cookies that the answer sets: name → {"value": ..., attribute in lower case: value}."""
    cookies = {}
    for header in response.headers.get_list("set-cookie"):
        first, *attributes = [part.strip() for part in header.split(";")]
        name, _, value = first.partition("=")
        found = {"value": value}
        for attribute in attributes:
            key, _, text = attribute.partition("=")
            found[key.lower()] = text
        cookies[name] = found
    return cookies


def stored_bytes(server: Server) -> int:
    """What uploads hold on the disk at this moment."""
    root = server.container.settings.storage.root
    folders = (root / "uploads", root / "sources")
    sizes = []
    for path in (path for folder in folders for path in folder.rglob("*")):
        with suppress(FileNotFoundError):  # it may go away while we look
            sizes.append(path.stat().st_size if path.is_file() else 0)
    return sum(sizes)
