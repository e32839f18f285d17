"""Real SMTP servers for tests: aiosmtpd on a free port, with TLS and AUTH where asked."""

import asyncio
import socket
import ssl
import subprocess
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from email import message_from_bytes, policy
from email.message import EmailMessage
from enum import StrEnum
from pathlib import Path
from typing import Any

from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, AuthResult, Envelope, LoginPassword, Session

from tests.ports import free_port
from tests.programs import program

USER = "post@fach"
PASSWORD = "p/w:d@%"


class Trouble(StrEnum):
    """What can be wrong with a mail server."""

    REFUSED = "nothing listens"
    SILENT = "connects, says nothing"
    HANGING = "hangs after the mail"
    DROPPED = "drops the line in a mail"
    BUSY = "answers 4xx"
    REJECTS = "answers 5xx"
    UNKNOWN_USER = "5xx to the recipient"
    LOST_ANSWER = "takes it, drops the line"


@dataclass
class Inbox:
    """An aiosmtpd handler that keeps what arrives, unless it has some trouble."""

    trouble: Trouble | None = None
    mails: list[EmailMessage] = field(default_factory=list)
    was_encrypted: list[bool] = field(default_factory=list)
    hanging: int = 0  # mails that were handed over and never answered, since the last change

    async def handle_RCPT(  # noqa: N802 -- aiosmtpd's name
        self, _server: SMTP, _session: Session, envelope: Envelope, address: str, _options: Any
    ) -> str:
        if self.trouble is Trouble.UNKNOWN_USER:
            return "550 5.1.1 no such user"
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(  # noqa: N802 -- aiosmtpd's name
        self, server: SMTP, session: Session, envelope: Envelope
    ) -> str:
        match self.trouble:
            case Trouble.BUSY:
                return "451 4.3.0 later"
            case Trouble.REJECTS:
                return "554 5.7.1 not today"
            case Trouble.HANGING:
                self.hanging += 1
                await asyncio.Event().wait()
            case Trouble.DROPPED:
                self._drop(server)
                return ""
        assert isinstance(envelope.content, bytes)
        self.mails.append(message_from_bytes(envelope.content, policy=policy.default))
        self.was_encrypted.append(session.ssl is not None)
        if self.trouble is Trouble.LOST_ANSWER:
            self._drop(server)
        return "250 OK"

    @staticmethod
    def _drop(server: SMTP) -> None:
        assert isinstance(server.transport, asyncio.WriteTransport)
        server.transport.abort()


def authenticate(
    _server: SMTP, _session: Session, _envelope: Envelope, _mechanism: str, data: Any
) -> AuthResult:
    good = LoginPassword(USER.encode(), PASSWORD.encode())
    return AuthResult(success=data == good, handled=False)


def make_certificate(folder: Path) -> tuple[Path, Path]:
    """A certificate for 127.0.0.1, signed by itself, and its key."""
    certificate, key = folder / "cert.pem", folder / "key.pem"
    command = [program("openssl"), "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-batch"]
    names = ["-subj", "/CN=127.0.0.1", "-addext", "subjectAltName=IP:127.0.0.1", "-days", "2"]
    files = ["-keyout", str(key), "-out", str(certificate)]
    subprocess.run([*command, *names, *files], check=True, capture_output=True)
    return certificate, key


def server_context(certificate: Path, key: Path) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)
    return context


@contextmanager
def mail_server(inbox: Inbox, port: int = 0, **options: Any) -> Iterator[int]:
    """Run a server; its port. ``options`` are those of aiosmtpd's Controller and SMTP."""
    controller = Controller(inbox, hostname="127.0.0.1", port=port or free_port(), **options)
    controller.start()
    try:
        yield controller.port
    finally:
        controller.stop()


class MailHost:
    """A mail server on one port through good and bad times. Made by ``mail_host``."""

    def __init__(self) -> None:
        self.port = free_port()
        self.inbox = Inbox()
        self._running = ExitStack()

    @property
    def url(self) -> str:
        return f"smtp://127.0.0.1:{self.port}"

    def become(self, trouble: Trouble | None) -> None:
        """Have this trouble from now on, or none. Connections that are open are dropped."""
        self.stop()
        self.inbox.trouble, self.inbox.hanging = trouble, 0
        if trouble is Trouble.SILENT:
            # Nobody accepts: the kernel does, and nothing is ever said.
            self._running.enter_context(socket.create_server(("127.0.0.1", self.port)))
        elif trouble is not Trouble.REFUSED:
            self._running.enter_context(mail_server(self.inbox, port=self.port))

    def stop(self) -> None:
        self._running.close()

    def mails_to(self, address: str) -> list[EmailMessage]:
        return [mail for mail in self.inbox.mails if mail["To"] == address]


@contextmanager
def mail_host(trouble: Trouble | None = None) -> Iterator[MailHost]:
    host = MailHost()
    host.become(trouble)
    try:
        yield host
    finally:
        host.stop()
