"""The stores of accounts and sessions, on a real database."""

import asyncio
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta

import pytest

from tests.videoflix.relay import relayed
from videoflix.adapters.mongo.database import Database, open_database
from videoflix.adapters.mongo.migrations import MIGRATIONS, migrate
from videoflix.adapters.mongo.sessions import MongoSessionStore
from videoflix.adapters.mongo.users import LINKS_KEPT, MongoUserStore
from videoflix.errors import ConfigurationError, Conflict, DatabaseUnavailable
from videoflix.models import Link, LinkPurpose, Session, User, Visitor
from videoflix.settings import MongoSettings, Settings

SOON = timedelta(hours=1)


@pytest.fixture
async def database(settings: Settings) -> AsyncIterator[Database]:
    async with open_database(settings.mongo) as opened:
        await migrate(opened, MIGRATIONS)
        yield opened


@pytest.fixture
async def users(database: Database) -> MongoUserStore:
    return MongoUserStore(database)


@pytest.fixture
async def sessions(database: Database) -> MongoSessionStore:
    return MongoSessionStore(database)


def now() -> datetime:
    return datetime.now(UTC)


def link(token_hash: str, purpose: LinkPurpose, lives: timedelta = SOON) -> Link:
    return Link(purpose, token_hash, now() + lives)


async def add(users: MongoUserStore, email: str = "a@b.org", link: Link | None = None) -> User:
    return await users.add(
        email, email.casefold(), "hash", is_active=link is None, is_staff=False, link=link
    )


async def test_twenty_registrations_of_one_address_make_one_account(
    users: MongoUserStore,
) -> None:
    answers = await asyncio.gather(*(add(users) for _ in range(20)), return_exceptions=True)
    assert len([answer for answer in answers if isinstance(answer, User)]) == 1
    assert len([answer for answer in answers if isinstance(answer, Conflict)]) == 19


async def test_a_write_whose_answer_is_lost_is_not_taken_for_another(settings: Settings) -> None:
    """The driver would send it again, and find the address taken: by itself."""
    async with relayed(settings.mongo.uri) as (relay, uri):
        through = settings.mongo.model_copy(update={"uri": uri})
        async with open_database(settings.mongo) as here, open_database(through) as there:
            await migrate(here, MIGRATIONS)
            users = MongoUserStore(there)
            await add(users, "first@b.org")
            relay.lose_answer_to(b"second@b.org\x00\x02folded")
            with pytest.raises(DatabaseUnavailable):
                await add(users, "second@b.org")
            assert await MongoUserStore(here).find_by_email("second@b.org")


async def test_found_as_added(users: MongoUserStore) -> None:
    user = await users.add("A@b.org", "a@b.org", "hash", is_active=True, is_staff=True)
    found = await users.find(user.id)
    assert found == await users.find_by_email("a@b.org")
    assert found is not None
    assert (found.id, found.email, found.is_staff, found.is_active) == (1, "A@b.org", True, True)
    assert abs(found.created_at - user.created_at) < timedelta(milliseconds=1)
    await users.delete(user.id)
    assert await users.find(user.id) is None
    assert (await add(users)).id == 2  # an id is never given twice


async def test_r11_an_activation_link_works_once(users: MongoUserStore) -> None:
    """R11: also when it is used many times at once."""
    user = await add(users, link=link("h", LinkPurpose.ACTIVATE))
    assert not await users.activate(user.id, "other", now())
    assert not await users.activate(user.id + 1, "h", now())
    assert not await users.activate(user.id, "h", now() + 2 * SOON)
    used = await asyncio.gather(*(users.activate(user.id, "h", now()) for _ in range(8)))
    assert sorted(used) == [False] * 7 + [True]
    found = await users.find(user.id)
    assert found is not None
    assert found.is_active


