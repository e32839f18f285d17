"""The store of reset mails that wait, on a real database."""

import asyncio
from collections.abc import AsyncIterator

import pytest

from tests.videoflix.waiting import until
from videoflix.adapters.mongo.database import Database, open_database
from videoflix.adapters.mongo.migrations import MIGRATIONS, migrate
from videoflix.adapters.mongo.reset_mails import RESET_MAILS, MongoResetMailStore
from videoflix.models import ResetMail
from videoflix.settings import Settings

ADDRESS = "user@example.com"


@pytest.fixture
async def database(settings: Settings) -> AsyncIterator[Database]:
    async with open_database(settings.mongo) as opened:
        await migrate(opened, MIGRATIONS)
        yield opened


@pytest.fixture
async def mails(database: Database) -> MongoResetMailStore:
    return MongoResetMailStore(database)


async def claimed(mails: MongoResetMailStore, seconds: float = 60) -> ResetMail:
    mail = await mails.claim(seconds)
    assert mail is not None
    return mail


async def count(database: Database) -> int:
    async with database.operation():
        found: int = await database.collection(RESET_MAILS).count_documents({})
    return found


async def test_one_waits_for_an_address_however_often_it_is_asked_for(
    mails: MongoResetMailStore, database: Database
) -> None:
    await asyncio.gather(*(mails.ask(ADDRESS) for _ in range(30)))
    await mails.ask("other@example.com")
    assert await count(database) == 2
    got = {(await claimed(mails)).address, (await claimed(mails)).address}
    assert got == {ADDRESS, "other@example.com"}
    assert await mails.claim(60) is None


async def test_one_holder_at_a_time(mails: MongoResetMailStore) -> None:
    await mails.ask(ADDRESS)
    claims = await asyncio.gather(*(mails.claim(60) for _ in range(12)))
    assert len([mail for mail in claims if mail is not None]) == 1


async def test_a_lease_that_ran_out_is_another_ones_and_the_mail_the_same(
    mails: MongoResetMailStore, database: Database
) -> None:
    await mails.ask(ADDRESS)
    late = await claimed(mails, 0.1)
    now = await until(lambda: mails.claim(60))
    assert (now.key, now.attempt) == (late.key, 2)
    # Who comes late changes nothing any more.
    await mails.done(late)
    await mails.postpone(late, 0)
    assert await count(database) == 1
    assert await mails.claim(60) is None
    await mails.done(now)
    assert await count(database) == 0


async def test_a_mail_that_rests(mails: MongoResetMailStore) -> None:
    await mails.ask(ADDRESS)
    first = await claimed(mails)
    await mails.postpone(first, 0.2)
    again = await until(lambda: mails.claim(60))
    assert (again.key, again.attempt) == (first.key, 2)
    await mails.postpone(again, 1000)
    assert await mails.claim(60) is None


async def test_asking_again_ends_the_rest_but_not_the_lease(mails: MongoResetMailStore) -> None:
    await mails.ask(ADDRESS)
    first = await claimed(mails)
    await mails.ask(ADDRESS)
    assert await mails.claim(60) is None  # it is being sent right now
    await mails.postpone(first, 1000)
    await mails.ask(ADDRESS)
    again = await claimed(mails)
    assert (again.key, again.attempt) == (first.key, 1)
    assert again.age <= first.age + 60
    await mails.done(again)
    await mails.ask(ADDRESS)
    assert (await claimed(mails)).key != first.key  # a mail of its own


async def test_asked_for_again_while_it_is_sent_another_one_follows(
    mails: MongoResetMailStore, database: Database
) -> None:
    await mails.ask(ADDRESS)
    first = await claimed(mails)

    async def is_later() -> bool:
        return await database.now() > first.asked_at

    await until(is_later)
    await mails.ask(ADDRESS)
    await mails.done(first)
    second = await claimed(mails)
    assert (second.address, second.attempt) == (ADDRESS, 1)
    assert second.key != first.key
    await mails.done(first)
    await mails.done(second)
    assert await count(database) == 0


async def test_new_ones_go_before_those_that_failed(mails: MongoResetMailStore) -> None:
    await mails.ask("failed@example.com")
    await mails.postpone(await claimed(mails), 0)
    await mails.ask("new@example.com")
    assert (await claimed(mails)).address == "new@example.com"
    assert (await claimed(mails)).address == "failed@example.com"


async def test_what_nobody_deals_with_goes_by_itself(
    mails: MongoResetMailStore, database: Database
) -> None:
    await mails.ask(ADDRESS)
    async with database.operation():
        indexes = await database.collection(RESET_MAILS).index_information()
        document = await database.collection(RESET_MAILS).find_one({})
    assert indexes["asked_at_1"]["expireAfterSeconds"] == 24 * 3600
    assert document is not None
    assert abs((await database.now() - document["asked_at"]).total_seconds()) < 60
