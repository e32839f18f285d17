"""The database and the queue that tests run on: real ones, started once in each test process, or
those that the environment names."""

import asyncio
import os
import threading
from collections.abc import Iterator
from concurrent.futures import Future
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

from videoflix.embedded import running_services
from videoflix.settings import TRIES_MAX, LimitSettings, Settings
from videoflix.settings_loader import load_settings

START_SECONDS = 120.0
# As environment variables: tests sign in more often than people.
UNLIMITED = {
    f"VIDEOFLIX_LIMITS__{name}".upper(): str(TRIES_MAX)
    for name in LimitSettings.model_fields
    if name not in ("enabled", "login_minutes")
}
STOP_SECONDS = 30.0


@dataclass(frozen=True, slots=True)
class Services:
    """Addresses that work for as long as the test process lives."""

    mongo_uri: str
    redis_url: str
    outlive_tests: bool  # the environment names them


def _configured(root: Path) -> Settings:
    names = ("VIDEOFLIX_MONGO__URI", "VIDEOFLIX_REDIS__URL")
    chosen = {name: os.environ[name] for name in names if os.environ.get(name)}
    return load_settings(environment={"VIDEOFLIX_STORAGE__ROOT": str(root), **chosen})


def _own_database_number(redis_url: str) -> str:
    """The queue's database with the number of this pytest-xdist worker, so that two test
    processes on one configured server do not meet."""
    number = int(os.environ.get("PYTEST_XDIST_WORKER", "gw0").removeprefix("gw"))
    return urlsplit(redis_url)._replace(path=f"/{number}").geturl()


async def _keep(settings: Settings, ready: Future[Services], done: asyncio.Event) -> None:
    try:
        async with running_services(settings) as running:
            url = running.redis.url.get_secret_value()
            uri = running.mongo.uri.get_secret_value()
            is_named = not settings.mongo.is_embedded
            ready.set_result(Services(uri, _own_database_number(url), outlive_tests=is_named))
            await done.wait()
    except Exception as error:
        if ready.done():
            raise
        ready.set_exception(error)


@contextmanager
def services_for_tests(root: Path) -> Iterator[Services]:
    """Run the services on a thread of their own, which keeps watch over them while tests come
    and go with event loops of their own."""
    ready: Future[Services] = Future()
    done = asyncio.Event()
    loop = asyncio.new_event_loop()
    thread = threading.Thread(
        target=loop.run_until_complete, args=(_keep(_configured(root), ready, done),), daemon=True
    )
    thread.start()
    try:
        yield ready.result(START_SECONDS)
    finally:
        loop.call_soon_threadsafe(done.set)
        thread.join(STOP_SECONDS)
        loop.close()
