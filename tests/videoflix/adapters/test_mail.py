"""Both mailers hand over the same mail; the SMTP one tells the truth about what was taken."""

import asyncio
import ssl
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from email import message_from_bytes, policy
from email.message import EmailMessage
from pathlib import Path
from urllib.parse import quote

import pytest

from tests.videoflix.adapters.mail_server import (
    PASSWORD,
    USER,
    Inbox,
    authenticate,
    mail_server,
    make_certificate,
    server_context,
)
from videoflix.adapters.mail import OutboxMailer, SmtpMailer, make_mailer
from videoflix.errors import ConfigurationError, MailUnavailable
from videoflix.ports import Mail, Mailer
from videoflix.settings import Settings, load_settings

SENDER = "Videoflix Ünit <no-reply@videoflix.example>"
LINK = "http://127.0.0.1:5500/pages/auth/activate.html?uid=MQ&token=" + "a" * 64
MAIL = Mail(
    to="user@example.com",
    subject="Activate your account: ünï 🎬",
    text=f"Open this:\n\n{LINK}\n",
    html=f'<p>Ünï</p><a href="{LINK}">Activate</a>\n',
)


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    return make_certificate(tmp_path_factory.mktemp("certificate"))


def outbox_mails(folder: Path) -> list[EmailMessage]:
    files = sorted(folder.glob("*.eml"))
    return [message_from_bytes(file.read_bytes(), policy=policy.default) for file in files]


@pytest.fixture(params=["outbox", "smtp"])
async def mailer(
    request: pytest.FixtureRequest, tmp_path: Path
) -> AsyncIterator[tuple[Mailer, Callable[[], list[EmailMessage]]]]:
    """Each mailer, and how to see what it handed over."""
    if request.param == "outbox":
        yield OutboxMailer(tmp_path, SENDER), lambda: outbox_mails(tmp_path)
        return
    inbox = Inbox()
    with mail_server(inbox) as port:
        yield SmtpMailer(f"smtp://127.0.0.1:{port}", SENDER, 10), lambda: inbox.mails


async def test_contract(mailer: tuple[Mailer, Callable[[], list[EmailMessage]]]) -> None:
    sending, mails = mailer
    await sending.send(MAIL)
    await sending.send(MAIL)
    assert len(mails()) == 2
    mail = mails()[0]
    assert mail["To"] == MAIL.to
    assert mail["Subject"] == MAIL.subject
    assert mail["From"] == SENDER
    assert mail["Date"].datetime.tzinfo is not None
    assert mail["Message-ID"] != mails()[1]["Message-ID"]
    text, html = mail.get_body(("plain",)), mail.get_body(("html",))
    assert text is not None
    assert html is not None
    assert text.get_content().replace("\r\n", "\n") == MAIL.text
    assert html.get_content().replace("\r\n", "\n") == MAIL.html


@pytest.mark.parametrize("field", ["to", "subject"])
async def test_no_header_can_be_added(
    mailer: tuple[Mailer, Callable[[], list[EmailMessage]]], field: str
) -> None:
    """R14."""
    sending, mails = mailer
    values = {"to": MAIL.to, "subject": MAIL.subject, "text": "t", "html": "h"}
    values[field] += "\r\nBcc: other@example.com"
    with pytest.raises(ValueError, match=r"(?i)header|address|addr|linefeed|CR"):
        await sending.send(Mail(**values))
    assert mails() == []


async def test_outbox_keeps_links_whole_and_to_itself(tmp_path: Path) -> None:
    folder = tmp_path / "outbox"
    await OutboxMailer(folder, SENDER).send(MAIL)
    [file] = folder.iterdir()
    assert LINK in file.read_text()
    assert file.suffix == ".eml"
    assert file.stat().st_mode & 0o777 == 0o600
    assert folder.stat().st_mode & 0o777 == 0o700


async def test_outbox_that_cannot_be_written(tmp_path: Path) -> None:
    (tmp_path / "outbox").write_text("a file")
    with pytest.raises(MailUnavailable, match="Email service is currently unavailable"):
        await OutboxMailer(tmp_path / "outbox", SENDER).send(MAIL)


