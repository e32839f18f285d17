"""Reset mails: nobody else's business, never lost, never two."""

import asyncio
from collections.abc import AsyncIterator, Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from pydantic import SecretStr
from structlog.testing import capture_logs

from tests.handlers.site import link_of
from tests.videoflix.adapters.mail_server import MailHost, Trouble, mail_host
from tests.videoflix.waiting import until, until_true
from videoflix.accounts.addresses import parse_address
from videoflix.accounts.links import hash_token
from videoflix.accounts.reset_mails import GIVE_UP_SECONDS, ResetMails, growing_pause
from videoflix.adapters.mail import make_mailer
from videoflix.adapters.mongo.database import Database, open_database
from videoflix.adapters.mongo.migrations import MIGRATIONS, migrate
from videoflix.adapters.mongo.reset_mails import RESET_MAILS, MongoResetMailStore
from videoflix.adapters.mongo.users import LINKS_KEPT, MongoUserStore
from videoflix.models import LinkPurpose, User
from videoflix.settings import Settings

EMAIL = "Some.User@example.com"
FAULTS = [trouble for trouble in Trouble if trouble is not Trouble.LOST_ANSWER]


@dataclass(frozen=True)
class Desk:
    """Everything around reset mails, with a mail server that can be in trouble."""

    host: MailHost
    database: Database
    users: MongoUserStore
    make: Callable[..., ResetMails]

    async def add(self, email: str = EMAIL, *, is_active: bool = True) -> User:
        return await self.users.add(
            email, email.casefold(), "a hash", is_active=is_active, is_staff=False
        )

    async def waiting(self) -> list[dict[str, Any]]:
        async with self.database.operation():
            found: list[dict[str, Any]] = (
                await self.database.collection(RESET_MAILS).find({}).to_list()
            )
        return found

    async def works(self, user: User, number: int = 0) -> bool:
        """Whether the link in a mail leads to the account."""
        _, token = link_of(self.host.inbox.mails[number])
        return await self.has(user, token)

    async def has(self, user: User, token: str) -> bool:
        found = await self.users.find_by_link(
            user.id, LinkPurpose.RESET, hash_token(token), datetime.now(UTC)
        )
        return found is not None


@pytest.fixture
def host() -> Iterator[MailHost]:
    with mail_host() as started:
        yield started


@pytest.fixture
async def desk(settings: Settings, host: MailHost) -> AsyncIterator[Desk]:
    mail = settings.mail.model_copy(update={"url": SecretStr(host.url), "timeout": 1.0})
    settings = settings.model_copy(update={"mail": mail})
    async with open_database(settings.mongo) as database:
        await migrate(database, MIGRATIONS)
        users, mails = MongoUserStore(database), MongoResetMailStore(database)

        def make(**options: Any) -> ResetMails:
            options = {"pause": lambda _: 0.0, **options}
            return ResetMails(mails, users, make_mailer(settings), settings, **options)

        yield Desk(host, database, users, make)


async def test_only_who_has_an_active_account_gets_a_mail(desk: Desk) -> None:
    user = await desk.add()
    await desk.add("inactive@example.com", is_active=False)
    reset_mails = desk.make()
    for email in ("unknown@example.com", "inactive@example.com", "some.USER@Example.com"):
        await reset_mails.ask(parse_address(email))
    assert len(await desk.waiting()) == 3  # whoever it is
    await reset_mails.deliver_due()
    assert [mail["To"] for mail in desk.host.inbox.mails] == [EMAIL]
    assert await desk.works(user)
    assert await desk.waiting() == []


async def test_r11_nothing_that_waits_opens_an_account(desk: Desk) -> None:
    """R11: what lies in the database while a mail waits is not what its link needs."""
    await desk.add()
    reset_mails = desk.make()
    await reset_mails.ask(parse_address(EMAIL))
    kept = str(await desk.waiting())
    await reset_mails.deliver_due()
    _, token = link_of(desk.host.inbox.mails[0])
    assert token not in kept
    assert hash_token(token) not in kept


@pytest.mark.parametrize("trouble", FAULTS)
async def test_a_mail_waits_until_the_server_is_back_and_goes_out_once(
    desk: Desk, trouble: Trouble
) -> None:
    """R45."""
    user = await desk.add()
    reset_mails = desk.make()
    desk.host.become(trouble)
    await reset_mails.ask(parse_address(EMAIL))
    for _ in range(2):
        await reset_mails.deliver_due()
    assert desk.host.inbox.mails == []
    assert len(await desk.waiting()) == 1
    desk.host.become(None)
    for _ in range(2):
        await reset_mails.deliver_due()
    assert len(desk.host.inbox.mails) == 1
    assert await desk.works(user)
    assert await desk.waiting() == []


async def test_a_second_sending_is_the_same_mail(desk: Desk) -> None:
    """The server took it and its answer got lost: nobody can know, so it is sent again."""
    user = await desk.add()
    reset_mails = desk.make()
    desk.host.become(Trouble.LOST_ANSWER)
    await reset_mails.ask(parse_address(EMAIL))
    await reset_mails.deliver_due()
    desk.host.become(None)
    await desk.make().deliver_due()  # by another process
    first, second = desk.host.inbox.mails
    assert first["Message-ID"] == second["Message-ID"]
    assert link_of(first) == link_of(second)
    assert await desk.works(user)


