"""Password-reset mails: asked for in one small write, sent after the request was answered.

The write is the same whether or not there is such an account, so neither the answer nor its time
tells. Whose mail it is, if anybody's, is looked up when it is sent, and its link is made then: no
token lies in the database. A mail that the mail server does not take is tried again, by whichever
process claims it next, with growing pauses.

A mail server may take a mail while its answer is lost, or the process be killed before it has
written that down. The mail then goes out again as what it is, the same mail: its Message-ID is made
of the record's key, and its token of that key, the secret and the password's hash. The hash is in
it so that a link that was used cannot come back.
"""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import timedelta

import structlog

from videoflix.accounts.addresses import Address, parse_address
from videoflix.accounts.links import derived_token, hash_token, reset_url
from videoflix.accounts.mails import MailTemplates
from videoflix.accounts.tokens import utc_now
from videoflix.errors import MailUnavailable, VideoflixError
from videoflix.models import Link, LinkPurpose, ResetMail, User
from videoflix.ports import Mailer, ResetMailStore, UserStore
from videoflix.settings import Settings
from videoflix.waiting import wait_for_any

GIVE_UP_SECONDS = 6 * 3600.0
POLL_SECONDS = 5.0
# Between a request and the first look for its mail, so that the sending of one does not slow the
# next request: that would tell who has an account.
SETTLE_SECONDS = 0.5
# A lease is as long as a mail may take, and this for the database.
LEASE_MARGIN = 10.0
STOP_SECONDS = 1.0

_log = structlog.get_logger(__name__)


def growing_pause(attempt: int) -> float:
    """Seconds to wait after failed attempt number ``attempt``: 2, 3, 4.5, ... at most a minute;
    after about an hour, ten minutes."""
    return min(2 * 1.5 ** min(attempt - 1, 20), 60.0) if attempt <= 65 else 600.0


class ResetMails:
    """Asked for by requests, sent by ``delivering`` in any process."""

    def __init__(
        self,
        mails: ResetMailStore,
        users: UserStore,
        mailer: Mailer,
        settings: Settings,
        *,
        pause: Callable[[int], float] = growing_pause,
        give_up: float = GIVE_UP_SECONDS,
    ) -> None:
        """``pause`` says how long a mail rests after each failed attempt, ``give_up`` at
        which age, in seconds, it is not tried again."""
        self._mails = mails
        self._users = users
        self._mailer = mailer
        self._templates = MailTemplates()
        self._secret = settings.auth.secret_key.get_secret_value()
        self._frontend_url = settings.server.frontend_url
        self._link = timedelta(hours=settings.auth.link_hours)
        self._lease = settings.mail.timeout + LEASE_MARGIN
        self._pause = pause
        self._give_up = give_up
        self._asked = asyncio.Event()

    async def ask(self, address: Address) -> None:
        """Have a mail sent if there is an active account. Raises DatabaseUnavailable."""
        await self._mails.ask(address.folded)
        self._asked.set()

    async def deliver_due(self, stop: asyncio.Event | None = None) -> None:
        """Send what is due, one after the other, until nothing is, or ``stop`` is set, or one
        cannot be sent: what keeps it back may keep all of them back. Raises DatabaseUnavailable.
        """
        loop = asyncio.get_running_loop()
        while stop is None or not stop.is_set():
            # Beyond its lease another process may be sending it.
            deadline = loop.time() + self._lease - 1
            mail = await self._mails.claim(self._lease)
            if mail is None or not await self._deliver(mail, deadline):
                return

    @asynccontextmanager
    async def delivering(self, stop: asyncio.Event) -> AsyncIterator[None]:
        """Send mails while the block runs, until ``stop`` is set. A mail that is being sent then
        gets a second to get through; another process has it later."""
        sending = asyncio.create_task(self._deliver_until(stop), name="reset-mails")
        cut_off = asyncio.create_task(_cut_off(stop, sending))
        try:
            yield
        finally:
            if not stop.is_set():
                sending.cancel()
            await asyncio.wait({sending})
            cut_off.cancel()

    async def _deliver_until(self, stop: asyncio.Event) -> None:
        while not stop.is_set():
            self._asked.clear()
            try:
                await self.deliver_due(stop)
            except VideoflixError as error:
                _log.warning("reset mails wait", reason=str(error))
            except Exception:
                _log.exception("reset mails wait")
            await wait_for_any(stop, self._asked, seconds=POLL_SECONDS)
            await wait_for_any(stop, seconds=SETTLE_SECONDS)

    async def _deliver(self, mail: ResetMail, deadline: float) -> bool:
        """Deal with a claimed mail; False when it could not be sent."""
        user = await self._users.find_by_email(mail.address)
        if user is not None and user.is_active:
            log = _log.bind(user_id=user.id, attempt=mail.attempt)
            if mail.age > self._give_up:
                log.error("password reset mail given up", age=mail.age)
            else:
                try:
                    async with asyncio.timeout_at(deadline):
                        await self._send(user, mail)
                except (MailUnavailable, TimeoutError) as error:
                    pause = self._pause(mail.attempt)
                    log.warning("password reset mail not sent", reason=str(error), pause=pause)
                    await self._mails.postpone(mail, pause)
                    return False
                log.info("password reset mail sent")
        await self._mails.done(mail)
        return True

    async def _send(self, user: User, mail: ResetMail) -> None:
        token = derived_token(self._secret, mail.key, str(user.id), user.password_hash)
        link = Link(LinkPurpose.RESET, hash_token(token), utc_now() + self._link)
        if not await self._users.add_link(user, link):
            return  # the password was changed, or the account disabled, since it was looked up
        url = reset_url(self._frontend_url, user.id, token)
        hours = self._link / timedelta(hours=1)
        message = self._templates.password_reset(parse_address(user.email), url, hours)
        await self._mailer.send(replace(message, key=mail.key))


async def _cut_off(stop: asyncio.Event, sending: asyncio.Task[None]) -> None:
    await stop.wait()
    await asyncio.wait({sending}, timeout=STOP_SECONDS)
    sending.cancel()
