"""The services that one machine runs by itself: a MongoDB-compatible database and a
Redis-compatible queue, each a process of its own on loopback with its data under the storage
root. Where the settings give URLs, nothing of this starts."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from pydantic import SecretStr

from videoflix.embedded.owner import EmbeddedServices
from videoflix.private_files import usable_root
from videoflix.settings import Settings

__all__ = ["EmbeddedServices", "running_services"]


@asynccontextmanager
async def running_services(settings: Settings) -> AsyncIterator[Settings]:
    """Run (or find) the embedded services that the settings ask for.

    Yields the settings with the addresses in the place of the word ``embedded``. Raises
    ServiceUnavailable when they do not come up and ConfigurationError when they are not
    installed or cannot write there.
    """
    mongo, redis = settings.mongo, settings.redis
    if not mongo.is_embedded and not redis.is_embedded:
        yield settings
        return
    services = EmbeddedServices(
        settings.storage.root,
        wants_database=mongo.is_embedded,
        wants_queue=redis.is_embedded,
    )
    with usable_root(settings.storage.root):
        record = await services.open()
    if mongo.is_embedded:
        mongo = mongo.model_copy(update={"uri": SecretStr(record.mongo_uri)})
    if redis.is_embedded:
        redis = redis.model_copy(update={"url": SecretStr(record.redis_url)})
    try:
        yield settings.model_copy(update={"mongo": mongo, "redis": redis})
    finally:
        await services.close()
