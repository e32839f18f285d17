"""What clients see while the mail server is in trouble, and once it is back."""

import asyncio
from collections.abc import AsyncIterator, Iterator

import httpx
import pytest
from pydantic import SecretStr

from tests.handlers.conftest import running
from tests.handlers.site import PASSWORD, Server, link_of, login
from tests.videoflix.adapters.mail_server import MailHost, Trouble, mail_host
from tests.videoflix.waiting import until_true
from videoflix.container import open_container
from videoflix.settings import Settings

EMAIL = "user@example.com"
REGISTRATION = {"email": EMAIL, "password": PASSWORD, "confirmed_password": PASSWORD}
UNAVAILABLE = {"detail": "Email service is currently unavailable."}


@pytest.fixture
def host() -> Iterator[MailHost]:
    with mail_host() as started:
        yield started


@pytest.fixture
async def server(settings: Settings, host: MailHost) -> AsyncIterator[Server]:
    mail = settings.mail.model_copy(update={"url": SecretStr(host.url), "timeout": 1.0})
    settings = settings.model_copy(update={"mail": mail})
    async with open_container(settings) as container, running(container) as started:
        yield started


@pytest.mark.parametrize("trouble", Trouble)
async def test_a_registration_without_its_mail_leaves_nothing(
    server: Server, client: httpx.AsyncClient, host: MailHost, trouble: Trouble
) -> None:
    host.become(trouble)
    async with asyncio.timeout(10):
        response = await client.post("register/", json=REGISTRATION)
    assert (response.status_code, response.json()) == (503, UNAVAILABLE)
    assert await server.container.users.find_by_email(EMAIL) is None
    host.become(None)
    response = await client.post("register/", json=REGISTRATION)
    assert response.status_code == 201
    uid, token = link_of(host.inbox.mails[-1])
    assert token == response.json()["token"]
    assert (await client.get(f"activate/{uid}/{token}/")).status_code == 200


async def test_a_reset_works_out_after_all(
    server: Server, client: httpx.AsyncClient, host: MailHost
) -> None:
    """R45: the same answer for everybody, and for the member a mail that still works later."""
    await server.add_user(EMAIL)
    host.become(Trouble.REFUSED)
    answers = {
        (response.status_code, response.content)
        for email in (EMAIL, "unknown@example.com", EMAIL)
        for response in [await client.post("password_reset/", json={"email": email})]
    }
    assert [status for status, _ in answers] == [200]
    host.become(None)
    await until_true(lambda: bool(host.inbox.mails))
    uid, token = link_of(host.inbox.mails[0])
    new = {"new_password": "another-Harbour-7", "confirm_password": "another-Harbour-7"}
    assert (await client.post(f"password_confirm/{uid}/{token}/", json=new)).status_code == 200
    await login(client, EMAIL, "another-Harbour-7")
    assert [mail["To"] for mail in host.inbox.mails] == [EMAIL]