async def test_r11_a_reset_link_works_once_and_ends_the_others(users: MongoUserStore) -> None:
    """R11."""
    user = await add(users)
    for name in ("one", "two"):
        await users.add_link(user, link(name, LinkPurpose.RESET))
    assert await users.find_by_link(user.id, LinkPurpose.RESET, "one", now())
    assert not await users.find_by_link(user.id, LinkPurpose.RESET, "one", now() + 2 * SOON)
    assert not await users.find_by_link(user.id, LinkPurpose.ACTIVATE, "one", now())
    assert not await users.activate(user.id, "one", now())
    assert not await users.reset_password(user.id, "one", now() + 2 * SOON, "late")
    used = await asyncio.gather(
        *(users.reset_password(user.id, name, now(), name) for name in ("one", "two"))
    )
    assert sorted(used) == [False, True]
    found = await users.find(user.id)
    assert found is not None
    assert found.password_hash in ("one", "two")


async def test_only_the_newest_links_are_kept(users: MongoUserStore) -> None:
    user = await add(users)
    for number in range(LINKS_KEPT + 1):
        await users.add_link(user, link(str(number), LinkPurpose.RESET))
    kept = [
        bool(await users.find_by_link(user.id, LinkPurpose.RESET, str(number), now()))
        for number in range(LINKS_KEPT + 1)
    ]
    assert kept == [False] + [True] * LINKS_KEPT


async def test_a_rehash_does_not_undo_a_reset(users: MongoUserStore) -> None:
    user = await add(users)
    assert await users.replace_password_hash(user.id, "hash", "dearer")
    assert not await users.replace_password_hash(user.id, "hash", "older")
    found = await users.find(user.id)
    assert found is not None
    assert found.password_hash == "dearer"


async def test_accounts_that_wait_lapse_and_others_do_not(
    users: MongoUserStore, database: Database
) -> None:
    await add(users, "waits@b.org", link=link("h", LinkPurpose.ACTIVATE))
    await add(users, "there@b.org")
    activated = await add(users, "was@b.org", link=link("h", LinkPurpose.ACTIVATE))
    await users.activate(activated.id, "h", now())
    async with database.operation():
        found = await database.collection("users").find({"lapses_at": {"$exists": True}}).to_list()
        indexes = await database.collection("users").index_information()
    assert [document["email"] for document in found] == ["waits@b.org"]
    assert indexes["lapses_at_1"]["expireAfterSeconds"] == 0


def session(name: str, user_id: int = 1) -> Session:
    moment = now()
    return Session(name, user_id, moment, moment + SOON, moment, Visitor("192.0.2.1", "curl"))


async def test_revocations(sessions: MongoSessionStore) -> None:
    for name, user_id in (("a", 1), ("b", 1), ("c", 1), ("d", 2)):
        await sessions.add(session(name, user_id))
    before = await sessions.now()
    assert not await sessions.revoke("a", 2)  # another's
    assert await sessions.revoke("a", 1)
    assert not await sessions.revoke("a", 1)
    assert not await sessions.revoke("unknown", 1)
    assert list(await sessions.revoked_since(before)) == ["a"]
    assert sorted(await sessions.revoke_all(1, keep="b")) == ["a", "c"]
    assert sorted(await sessions.revoke_all(1)) == ["a", "b", "c"]
    assert sorted(await sessions.revoked_since(before)) == ["a", "b", "c"]
    assert list(await sessions.revoked_since(await sessions.now() + SOON)) == []
    found = [await sessions.find(name) for name in "abcd"]
    assert [entry is not None and entry.is_revoked for entry in found] == [True] * 3 + [False]
    assert await sessions.find("unknown") is None


async def test_ended_sessions_say_nothing_of_a_person(
    sessions: MongoSessionStore, database: Database
) -> None:
    """Their ids stay for a while, so that every process hears of the end."""
    for name in ("kept", "ended"):
        await sessions.add(session(name))
    await sessions.revoke("ended", 1)
    async with database.operation():
        found = await database.collection("sessions").find({"user_agent": "curl"}).to_list()
        ended = await database.collection("sessions").find_one({"_id": "ended"})
    assert [document["_id"] for document in found] == ["kept"]
    assert ended is not None
    assert "192.0.2.1" not in repr(ended)


