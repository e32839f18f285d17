"""A small installation with something of everything, and its end."""

import shutil
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from motor.motor_asyncio import AsyncIOMotorClient

from tests.handlers.films import add_pending, publish
from tests.handlers.site import PASSWORD
from videoflix.adapters.mongo.archive import COLLECTIONS
from videoflix.adapters.mongo.video_records import VIDEOS
from videoflix.container import Container
from videoflix.settings import Settings

EMAIL = "member@example.com"
KEPT = (VIDEOS, *COLLECTIONS)


@asynccontextmanager
async def raw_database(settings: Settings) -> AsyncIterator[Any]:
    """The driver's database, past all stores."""
    client: Any = AsyncIOMotorClient(settings.mongo.uri.get_secret_value(), tz_aware=True)
    try:
        yield client[settings.mongo.database]
    finally:
        client.close()


async def documents(settings: Settings, name: str) -> list[dict[str, Any]]:
    async with raw_database(settings) as database:
        return [each async for each in database[name].find().sort("_id", 1)]


async def everything(settings: Settings) -> dict[str, list[dict[str, Any]]]:
    return {name: await documents(settings, name) for name in KEPT}


@dataclass(frozen=True)
class Estate:
    """``ready`` can be played; ``waiting`` waits with a source."""

    ready: int
    waiting: int


async def furnish(container: Container, title: Path) -> Estate:
    """A ready film, one that waits, accounts, a session, a position."""
    ready = await publish(container, title)
    put_source(container, ready.id, b"first film")
    waiting = await add_pending(container, "Waits")
    put_source(container, waiting.id, b"second film")
    user = await container.accounts.create(EMAIL, PASSWORD, is_staff=False)
    await container.accounts.create("admin@example.com", PASSWORD, is_staff=True)
    await container.accounts.login(EMAIL, PASSWORD)
    await container.positions.keep(user.id, ready.id, 1500)
    return Estate(ready.id, waiting.id)


def put_source(container: Container, video_id: int, data: bytes) -> None:
    source = container.media.source(video_id)
    source.parent.mkdir(mode=0o700, exist_ok=True)
    source.write_bytes(data)


def files_of(root: Path) -> dict[str, bytes]:
    """The media of a storage root."""
    return {
        str(path.relative_to(root)): path.read_bytes()
        for name in ("sources", "titles", "thumbnails")
        for path in (root / name).rglob("*")
        if path.is_file()
    }


async def wipe(settings: Settings) -> None:
    """Everything is gone: the disk and the database."""
    shutil.rmtree(settings.storage.root, ignore_errors=True)
    async with raw_database(settings) as database:
        await database.client.drop_database(settings.mongo.database)