async def test_starttls_and_login(certificate: tuple[Path, Path]) -> None:
    """User and password are percent-encoded in the URL; both go through TLS alone."""
    inbox = Inbox()
    tls = server_context(*certificate)
    with mail_server(
        inbox,
        tls_context=tls,
        require_starttls=True,
        authenticator=authenticate,
        auth_required=True,
    ) as port:
        user, password = quote(USER, safe=""), quote(PASSWORD, safe="")
        trust = ssl.create_default_context(cafile=certificate[0])
        url = f"smtp://{user}:{password}@127.0.0.1:{port}"
        await SmtpMailer(url, SENDER, 10, trust).send(MAIL)
        with pytest.raises(MailUnavailable):
            await SmtpMailer(f"smtp://{user}:x@127.0.0.1:{port}", SENDER, 10, trust).send(MAIL)
        with pytest.raises(MailUnavailable):
            await SmtpMailer(f"smtp://127.0.0.1:{port}", SENDER, 10, trust).send(MAIL)
    assert inbox.was_encrypted == [True]


async def test_implicit_tls(certificate: tuple[Path, Path]) -> None:
    inbox = Inbox()
    with mail_server(inbox, ssl_context=server_context(*certificate)) as port:
        trust = ssl.create_default_context(cafile=certificate[0])
        await SmtpMailer(f"smtps://127.0.0.1:{port}", SENDER, 10, trust).send(MAIL)
        with pytest.raises(MailUnavailable):  # a certificate that nobody vouches for
            await SmtpMailer(f"smtps://127.0.0.1:{port}", SENDER, 10).send(MAIL)
    assert len(inbox.mails) == 1


async def test_a_local_server_may_have_made_its_own_certificate(
    certificate: tuple[Path, Path],
) -> None:
    inbox = Inbox()
    with mail_server(inbox, tls_context=server_context(*certificate)) as port:
        await SmtpMailer(f"smtp://127.0.0.1:{port}", SENDER, 10).send(MAIL)
    assert inbox.was_encrypted == [True]


async def test_a_server_that_refuses() -> None:
    with (
        mail_server(Inbox(refuses=True)) as port,
        pytest.raises(MailUnavailable, match="Email service is currently unavailable"),
    ):
        await SmtpMailer(f"smtp://127.0.0.1:{port}", SENDER, 10).send(MAIL)


@asynccontextmanager
async def peer(greeting: bytes | None) -> AsyncIterator[int]:
    """Something that listens: silent with ``greeting`` None, else it greets and hangs up."""

    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if greeting is None:
            await reader.read()
        else:
            writer.write(greeting)
        writer.close()

    server = await asyncio.start_server(talk, "127.0.0.1", 0)
    async with server:
        yield server.sockets[0].getsockname()[1]


async def test_servers_that_hang_or_hang_up() -> None:
    async with peer(None) as silent, peer(b"") as closing, peer(b"220 hi\r\n") as dropping:
        for port in (silent, closing, dropping):
            async with asyncio.timeout(30):  # without the mailer's own limit it would last
                with pytest.raises(MailUnavailable):
                    await SmtpMailer(f"smtp://127.0.0.1:{port}", SENDER, 0.5).send(MAIL)


async def test_nothing_listens(unused_tcp_port: int) -> None:
    with pytest.raises(MailUnavailable):
        await SmtpMailer(f"smtp://127.0.0.1:{unused_tcp_port}", SENDER, 5).send(MAIL)


def with_url(settings: Settings, url: str) -> Settings:
    return load_settings(
        environment={
            "VIDEOFLIX_MAIL__URL": url,
            "VIDEOFLIX_STORAGE__ROOT": str(settings.storage.root),
        }
    )


def test_the_settings_choose(tmp_path: Path) -> None:
    settings = load_settings(environment={"VIDEOFLIX_STORAGE__ROOT": str(tmp_path)})
    assert isinstance(make_mailer(settings), OutboxMailer)
    assert isinstance(make_mailer(with_url(settings, "smtp://mail.example")), SmtpMailer)
    with pytest.raises(ConfigurationError, match=r"mail\.url"):
        make_mailer(with_url(settings, "smtp://mail.example:port"))
