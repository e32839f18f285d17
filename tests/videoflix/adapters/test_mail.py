"""Both mailers hand over the same mail; the SMTP one tells the truth about what was taken."""

import asyncio
import ssl
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import replace
from email import message_from_bytes, policy
from email.message import EmailMessage
from pathlib import Path
from urllib.parse import quote

import pytest
from structlog.testing import capture_logs

from tests.listener import listening
from tests.videoflix.adapters.mail_server import (
    PASSWORD,
    USER,
    Inbox,
    Trouble,
    authenticate,
    mail_host,
    mail_server,
    make_certificate,
    server_context,
)
from videoflix.adapters.mail import OutboxMailer, SmtpMailer, build_message, make_mailer
from videoflix.errors import ConfigurationError, MailUnavailable
from videoflix.ports import Mail, Mailer
from videoflix.settings import Settings
from videoflix.settings_loader import load_settings

SENDER = "Videoflix Ünit <no-reply@videoflix.example>"
LINK = "http://127.0.0.1:5500/pages/auth/activate.html?uid=MQ&token=" + "a" * 64
MAIL = Mail(
    to="user@example.com",
    subject="Activate your account: ünï 🎬",
    text=f"Open this:\n\n{LINK}\n",
    html=f'<p>Ünï</p><a href="{LINK}">Activate</a>\n',
)

# This machine in a spelling that the mailer does not know for it: a server elsewhere.
ELSEWHERE = "127.1"
CONTROLS = ("\r\n", "\n", "\r", "\0", "\t", "\v", "\f", "\x1b", "\x7f", "\x85", "\u2028", "\u2029")


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


async def test_the_same_mail_keeps_its_name(
    mailer: tuple[Mailer, Callable[[], list[EmailMessage]]],
) -> None:
    """Sent twice under one key, it has one Message-ID, so that a mail reader can tell."""
    sending, mails = mailer
    for key in ("f" * 32, "f" * 32, "0" * 32):
        await sending.send(replace(MAIL, key=key))
    first, again, other = (mail["Message-ID"] for mail in mails())
    assert first == again == f"<{'f' * 32}@videoflix.example>"
    assert other != first


@pytest.mark.parametrize("ending", CONTROLS)
@pytest.mark.parametrize("field", ["to", "subject", "key"])
async def test_r14_no_header_can_be_added(
    mailer: tuple[Mailer, Callable[[], list[EmailMessage]]], field: str, ending: str
) -> None:
    """R14."""
    sending, mails = mailer
    value = f"{getattr(MAIL, field)}{ending}Bcc: other@example.com"
    with pytest.raises(ValueError, match="control characters"):
        await sending.send(replace(MAIL, **{field: value}))
    assert mails() == []


@pytest.mark.parametrize("ending", CONTROLS)
def test_r14_no_header_can_be_added_by_the_settings(ending: str) -> None:
    """R14."""
    with pytest.raises(ValueError, match="control characters"):
        build_message(MAIL, f"Videoflix{ending}Bcc: <other@example.com>")


@pytest.mark.parametrize(
    "to",
    [
        "user@example.com, other@example.com",
        "user@example.com other@example.com",
        "<other@example.com>",
        "Other <other@example.com>",
        "us\u00e9r@example.com",
        "",
    ],
)
async def test_r14_a_mail_goes_to_one_plain_address(
    mailer: tuple[Mailer, Callable[[], list[EmailMessage]]], to: str
) -> None:
    """R14: whatever an address says, it is one, and nothing has to be guessed about its bytes."""
    sending, mails = mailer
    with pytest.raises(ValueError, match="one plain address"):
        await sending.send(replace(MAIL, to=to))
    assert mails() == []


async def test_quoted_local_parts_stay_what_they_are(
    mailer: tuple[Mailer, Callable[[], list[EmailMessage]]],
) -> None:
    sending, mails = mailer
    for to in ("o'brien+tag@example.com", "user@xn--mnchen-3ya.example", "a!#$%&*/=?^_`{|}~@b.org"):
        await sending.send(replace(MAIL, to=to))
        assert mails()[-1]["To"] == to
        assert mails()[-1]["To"].addresses[0].addr_spec == to


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


