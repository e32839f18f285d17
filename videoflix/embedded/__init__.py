"""The services that one machine runs by itself: a MongoDB-compatible database and a
Redis-compatible queue, each a process of its own on loopback with its data under the storage
root. Where the settings give URLs, nothing of this starts."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

from pydantic import SecretStr

from videoflix.embedded.owner import EmbeddedServices
from videoflix.private_files import usable_root
from videoflix.settings import Settings

__all__ = ["EmbeddedServices", "OpenServices", "open_services", "running_services"]


@dataclass(frozen=True, slots=True)
class OpenServices:
    """``settings`` have the addresses in the place of the word ``embedded``; ``embedded`` is None
    where they ask for nothing that is."""

    settings: Settings
    embedded: EmbeddedServices | None

    def settle(self) -> None:
        """Take nothing over from another process any more, because this one stops."""
        if self.embedded is not None:
            self.embedded.settle()


@asynccontextmanager
async def running_services(settings: Settings) -> AsyncIterator[Settings]:
    """As ``open_services``; yields the settings alone."""
    async with open_services(settings) as services:
        yield services.settings


@asynccontextmanager
async def open_services(settings: Settings, *, may_run: bool = True) -> AsyncIterator[OpenServices]:
    """Run (or find) the embedded services that the settings ask for; where ``may_run`` is False,
    only find them.

    Raises ServiceUnavailable when they do not come up and ConfigurationError when they are not
    installed or cannot write there.
    """
    mongo, redis = settings.mongo, settings.redis
    if not mongo.is_embedded and not redis.is_embedded:
        yield OpenServices(settings, None)
        return
    services = EmbeddedServices(
        settings.storage.root,
        wants_database=mongo.is_embedded,
        wants_queue=redis.is_embedded,
        may_run=may_run,
    )
    with usable_root(settings.storage.root):
        record = await services.open()
    if mongo.is_embedded:
        mongo = mongo.model_copy(update={"uri": SecretStr(record.mongo_uri)})
    if redis.is_embedded:
        redis = redis.model_copy(update={"url": SecretStr(record.redis_url)})
    try:
        found = settings.model_copy(update={"mongo": mongo, "redis": redis})
        yield OpenServices(found, services)
    finally:
        await services.close()