async def test_open_sessions(sessions: MongoSessionStore) -> None:
    for name, user_id in (("first", 1), ("other", 2), ("second", 1), ("ended", 1)):
        await sessions.add(session(name, user_id))
    await sessions.revoke("ended", 1)
    opened = await sessions.list_open(1, now())
    assert [entry.id for entry in opened] == ["second", "first"]
    assert opened[0].visitor == Visitor("192.0.2.1", "curl")
    assert await sessions.list_open(1, now() + 2 * SOON) == []


async def test_using_a_session(sessions: MongoSessionStore) -> None:
    await sessions.add(session("a"))
    before = await sessions.find("a")
    used = await sessions.use("a")
    assert before is not None
    assert used is not None
    assert used.used_at >= before.used_at
    await sessions.revoke("a", 1)
    assert await sessions.use("a") is None
    assert await sessions.use("unknown") is None


async def test_r11_a_changed_password_voids_links(users: MongoUserStore) -> None:
    """R11."""
    user = await add(users)
    await users.add_link(user, link("one", LinkPurpose.RESET))
    assert not await users.change_password(user.id, "other", "new")
    assert await users.find_by_link(user.id, LinkPurpose.RESET, "one", now())
    assert await users.change_password(user.id, "hash", "new")
    assert not await users.find_by_link(user.id, LinkPurpose.RESET, "one", now())


async def test_r11_no_link_is_added_after_the_password_has_changed(users: MongoUserStore) -> None:
    """R11: a mail may be on its way meanwhile."""
    user = await add(users)
    assert await users.change_password(user.id, "hash", "new")
    assert not await users.add_link(user, link("late", LinkPurpose.RESET))
    assert not await users.find_by_link(user.id, LinkPurpose.RESET, "late", now())
    current = await users.find(user.id)
    assert current is not None
    assert await users.add_link(current, link("one", LinkPurpose.RESET))
    inactive = await add(users, "b@b.org", link("activation", LinkPurpose.ACTIVATE))
    assert not await users.add_link(inactive, link("two", LinkPurpose.RESET))


async def test_a_disabled_account_stays_and_its_links_do_not(
    users: MongoUserStore, database: Database
) -> None:
    user = await add(users, link=link("h", LinkPurpose.ACTIVATE))
    await users.set_active(user.id, is_active=False)
    assert not await users.activate(user.id, "h", now())
    async with database.operation():
        assert (
            await database.collection("users").find({"lapses_at": {"$exists": True}}).to_list()
            == []
        )
    await users.set_active(user.id, is_active=True)
    assert [(found.id, found.is_active) for found in await users.list_all()] == [(user.id, True)]


async def test_counters(database: Database) -> None:
    numbers = await asyncio.gather(*(database.next_id("things") for _ in range(30)))
    assert sorted(numbers) == list(range(1, 31))
    assert await database.next_id("others") == 1


async def test_the_databases_clock(database: Database) -> None:
    first, second = await database.now(), await database.now()
    assert first.tzinfo is not None
    assert first <= second


async def test_a_database_that_is_away(unused_tcp_port: int) -> None:
    """R49: told in time, in the domain's words."""
    uri = f"mongodb://user:hidden@127.0.0.1:{unused_tcp_port}/"
    settings = MongoSettings.model_validate({"uri": uri, "timeout": 0.3})
    with pytest.raises(DatabaseUnavailable) as refused:
        async with asyncio.timeout(20), open_database(settings):
            pass
    assert "hidden" not in str(refused.value)


async def test_a_url_that_the_driver_refuses() -> None:
    uri = "mongodb://user:hidden@one,other/?directConnection=true"
    settings = MongoSettings.model_validate({"uri": uri})
    with pytest.raises(ConfigurationError, match=r"mongo\.uri") as refused:
        async with open_database(settings):
            pass
    assert "hidden" not in str(refused.value)
