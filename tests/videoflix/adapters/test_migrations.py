"""Migrations, on a real database: from every earlier version, at once, and after failures."""

import asyncio
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from tests.commands import run
from tests.handlers.films import add_pending
from tests.videoflix.waiting import until_true
from videoflix.adapters.mongo.database import Database, open_database
from videoflix.adapters.mongo.migrations import (
    MIGRATIONS,
    Migration,
    applied_version,
    migrate,
    rewind,
)
from videoflix.adapters.mongo.migrations.runner import COLLECTION
from videoflix.adapters.mongo.videos import MongoVideoStore
from videoflix.container import open_container
from videoflix.errors import ConfigurationError
from videoflix.settings import Settings

CURRENT = len(MIGRATIONS)
INDEXES = {
    "users": {"folded_1", "lapses_at_1"},
    "sessions": {"expires_at_1", "user_id_1", "revoked_at_1"},
    "reset_mails": {"asked_at_1", "due_at_1_asked_at_1"},
    "videos": {
        "status_1_claimable_at_1",
        "status_1_created_at_-1__id_-1",
        "created_at_-1__id_-1",
        "updated_at_1",
        "replaced.at_1",
        "source_to_delete_1",
    },
    "chunks": {"video_1_plan_1_index_1", "status_1_claimable_at_1", "updated_at_1"},
    "workers": {"seen_at_1"},
    "positions": {"user_1", "video_1", "updated_at_1"},
}
# As the first version wrote it.
OLD_VIDEO: dict[str, Any] = {
    "_id": 7,
    "title": "Old",
    "description": "",
    "category": "",
    "status": "ready",
    "progress": 100,
    "error": "",
    "attempts": 1,
    "generation": "abc",
    "source_size": 5,
    "has_own_thumbnail": False,
    "created_at": datetime(2026, 1, 1, tzinfo=UTC),
    "updated_at": datetime(2026, 1, 1, tzinfo=UTC),
}
NOTE = {"_id": 8, "status": "deleted", "updated_at": datetime(2026, 1, 1, tzinfo=UTC)}


@pytest.fixture
async def database(settings: Settings) -> AsyncIterator[Database]:
    async with open_database(settings.mongo) as opened:
        yield opened


async def documents(database: Database, name: str) -> list[dict[str, Any]]:
    async with database.operation():
        return [each async for each in database.collection(name).find().sort("_id", 1)]


async def insert(database: Database, name: str, *records: dict[str, Any]) -> None:
    async with database.operation():
        await database.collection(name).insert_many([dict(each) for each in records])


async def indexes(database: Database) -> dict[str, set[str]]:
    found = {}
    for name in INDEXES:
        async with database.operation():
            found[name] = set(await database.collection(name).index_information()) - {"_id_"}
    return found


async def records(database: Database) -> list[Any]:
    return [each["_id"] for each in await documents(database, COLLECTION) if "name" in each]


async def test_an_empty_database_gets_everything(database: Database) -> None:
    assert await applied_version(database) == 0
    await migrate(database, MIGRATIONS)
    assert await applied_version(database) == CURRENT
    assert await indexes(database) == INDEXES
    async with database.operation():
        about = await database.collection("users").index_information()
    assert about["folded_1"]["unique"]
    assert await records(database) == list(range(1, CURRENT + 1))


@pytest.mark.parametrize("version", range(CURRENT + 1))
async def test_from_every_earlier_version(database: Database, version: int) -> None:
    """Version 0 is a database that was used before there were migrations."""
    await migrate(database, MIGRATIONS[:version])
    await insert(database, "videos", OLD_VIDEO, NOTE)
    if version == CURRENT:  # has what a later one would have written
        await rewind(database, 1)
    await migrate(database, MIGRATIONS)
    assert await applied_version(database) == CURRENT
    assert await indexes(database) == INDEXES
    video = await MongoVideoStore(database).find(7)
    assert video is not None
    assert (video.title, video.stage, video.has_source) == ("Old", "", True)
    assert (await documents(database, "videos"))[1] == NOTE


