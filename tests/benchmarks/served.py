"""The real server over titles of the benchmark, and the programs that load it.

The server is ``python -m videoflix serve`` with its default settings, but for cheap passwords and
the log as production writes it (JSON), to a file. Database and queue are the embedded ones.
"""

import asyncio
import os
import secrets
import shutil
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx

from tests.benchmarks.films import Material
from tests.commands import Running, descendants, running
from tests.conftest import fresh_settings
from tests.handlers.films import add_pending
from tests.handlers.site import PASSWORD
from tests.services import services_for_tests
from videoflix.container import Container, open_container
from videoflix.settings import Settings

MEMBER = "member@videoflix.example"


@dataclass(frozen=True)
class Films:
    """Settings under which films are published, and their ids: those of the short film, and that
    of the long one."""

    material: Material
    settings: Settings
    all_ids: tuple[int, ...]

    @property
    def ids(self) -> tuple[int, ...]:
        return self.all_ids[:-1]

    @property
    def long_id(self) -> int:
        return self.all_ids[-1]

    @property
    def rendition(self) -> str:
        return self.material.rendition

    @property
    def cache(self) -> Path:
        return self.settings.storage.root / "cache"

    def forget(self) -> None:
        """Empty the cache."""
        shutil.rmtree(self.cache, ignore_errors=True)


def _link(source: Path, target: Path) -> None:
    """The same files under other names: they are never changed."""
    for path in source.iterdir():
        os.link(path, target / path.name)


async def _publish(container: Container, folder: Path) -> int:
    video = await add_pending(container, "A film of the benchmark")
    lease = await container.videos.claim("benchmark", 60, 5)
    assert lease is not None
    generation = secrets.token_hex(8)
    workspace = container.media.open_workspace(video.id, generation)
    await asyncio.to_thread(_link, folder, workspace)
    container.media.install_title(workspace, video.id, generation)
    await container.videos.publish(lease, generation)
    return video.id


async def _fill(settings: Settings, folders: Sequence[Path]) -> tuple[int, ...]:
    async with open_container(settings) as container:
        await container.accounts.create(MEMBER, PASSWORD, is_staff=False)
        return tuple([await _publish(container, folder) for folder in folders])


def catalogue(settings: Settings, material: Material, count: int) -> Films:
    """Publish ``count`` videos: the short film again and again, and at last the long one."""
    titles = [material.short.title.folder] * (count - 1) + [material.long.title.folder]
    return Films(material, settings, asyncio.run(_fill(settings, titles)))


@contextmanager
def published(folder: Path, material: Material, count: int) -> Iterator[Films]:
    """A catalogue on services of its own."""
    with (
        services_for_tests(folder / "services") as services,
        fresh_settings(folder, services) as settings,
    ):
        yield catalogue(settings, material, count)


@dataclass(frozen=True)
class Served:
    """A server that runs; ``cookie`` is the header of somebody who is signed in."""

    url: str
    cookie: str
    process: Running

    @property
    def pids(self) -> list[int]:
        """Of the HTTP processes."""
        return [
            pid
            for pid in descendants(self.process.process.pid)
            if b"http-child" in Path(f"/proc/{pid}/cmdline").read_bytes()
        ]

    @property
    def headers(self) -> dict[str, str]:
        return {"Cookie": self.cookie}

    def get(self, path: str) -> httpx.Response:
        response = httpx.get(f"{self.url}{path}", headers=self.headers, trust_env=False, timeout=60)
        return response.raise_for_status()


@contextmanager
def served(
    films: Films, extra: dict[str, str] | None = None, processes: int = 1
) -> Iterator[Served]:
    """Run the server; ``extra`` are settings as environment variables."""
    settings = films.settings
    environment = {
        "VIDEOFLIX_MONGO__URI": settings.mongo.uri.get_secret_value(),
        "VIDEOFLIX_MONGO__DATABASE": settings.mongo.database,
        "VIDEOFLIX_REDIS__URL": settings.redis.url.get_secret_value(),
        "VIDEOFLIX_LOG__FORMAT": "json",
        "VIDEOFLIX_CACHE__PREFETCH": "true",
        "VIDEOFLIX_AUTH__SECRET_KEY": settings.auth.secret_key.get_secret_value(),
        **(extra or {}),
    }
    root = settings.storage.root
    with running("serve", "--processes", str(processes), root=root, extra=environment) as process:
        url = process.line(r"^Videoflix listens on (http://\S+)")[1]
        with httpx.Client(base_url=url, trust_env=False) as client:
            body = {"email": MEMBER, "password": PASSWORD}
            client.post("/api/login/", json=body).raise_for_status()
            cookie = f"access_token={client.cookies['access_token']}"
        yield Served(url, cookie, process)