async def test_r11_a_used_link_does_not_come_back_with_a_second_sending(desk: Desk) -> None:
    """R11."""
    user = await desk.add()
    reset_mails = desk.make()
    desk.host.become(Trouble.LOST_ANSWER)
    await reset_mails.ask(parse_address(EMAIL))
    await reset_mails.deliver_due()
    _, token = link_of(desk.host.inbox.mails[0])
    now = datetime.now(UTC)
    assert await desk.users.reset_password(user.id, hash_token(token), now, "another hash")
    desk.host.become(None)
    await reset_mails.deliver_due()
    assert len(desk.host.inbox.mails) == 2
    assert not await desk.has(user, token)


async def test_many_attempts_leave_the_other_links_alone(desk: Desk) -> None:
    user = await desk.add()
    reset_mails = desk.make()
    await reset_mails.ask(parse_address(EMAIL))
    await reset_mails.deliver_due()
    desk.host.become(Trouble.BUSY)
    await reset_mails.ask(parse_address(EMAIL))
    for _ in range(LINKS_KEPT + 1):
        await reset_mails.deliver_due()
    assert await desk.works(user)


async def test_two_processes_send_one_mail(desk: Desk) -> None:
    addresses = [f"user{number}@example.com" for number in range(10)]
    for address in addresses:
        await desk.add(address)
    one, two, three = (desk.make() for _ in range(3))
    for address in addresses:
        await one.ask(parse_address(address))
    await asyncio.gather(*(reset_mails.deliver_due() for reset_mails in (one, two, three)))
    assert sorted(mail["To"] for mail in desk.host.inbox.mails) == addresses


async def test_one_that_cannot_be_sent_does_not_keep_the_others_back(desk: Desk) -> None:
    """A round ends with the first failure, the next begins with another mail."""
    reset_mails = desk.make(pause=lambda _: 1000.0)
    for address in ("a@example.com", "b@example.com", "c@example.com"):
        await desk.add(address)
        await reset_mails.ask(parse_address(address))
    desk.host.become(Trouble.UNKNOWN_USER)
    await reset_mails.deliver_due()
    assert sorted(entry["attempts"] for entry in await desk.waiting()) == [0, 0, 1]
    desk.host.become(None)
    await reset_mails.deliver_due()
    assert len(desk.host.inbox.mails) == 2


async def test_a_mail_nobody_could_send_is_given_up_with_a_word(desk: Desk) -> None:
    user = await desk.add()
    reset_mails = desk.make(give_up=0.0)
    await reset_mails.ask(parse_address(EMAIL))
    [before] = await desk.waiting()
    await until_true(lambda: datetime.now(UTC) > before["asked_at"] + timedelta(milliseconds=5))
    with capture_logs() as logs:
        await reset_mails.deliver_due()
    assert [(entry["event"], entry["user_id"]) for entry in logs] == [
        ("password reset mail given up", user.id)
    ]
    assert await desk.waiting() == []
    assert desk.host.inbox.mails == []


async def test_delivering_goes_on_through_what_goes_wrong(desk: Desk) -> None:
    """As servers and workers run it: asked for, tried, sent when the server is back."""
    await desk.add()
    reset_mails = desk.make()
    stop = asyncio.Event()
    desk.host.become(Trouble.REFUSED)
    async with reset_mails.delivering(stop):
        await reset_mails.ask(parse_address(EMAIL))

        async def tried() -> bool:
            return any(entry["attempts"] for entry in await desk.waiting())

        await until(tried)
        desk.host.become(None)
        await until_true(lambda: len(desk.host.inbox.mails) == 1)
        stop.set()
    assert await desk.waiting() == []


async def test_a_stop_does_not_wait_for_a_server_that_hangs(desk: Desk) -> None:
    await desk.add()
    reset_mails = desk.make()
    desk.host.become(Trouble.HANGING)
    stop = asyncio.Event()
    async with asyncio.timeout(30), reset_mails.delivering(stop):
        await reset_mails.ask(parse_address(EMAIL))

        async def tried() -> bool:
            return any(entry["attempts"] for entry in await desk.waiting())

        await until(tried)
        stop.set()
    assert len(await desk.waiting()) == 1  # for another process


async def test_an_error_in_the_block_ends_the_delivering(desk: Desk) -> None:
    names = {task.get_name() for task in asyncio.all_tasks()}
    with pytest.raises(KeyError):
        async with desk.make().delivering(asyncio.Event()):
            raise KeyError
    assert "reset-mails" not in {task.get_name() for task in asyncio.all_tasks()} - names


def test_pauses_grow_and_end() -> None:
    pauses = [growing_pause(attempt) for attempt in range(1, 200)]
    assert pauses == sorted(pauses)
    assert pauses[0] == 2
    assert pauses[20] == 60
    assert pauses[-1] == 600
    in_the_first_hour = [
        pause for number, pause in enumerate(pauses) if sum(pauses[:number]) < 3400
    ]
    assert max(in_the_first_hour) <= 60
    attempts = [number for number in range(len(pauses)) if sum(pauses[:number]) < GIVE_UP_SECONDS]
    assert len(attempts) < 100