@pytest.mark.parametrize("mechanism", ["PLAIN", "LOGIN"])
async def test_ways_to_log_in(certificate: tuple[Path, Path], mechanism: str) -> None:
    inbox = Inbox()
    other = "LOGIN" if mechanism == "PLAIN" else "PLAIN"
    with mail_server(
        inbox,
        tls_context=server_context(*certificate),
        authenticator=authenticate,
        auth_required=True,
        auth_exclude_mechanism=[other],
    ) as port:
        user, password = quote(USER, safe=""), quote(PASSWORD, safe="")
        await SmtpMailer(f"smtp://{user}:{password}@127.0.0.1:{port}", SENDER, 10).send(MAIL)
        for wrong in (f"{user}:x", f"x:{password}", f"{user}"):
            with capture_logs() as logs, pytest.raises(MailUnavailable):
                await SmtpMailer(f"smtp://{wrong}@127.0.0.1:{port}", SENDER, 10).send(MAIL)
            assert "SMTPAuthenticationError: 535 " in logs[0]["why"]
            assert PASSWORD not in str(logs)
    assert len(inbox.mails) == 1


async def test_only_who_is_on_this_machine_is_trusted_without_a_certificate(
    certificate: tuple[Path, Path],
) -> None:
    """A server elsewhere has to offer STARTTLS and to prove its name, or gets neither mail nor
    password."""
    inbox = Inbox()
    with mail_server(inbox) as port, pytest.raises(MailUnavailable):
        await SmtpMailer(f"smtp://{ELSEWHERE}:{port}", SENDER, 10).send(MAIL)
    with mail_server(inbox, tls_context=server_context(*certificate)) as port:
        with pytest.raises(MailUnavailable):
            await SmtpMailer(f"smtp://{ELSEWHERE}:{port}", SENDER, 10).send(MAIL)
        trust = ssl.create_default_context(cafile=certificate[0])
        with pytest.raises(MailUnavailable):  # trusted, but made for another name
            await SmtpMailer(f"smtp://{ELSEWHERE}:{port}", SENDER, 10, trust).send(MAIL)
    assert inbox.mails == []


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


@pytest.mark.parametrize("trouble", Trouble)
async def test_a_server_in_trouble(trouble: Trouble) -> None:
    """One error, in time; and the mail got there or not, but never in pieces."""
    seconds = 0.5 if trouble in (Trouble.SILENT, Trouble.HANGING) else 10
    with mail_host(trouble) as host:
        async with asyncio.timeout(30):  # without the mailer's own limit it would last
            with pytest.raises(MailUnavailable, match="Email service is currently unavailable"):
                await SmtpMailer(host.url, SENDER, seconds).send(MAIL)
        assert len(host.inbox.mails) == (trouble is Trouble.LOST_ANSWER)
        host.become(None)
        await SmtpMailer(host.url, SENDER, 10).send(MAIL)
    assert host.inbox.mails[-1]["To"] == MAIL.to


@asynccontextmanager
async def peer(greeting: bytes | None) -> AsyncIterator[int]:
    """Something that listens: silent with ``greeting`` None, else it greets and hangs up."""

    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if greeting is None:
            await reader.read()
        else:
            writer.write(greeting)

    async with listening(talk) as port:
        yield port


async def test_servers_that_are_none() -> None:
    greetings = (None, b"", b"220 hi\r\n", b"421 closing\r\n", b"554 no\r\n", b"SSH-2.0-x\r\n")
    async with AsyncExitStack() as stack:
        for greeting in greetings:
            port = await stack.enter_async_context(peer(greeting))
            async with asyncio.timeout(30):  # without the mailer's own limit it would last
                with pytest.raises(MailUnavailable):
                    await SmtpMailer(f"smtp://127.0.0.1:{port}", SENDER, 0.5).send(MAIL)


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
    with pytest.raises(ConfigurationError, match=r"VIDEOFLIX_MAIL__URL"):
        with_url(settings, "smtp://mail.example:port")
