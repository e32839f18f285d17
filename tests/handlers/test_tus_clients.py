"""Uploads over bad lines with two clients that others wrote: tuspy and tus-js-client."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path
from typing import Any

import httpx
import pytest
from tusclient.client import TusClient
from tusclient.exceptions import TusUploadFailed
from tusclient.uploader.uploader import Uploader

from tests.clips.fixtures import ClipCache
from tests.handlers.cutting import bad_line
from tests.handlers.films import small_film
from tests.handlers.site import Server
from tests.processes import leashed
from tests.programs import npm_package, program
from tests.videoflix.waiting import until

MiB = 1024 * 1024
SIZE = 5 * MiB
# Within the first request's head, in the middle, in the last bytes.
CUTS = (100, 20_000, MiB, MiB + 1, *(n * MiB // 2 + 7 * n for n in range(3, 8)), SIZE)
SCRIPT = Path(__file__).with_name("tus_upload.cjs")
SECONDS = 120


@pytest.fixture
def film(clip_cache: ClipCache, tmp_path: Path) -> Path:
    path = tmp_path / "Ein Füm.mp4"
    path.write_bytes(small_film(clip_cache, SIZE))
    return path


def cookie(admin: httpx.AsyncClient) -> str:
    return f"access_token={admin.cookies['access_token']}"


def endpoint(url: str) -> str:
    return f"{url}/api/admin/uploads/"


def tuspy(url: str, admin: httpx.AsyncClient, film: Path, **options: Any) -> Uploader:
    client = TusClient(endpoint(url), headers={"Cookie": cookie(admin)})
    return client.uploader(
        file_stream=BytesIO(film.read_bytes()),  # it would not close the file
        metadata={"title": "A film"},
        retries=100,
        retry_delay=0,
        **options,
    )


async def in_thread(uploader: Uploader) -> None:
    """It blocks, and the server runs on this loop."""
    async with asyncio.timeout(SECONDS):
        await asyncio.to_thread(uploader.upload)


async def test_tuspy_goes_on_after_ten_cuts(
    server: Server, admin: httpx.AsyncClient, film: Path
) -> None:
    """D7"""
    uploader = tuspy(server.url, admin, film)
    made = await asyncio.to_thread(uploader.create_url)
    async with bad_line(server.url, CUTS) as line:
        # It does not repeat what makes the upload, so that is not cut.
        uploader.set_url(line.url + made.removeprefix(server.url))
        await in_thread(uploader)
        assert line.cuts == []
    assert server.container.media.source(1).read_bytes() == film.read_bytes()
    assert (await admin.get("admin/videos/")).json()["count"] == 1


async def test_tuspy_with_checksums(server: Server, admin: httpx.AsyncClient, film: Path) -> None:
    uploader = tuspy(server.url, admin, film, chunk_size=MiB, upload_checksum=True)
    await in_thread(uploader)
    assert server.container.media.source(1).read_bytes() == film.read_bytes()


class WrongChecksums(Uploader):
    @property
    def checksum_algorithm(self) -> Any:
        right = super().checksum_algorithm
        return lambda data: right(data + b"x")


async def test_tuspy_hears_of_a_wrong_checksum(
    server: Server, admin: httpx.AsyncClient, film: Path
) -> None:
    client = TusClient(endpoint(server.url), headers={"Cookie": cookie(admin)})
    uploader = WrongChecksums(
        file_stream=BytesIO(film.read_bytes()),
        client=client,
        metadata={"title": "A film"},
        upload_checksum=True,
    )
    with pytest.raises(TusUploadFailed) as caught:
        await in_thread(uploader)
    assert caught.value.status_code == 460
    assert await asyncio.to_thread(uploader.get_offset) == 0
    assert (await admin.get("admin/videos/")).json()["count"] == 0


@dataclass(frozen=True)
class Node:
    """How tus-js-client is started; ``storage`` is what it remembers of uploads."""

    admin: httpx.AsyncClient
    film: Path
    storage: Path

    @asynccontextmanager
    async def started(self, url: str, *more: str) -> AsyncIterator[asyncio.subprocess.Process]:
        library = npm_package("tests/web", "tus-js-client")
        process = await asyncio.create_subprocess_exec(
            *leashed(program("node"), str(SCRIPT), str(library), endpoint(url)),
            *(cookie(self.admin), str(self.film), str(self.storage), *more),
            stdout=asyncio.subprocess.PIPE,
        )
        try:
            yield process
        finally:
            if process.returncode is None:
                process.kill()
            await process.communicate()

    async def run(self, url: str, *more: str) -> dict[str, Any]:
        """What it says in the end."""
        async with self.started(url, *more) as process, asyncio.timeout(SECONDS):
            output, _ = await process.communicate()
        said: dict[str, Any] = json.loads(output.splitlines()[-1])
        return said


@pytest.fixture
def node(admin: httpx.AsyncClient, film: Path, tmp_path: Path) -> Node:
    return Node(admin, film, tmp_path / "uploads.json")


async def test_tus_js_client_goes_on_after_ten_cuts(
    server: Server, admin: httpx.AsyncClient, film: Path, node: Node
) -> None:
    """D7"""
    async with bad_line(server.url, CUTS) as line:
        said = await node.run(line.url)
        assert line.cuts == []
    assert "error" not in said
    assert said["videoId"] == "1"
    assert said["requests"] > len(CUTS)
    assert server.container.media.source(1).read_bytes() == film.read_bytes()
    record = (await admin.get("admin/videos/1/")).json()
    assert (record["title"], record["category"]) == ("Ein Füm", "Drama")
    assert (await admin.get("admin/videos/")).json()["count"] == 1


async def test_tus_js_client_goes_on_in_another_process(
    server: Server, film: Path, node: Node
) -> None:
    """As a page does that was closed and is opened again."""
    uploads = server.container.settings.storage.root / "uploads"

    async def has_begun() -> bool:
        return any(path.stat().st_size > 0 for path in uploads.glob("*/film"))

    async with bad_line(server.url) as line:
        line.slow_after(2 * MiB)
        async with node.started(line.url):
            await until(has_begun)
            # Killed here: nothing of it is left but the file in which it remembers the upload.
        await line.drop()  # nor what it has sent and the line has still to pass on
        line.slow_after(None)
        said = await node.run(line.url)
    assert said["resumed"] is True
    assert int(said["offsets"][0]) > 0
    assert said["videoId"] == "1"
    assert server.container.media.source(1).read_bytes() == film.read_bytes()


async def test_tus_js_client_gives_up(server: Server, node: Node) -> None:
    said = await node.run(server.url, "abort")
    assert "error" not in said
    assert said["aborted"].startswith(f"{server.url}/api/admin/uploads/")
    assert list((server.container.settings.storage.root / "uploads").iterdir()) == []
    assert await server.container.videos.find(1) is None
