"""Handing mails over: to an SMTP server (RFC 5321), or to files in a folder."""

import asyncio
import ipaddress
import os
import re
import secrets
import ssl
from datetime import UTC, datetime
from email.headerregistry import Address
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import format_datetime, make_msgid, parseaddr
from pathlib import Path
from urllib.parse import unquote, urlsplit

import aiosmtplib
import structlog

from videoflix.errors import ConfigurationError, MailUnavailable
from videoflix.ports import Mail, Mailer
from videoflix.private_files import private_folder
from videoflix.settings import OUTBOX, Settings

UNAVAILABLE = "Email service is currently unavailable."
_LINE_MAX = 998  # RFC 5322 §2.1.1
# C0 and C1 controls, and what Unicode calls line and paragraph separators.
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029]")

_log = structlog.get_logger(__name__)

# Dot-atoms (RFC 5322 §3.2.3) at a host name.
_PLAIN_ADDRESS = re.compile(r"[A-Za-z0-9.!#$%&'*+/=?^_`{|}~-]+@[A-Za-z0-9.-]+")


def _encoding(text: str) -> str:
    """Plain where a mail allows it, so that links stay whole for whoever reads the raw mail."""
    is_plain = text.isascii() and all(len(line) <= _LINE_MAX for line in text.splitlines())
    return "7bit" if is_plain else "quoted-printable"


def build_message(mail: Mail, sender: str) -> EmailMessage:
    """The mail with a text and an HTML part.

    Raises ValueError for control characters in what becomes a header, as line ends would add
    headers, and for a receiver that is not one address in plain ASCII.
    """
    for value in (mail.to, mail.subject, mail.key, sender):
        if _CONTROL.search(value):
            raise ValueError("control characters cannot be part of a mail's header")
    if not _PLAIN_ADDRESS.fullmatch(mail.to):
        raise ValueError("a mail goes to one plain address")
    name, address = parseaddr(sender)
    domain = address.rpartition("@")[2] or "localhost"
    message = EmailMessage(policy=SMTP)
    message["From"] = Address(display_name=name, addr_spec=address)
    message["To"] = Address(addr_spec=mail.to)
    message["Subject"] = mail.subject
    message["Date"] = format_datetime(datetime.now(UTC))
    message["Message-ID"] = f"<{mail.key}@{domain}>" if mail.key else make_msgid(domain=domain)
    message["Auto-Submitted"] = "auto-generated"  # RFC 3834 §5
    message.set_content(mail.text, cte=_encoding(mail.text))
    message.add_alternative(mail.html, subtype="html", cte=_encoding(mail.html))
    return message


class OutboxMailer:
    """Writes each mail as an ``.eml`` file, oldest first by name. For development and tests."""

    def __init__(self, folder: Path, sender: str) -> None:
        self._folder = folder
        self._sender = sender

    async def send(self, mail: Mail) -> None:
        """Raises MailUnavailable when the folder cannot be written."""
        try:
            await asyncio.to_thread(self._write, build_message(mail, self._sender).as_bytes())
        except OSError as error:
            raise MailUnavailable(UNAVAILABLE) from error

    def _write(self, content: bytes) -> None:
        folder = private_folder(self._folder)
        stamp = datetime.now(UTC).strftime("%Y%m%dT%H%M%S.%f")
        name = f"{stamp}-{secrets.token_hex(4)}.eml"
        temporary = folder / f".{name}.part"
        descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        try:
            with os.fdopen(descriptor, "wb") as file:
                file.write(content)
                file.flush()
                os.fsync(file.fileno())
            temporary.rename(folder / name)
        except OSError:
            temporary.unlink(missing_ok=True)
            raise


def _why(error: Exception) -> str:
    """What an operator has to know; servers like to repeat the receiver, who is left out."""
    if isinstance(error, aiosmtplib.SMTPRecipientsRefused) and error.recipients:
        error = error.recipients[0]
    if isinstance(error, aiosmtplib.SMTPResponseException):
        return f"{type(error).__name__}: {error.code} {_PLAIN_ADDRESS.sub('...', error.message)}"
    text = _PLAIN_ADDRESS.sub("...", str(error))
    return f"{type(error).__name__}: {text}" if text else type(error).__name__


def _is_loopback(host: str) -> bool:
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


class SmtpMailer:
    """Sends by SMTP, one connection a mail.

    ``smtps://`` is TLS from the first byte (port 465). ``smtp://`` (port 587, or 25 on the
    loopback interface) goes on with STARTTLS, which it insists on unless the server is on the
    loopback interface: neither mails nor the password cross a network in clear text.
    """

    def __init__(
        self, url: str, sender: str, seconds: float, tls: ssl.SSLContext | None = None
    ) -> None:
        """``seconds`` limits the whole of one sending. ``tls`` replaces the system's trust."""
        try:
            parts = urlsplit(url)
            host, port = parts.hostname or "", parts.port
        except ValueError as error:
            raise ConfigurationError("mail.url: not a valid URL") from error
        self._sender = sender
        self._seconds = seconds
        self._host = host
        self._is_implicit = parts.scheme == "smtps"
        self._is_local = _is_loopback(host)
        self._tls = tls or self._trust()
        plain_port = 25 if self._is_local else 587
        self._port = port or (465 if self._is_implicit else plain_port)
        self._user = unquote(parts.username) if parts.username else None
        self._password = unquote(parts.password) if parts.password else None

    def _trust(self) -> ssl.SSLContext:
        context = ssl.create_default_context()
        if self._is_local and not self._is_implicit:
            # A mail server on this machine is reached in clear text too; the certificate that
            # it made for itself is no reason to fail.
            context.check_hostname = False
            context.verify_mode = ssl.CERT_NONE
        return context

    async def send(self, mail: Mail) -> None:
        """Raises MailUnavailable when the server has not taken the mail in time."""
        message = build_message(mail, self._sender)
        try:
            async with asyncio.timeout(self._seconds):
                await self._send(message)
        except (TimeoutError, OSError, aiosmtplib.SMTPException) as error:
            _log.warning("mail not sent", server=f"{self._host}:{self._port}", why=_why(error))
            raise MailUnavailable(UNAVAILABLE) from error

    async def _send(self, message: EmailMessage) -> None:
        client = aiosmtplib.SMTP(
            hostname=self._host,
            port=self._port,
            timeout=self._seconds,
            use_tls=self._is_implicit,
            start_tls=False,
            tls_context=self._tls,
        )
        try:
            await client.connect()
            if not self._is_implicit:
                await self._secure(client)
            if self._user is not None:
                await client.login(self._user, self._password or "")
            await client.send_message(message)
        finally:
            # What counts is that the server took the mail, not its goodbye.
            client.close()

    async def _secure(self, client: aiosmtplib.SMTP) -> None:
        await client.ehlo()
        if client.supports_extension("starttls"):
            await client.starttls(tls_context=self._tls)
        elif not self._is_local:
            raise aiosmtplib.SMTPException("the server offers no STARTTLS")


def make_mailer(settings: Settings) -> Mailer:
    """The mailer that ``mail.url`` names. Raises ConfigurationError."""
    url = settings.mail.url.get_secret_value()
    if url == OUTBOX:
        return OutboxMailer(settings.storage.root / "outbox", settings.mail.sender)
    return SmtpMailer(url, settings.mail.sender, settings.mail.timeout)