async def test_what_is_there_stays_and_a_second_start_changes_nothing(database: Database) -> None:
    await insert(database, "videos", {**OLD_VIDEO, "stage": "encode", "has_source": False})
    await migrate(database, MIGRATIONS)
    before = [await documents(database, name) for name in ("videos", COLLECTION)]
    assert (before[0][0]["stage"], before[0][0]["has_source"]) == ("encode", False)
    await migrate(database, MIGRATIONS)
    assert [await documents(database, name) for name in ("videos", COLLECTION)] == before


async def test_two_at_once_run_each_step_once(settings: Settings, database: Database) -> None:
    runs: list[str] = []
    both = asyncio.Event()

    async def slow(_database: Database) -> None:
        runs.append("slow")
        await both.wait()

    async def quick(_database: Database) -> None:
        runs.append("quick")

    steps = (Migration("slow", slow), Migration("quick", quick))
    async with open_database(settings.mongo) as other:
        first = asyncio.create_task(migrate(database, steps))
        second = asyncio.create_task(migrate(other, steps))
        await until_true(lambda: bool(runs))
        for _ in range(5):  # the other one looks at the lease meanwhile
            await database.now()
        both.set()
        await asyncio.gather(first, second)
    assert runs == ["slow", "quick"]


async def test_containers_that_open_at_once_share_one_database(settings: Settings) -> None:
    async with (
        open_container(settings) as first,
        open_container(settings),
    ):
        assert (await add_pending(first)).id == 1

    async def opened() -> None:
        async with open_container(settings):
            pass

    await asyncio.gather(*(opened() for _ in range(4)))


async def test_a_step_that_fails_half_way_is_run_again_and_later_ones_wait(
    database: Database,
) -> None:
    await insert(database, "videos", *({**OLD_VIDEO, "_id": number} for number in (1, 2, 3)))
    runs: list[str] = []

    async def fails_once(database: Database) -> None:
        runs.append("fails once")
        for number in (1, 2, 3):
            async with database.operation():
                await database.collection("videos").update_one(
                    {"_id": number}, {"$set": {"mark": number}}
                )
            if number == 2 and len(runs) == 1:
                raise RuntimeError("the power went off")

    async def after(_database: Database) -> None:
        runs.append("after")

    steps = (*MIGRATIONS, Migration("fails once", fails_once), Migration("after", after))
    with pytest.raises(RuntimeError, match="the power went off"):
        await migrate(database, steps)
    assert await applied_version(database) == CURRENT
    assert runs == ["fails once"]
    await migrate(database, steps)  # at once: the lease was given back
    assert runs == ["fails once", "fails once", "after"]
    assert [each["mark"] for each in await documents(database, "videos")] == [1, 2, 3]
    assert await applied_version(database) == CURRENT + 2


async def test_who_died_at_it_is_followed_when_its_lease_ends(database: Database) -> None:
    until = await database.now() + timedelta(seconds=1)
    await insert(database, COLLECTION, {"_id": "lease", "holder": "dead", "until": until})
    await migrate(database, MIGRATIONS)
    assert await applied_version(database) == CURRENT
    assert await database.now() >= until


async def test_a_database_of_a_later_version_is_refused(
    settings: Settings, database: Database
) -> None:
    """With exit status 2, so that nothing starts the command again and again."""
    await migrate(database, MIGRATIONS)
    await insert(database, COLLECTION, {"_id": CURRENT + 1, "name": "later"})
    before = await documents(database, COLLECTION)
    with pytest.raises(ConfigurationError, match=f"of version {CURRENT + 1}, this Videoflix knows"):
        async with open_container(settings):
            pass
    assert await documents(database, COLLECTION) == before
    ended = await asyncio.to_thread(
        run,
        *("users", "list"),
        root=settings.storage.root,
        extra={
            "VIDEOFLIX_MONGO__URI": settings.mongo.uri.get_secret_value(),
            "VIDEOFLIX_MONGO__DATABASE": settings.mongo.database,
            "VIDEOFLIX_REDIS__URL": settings.redis.url.get_secret_value(),
        },
    )
    assert ended.returncode == 2
    assert ended.stderr.startswith(f"videoflix: the database is of version {CURRENT + 1}, ")
    assert ended.stderr.count("\n") == 1
