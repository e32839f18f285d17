"""Revocations between processes (here: containers of their own), by the feed and by the poll."""

import asyncio
import json
import re
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import timedelta

import pytest
from redis.asyncio import Redis

from tests.videoflix.relay import relayed
from tests.videoflix.waiting import until, until_true
from videoflix.accounts.guard import Guard
from videoflix.accounts.revocations import POLL_SECONDS, open_revocations
from videoflix.accounts.service import SignedIn
from videoflix.accounts.tokens import Tokens
from videoflix.adapters.mongo.database import open_database
from videoflix.adapters.mongo.sessions import MongoSessionStore
from videoflix.adapters.revocation_feed import CHANNEL, RedisRevocationFeed
from videoflix.container import Container, open_container
from videoflix.errors import DatabaseUnavailable, ServiceUnavailable, Unauthenticated
from videoflix.settings import MongoSettings, RedisSettings, Settings

EMAIL = "member@example.com"
PASSWORD = "quiet-Harbour-42"


def is_open(container: Container, token: str) -> bool:
    try:
        container.guard.authenticate(token)
    except Unauthenticated:
        return False
    return True


async def hears(container: Container, token: str) -> None:
    await until_true(lambda: not is_open(container, token))


async def sign_in(container: Container) -> SignedIn:
    return await container.accounts.login(EMAIL, PASSWORD)


def with_mongo(settings: Settings, mongo: MongoSettings) -> Settings:
    return settings.model_copy(update={"mongo": mongo})


def with_redis(settings: Settings, redis: RedisSettings) -> Settings:
    return settings.model_copy(update={"redis": redis})


async def test_r9_heard_through_redis_while_the_database_is_away(
    settings: Settings, container: Container
) -> None:
    """The fast path needs nothing else; a sign-out itself needs the database."""
    await container.accounts.create(EMAIL, PASSWORD, is_staff=False)
    async with relayed(settings.mongo.uri) as (relay, uri):
        mongo = settings.mongo.model_copy(update={"uri": uri, "timeout": 0.5})
        async with open_container(with_mongo(settings, mongo)) as other:
            signed_in = await sign_in(container)
            await relay.cut()
            assert is_open(other, signed_in.access)
            await container.accounts.logout(signed_in.refresh)
            await hears(other, signed_in.access)
            with pytest.raises(DatabaseUnavailable):
                await other.accounts.logout(signed_in.refresh)


async def test_r9_polled_while_redis_is_away_and_heard_again_after(
    settings: Settings, container: Container
) -> None:
    await container.accounts.create(EMAIL, PASSWORD, is_staff=False)
    async with relayed(settings.redis.url) as (relay, url):
        redis = settings.redis.model_copy(update={"url": url, "timeout": 0.5})
        async with open_container(with_redis(settings, redis)) as other:
            await relay.cut()
            first = await sign_in(container)
            await container.accounts.logout(first.refresh)
            await hears(other, first.access)
            # It publishes nothing now, and nothing fails.
            second = await sign_in(other)
            await other.accounts.logout(second.refresh)
            assert not is_open(other, second.access)
            await hears(container, second.access)
            await relay.mend()
            await heard_through_redis(settings, other)


async def test_r49_sessions_count_without_the_database_for_a_while(
    settings: Settings, container: Container
) -> None:
    """R49: then nobody can say that one has not ended, until the database is back."""
    await container.accounts.create(EMAIL, PASSWORD, is_staff=False)
    token = (await sign_in(container)).access
    tokens = Tokens(settings.auth.secret_key.get_secret_value(), [], access=timedelta(minutes=15))
    async with relayed(settings.mongo.uri) as (relay, uri):
        mongo = settings.mongo.model_copy(update={"uri": uri, "timeout": 0.5})
        async with (
            open_database(mongo) as database,
            listening(settings, lambda _: None) as feed,
            open_revocations(MongoSessionStore(database), feed, timedelta(minutes=15)) as known,
        ):
            guard = Guard(tokens, known, stale=2 * POLL_SECONDS + 2)

            def is_known() -> bool:
                try:
                    return guard.authenticate(token).user_id == 1
                except ServiceUnavailable:
                    return False

            await relay.cut()
            assert is_known()
            await until_true(lambda: not is_known())
            await relay.mend()
            await until_true(is_known)


async def heard_through_redis(settings: Settings, container: Container) -> None:
    """Publish ids that no database knows until the container has heard of one."""
    user = await container.users.find(1)
    assert user is not None
    signed_in = await sign_in(container)
    session_id = container.guard.authenticate(signed_in.access).session_id
    async with Redis.from_url(settings.redis.url.get_secret_value()) as client:

        async def refused() -> bool:
            await client.publish(CHANNEL, json.dumps({"sessions": [session_id]}))
            return not is_open(container, signed_in.access)

        await until(refused)


@pytest.mark.parametrize(
    "message",
    [
        b"",
        b"\xff",
        b"[" * 100_000,
        b"7",
        b"null",
        b"{}",
        b'{"sessions": 7}',
        b'{"sessions": [7, null, {}, "", "x", "' + b"a" * 100_000 + b'"]}',
    ],
)
async def test_nonsense_in_the_channel_is_ignored(settings: Settings, message: bytes) -> None:
    heard: list[str] = []
    async with listening(settings, heard.append) as feed:
        async with Redis.from_url(settings.redis.url.get_secret_value()) as client:
            await client.publish(CHANNEL, message)
        await feed.publish(["b" * 32])
        await until_true(lambda: "b" * 32 in heard)
    assert [name for name in heard if not re.fullmatch(r"[0-9a-f]{32}", name)] == []


async def test_many_ids_at_once(settings: Settings) -> None:
    names = [f"{number:032x}" for number in range(1201)]
    heard: list[str] = []
    async with listening(settings, heard.append) as feed:
        await feed.publish(names)
        await until_true(lambda: names[-1] in heard)
    assert [name for name in heard if name in names] == names


@asynccontextmanager
async def listening(
    settings: Settings, heard: Callable[[str], None]
) -> AsyncIterator[RedisRevocationFeed]:
    """A feed that is subscribed."""
    feed = RedisRevocationFeed(settings.redis)
    first: list[str] = []

    def hear(name: str) -> None:
        first.append(name)
        heard(name)

    task = asyncio.create_task(feed.listen(hear))
    try:

        async def subscribed() -> bool:
            await feed.publish(["a" * 32])
            return bool(first)

        await until(subscribed)
        yield feed
    finally:
        task.cancel()
        await asyncio.wait((task,))
        await feed.aclose()


async def test_closing_ends_the_listener(settings: Settings, container: Container) -> None:
    """Also while Redis is away: nothing is left running."""
    before = asyncio.all_tasks()
    async with relayed(settings.redis.url) as (relay, url):
        redis = settings.redis.model_copy(update={"url": url, "timeout": 0.5})
        for is_cut in (False, True):
            feed = RedisRevocationFeed(redis)
            if is_cut:
                await relay.cut()
            async with open_revocations(container.sessions, feed, timedelta(minutes=30)):
                pass
            await feed.aclose()
    names = {task.get_name() for task in asyncio.all_tasks() - before}
    assert not {name for name in names if name.startswith("revocation")}
