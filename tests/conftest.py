"""Fixtures for every test: real services, settings of their own, a container and a server."""

import os
import secrets
import signal
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from pymongo import MongoClient
from redis import Redis

from tests.clips.fixtures import clip_cache
from tests.ports import free_port
from tests.services import UNLIMITED, Services, services_for_tests
from videoflix.container import Container, open_container
from videoflix.settings import Settings
from videoflix.settings_loader import load_settings

__all__ = ["clip_cache"]  # made in its own module; given to every test here


def pytest_configure() -> None:
    """Whoever started the tests may have blocked signals, or ignored the end of children: then no
    stop would be heard in here, and no status of what tests start."""
    signal.pthread_sigmask(signal.SIG_SETMASK, ())
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)


@pytest.hookimpl
def pytest_runtest_logreport(report: pytest.TestReport) -> None:
    """Name what failed at once: a run that is ended from outside prints no summary."""
    if report.failed and not os.environ.get("PYTEST_XDIST_WORKER"):
        print(f"\nfailed: {report.nodeid} ({report.when}, after {report.duration:.0f} s)")


@pytest.fixture(scope="session")
def services(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Services]:
    """The database and the queue, started when the first test asks for them."""
    with services_for_tests(tmp_path_factory.mktemp("services")) as running:
        yield running


@pytest.fixture(scope="session")
def mongo_uri(services: Services) -> str:
    return services.mongo_uri


@pytest.fixture(scope="session")
def redis_url(services: Services) -> str:
    return services.redis_url


@contextmanager
def fresh_settings(folder: Path, services: Services) -> Iterator[Settings]:
    """Development settings with a folder, a database, an empty queue and a port of their own;
    cheap passwords. The database is dropped afterwards where its server outlives the tests."""
    database = f"test_{secrets.token_hex(8)}"
    with Redis.from_url(services.redis_url) as queue:
        queue.flushdb()
    yield load_settings(
        environment={
            "VIDEOFLIX_SERVER__PORT": str(free_port()),
            "VIDEOFLIX_STORAGE__ROOT": str(folder / "var"),
            "VIDEOFLIX_STORAGE__FREE_FLOOR": "0",
            "VIDEOFLIX_MONGO__URI": services.mongo_uri,
            "VIDEOFLIX_MONGO__DATABASE": database,
            "VIDEOFLIX_REDIS__URL": services.redis_url,
            "VIDEOFLIX_AUTH__BCRYPT_COST": "4",
            "VIDEOFLIX_AUTH__SECRET_KEY": secrets.token_urlsafe(48),
            "VIDEOFLIX_MEDIA__PRESET": "ultrafast",
            "VIDEOFLIX_CACHE__PREFETCH": "false",  # tests count cuts; it has tests of its own
            **UNLIMITED,
        }
    )
    if services.outlive_tests:
        with MongoClient[dict[str, object]](services.mongo_uri) as client:
            client.drop_database(database)


@pytest.fixture
def settings(tmp_path: Path, services: Services) -> Iterator[Settings]:
    with fresh_settings(tmp_path, services) as made:
        yield made


@pytest.fixture
async def container(settings: Settings) -> AsyncIterator[Container]:
    """Everything opened on those settings."""
    async with open_container(settings) as opened:
        yield opened
