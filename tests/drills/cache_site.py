"""What drills of the cache work with: real server processes on a film that is ready, viewers, and
a look at what the servers cut."""

import asyncio
import json
import secrets
import subprocess
from collections import Counter
from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import httpx
import xxhash
from pymongo import AsyncMongoClient

from media_pipeline.job import EncodeSettings
from media_pipeline.packages.playlists import segment_name
from media_pipeline.titles.title import Title
from tests.benchmarks.material import encode_unit, repeat_title
from tests.clips.fixtures import ClipCache
from tests.commands import Running, running
from tests.handlers.films import publish
from tests.handlers.site import PASSWORD
from tests.services import UNLIMITED, Services
from videoflix.container import open_container
from videoflix.settings_loader import load_settings

EMAIL = "member@example.com"
SETTINGS = EncodeSettings(preset="ultrafast", crf=12, rungs=("480p", "720p"))
GOPS_A_SEGMENT = 3

Segment = tuple[str, int]  # rendition and index


@dataclass(frozen=True)
class CacheSite:
    """A running server and its film. ``folder`` is the title's, ``cache`` the cache's as the
    server sees it; ``environment`` has its settings."""

    client: httpx.AsyncClient
    serve: Running
    folder: Path
    cache: Path
    video_id: int
    environment: Mapping[str, str]

    @property
    def title(self) -> Title:
        return Title(self.folder)

    def segments(self) -> list[Segment]:
        title = self.title
        return [(name, index) for name in title.names for index in range(title.grid.segment_count)]

    async def get(self, segment: Segment) -> httpx.Response:
        return await self.client.get(
            f"/api/video/{self.video_id}/{segment[0]}/{segment_name(segment[1])}"
        )

    async def get_cmaf(self, track: str, index: int) -> httpx.Response:
        name = segment_name(index, "m4s")
        return await self.client.get(f"/api/video/{self.video_id}/cmaf/{track}/{name}")

    async def login(self) -> int:
        body = {"email": EMAIL, "password": PASSWORD}
        return (await self.client.post("/api/login/", json=body)).status_code

    def cached(self) -> dict[Segment, Path]:
        return {
            (path.parent.name.partition(".")[0], int(path.stem.rpartition("_")[2])): path
            for path in self.cache.glob("*/*/*/segment_*.ts")
        }

    def logged(self) -> Iterator[dict[str, Any]]:
        for line in self.serve.errors.read_text(encoding="utf-8").splitlines():
            if line.startswith("{"):
                yield json.loads(line)

    def cuts(self) -> Counter[str]:
        """How often each segment was cut, for somebody or ahead, by all processes."""
        return Counter(
            entry["segment"] for entry in self.logged() if entry["event"] == "segment cut"
        )

    def warnings(self) -> list[str]:
        return [entry["event"] for entry in self.logged() if entry["level"] == "warning"]


def checksum(data: bytes | memoryview) -> int:
    return xxhash.xxh3_64_intdigest(data)


def references(title: Title, segments: Sequence[Segment]) -> dict[Segment, int]:
    """Checksums of the segments, cut here."""
    return {segment: checksum(title.cut_ts(*segment)) for segment in segments}


def long_title(folder: Path, segments: int) -> Path:
    """A title of two renditions with so many segments each, made by repetition."""
    clip = ClipCache(folder / "clips").clip(width=1280, height=720, seconds=35)
    encode_unit(clip.path, folder / "unit", SETTINGS)
    made = folder / "title"
    repeat_title(folder / "unit", made, segments * GOPS_A_SEGMENT)
    (made / "thumbnail.jpg").write_bytes((folder / "unit" / "thumbnail.jpg").read_bytes())
    return made


@cache
def _unshare() -> tuple[str, ...] | None:
    """The program that gives a process mounts of its own; None where nobody may have them."""
    for options in (("--mount",), ("--user", "--map-root-user", "--mount")):
        command = ("unshare", *options)
        script = "mount -t tmpfs none /mnt"
        done = subprocess.run([*command, "sh", "-c", script], check=False, capture_output=True)
        if done.returncode == 0:
            return command
    return None


def can_mount() -> bool:
    return _unshare() is not None


def small_disk(cache_folder: Path, size: int, options: str = "") -> tuple[str, ...]:
    """A program through which a server has its cache on a tmpfs of ``size`` bytes. Where mounts
    are not allowed, there is a file in the place of the cache, and the server has none."""
    command = _unshare()
    if command is None:
        cache_folder.parent.mkdir(parents=True, exist_ok=True)
        cache_folder.write_text("not a folder")
        return ()
    cache_folder.mkdir(parents=True, exist_ok=True)
    script = 'mount -t tmpfs -o "$1" none "$2" && shift 2 && exec "$@"'
    return (*command, "sh", "-c", script, "sh", f"size={size}{options}", str(cache_folder))


@asynccontextmanager
async def cache_site(
    root: Path,
    services: Services,
    encoded: Path,
    *,
    prefix: Sequence[str] = (),
    processes: int = 2,
    settings: Mapping[str, str] | None = None,
    is_staff: bool = False,
) -> AsyncIterator[CacheSite]:
    """A server on the title ``encoded``, of which it has a copy; ``is_staff`` is whether its
    member is an admin."""
    name = f"cache_{secrets.token_hex(8)}"
    environment = {
        "VIDEOFLIX_MONGO__URI": services.mongo_uri,
        "VIDEOFLIX_MONGO__DATABASE": name,
        "VIDEOFLIX_REDIS__URL": services.redis_url,
        "VIDEOFLIX_AUTH__SECRET_KEY": secrets.token_urlsafe(48),
        "VIDEOFLIX_AUTH__BCRYPT_COST": "4",
        "VIDEOFLIX_STORAGE__ROOT": str(root),
        "VIDEOFLIX_STORAGE__FREE_FLOOR": "0",
        "VIDEOFLIX_LOG__LEVEL": "debug",
        "VIDEOFLIX_LOG__FORMAT": "json",
        **UNLIMITED,
        **(settings or {}),
    }
    async with open_container(load_settings(environment=environment)) as container:
        video = await publish(container, encoded)
        assert video.generation is not None
        folder = container.media.title(video.id, video.generation)
        await container.accounts.create(EMAIL, PASSWORD, is_staff=is_staff)
    command = ("serve", "--processes", str(processes))
    with running(*command, root=root, extra=environment, prefix=prefix) as serve:
        url = (await asyncio.to_thread(serve.line, r"^Videoflix listens on (http://\S+)"))[1]
        limits = httpx.Limits(max_connections=200, max_keepalive_connections=200)
        async with (
            httpx.AsyncClient(base_url=url, trust_env=False, timeout=120, limits=limits) as client,
            AsyncMongoClient[dict[str, Any]](services.mongo_uri) as mongo,
        ):
            seen = Path(f"/proc/{serve.process.pid}/root{root}/cache")
            site = CacheSite(client, serve, folder, seen, video.id, environment)
            assert await site.login() == 200
            try:
                yield site
            finally:
                await mongo.drop_database(name)
