"""A film is encoded anew while somebody watches it."""

from collections.abc import Awaitable, Callable
from pathlib import Path

import httpx
import pytest

from tests.clips.fixtures import ClipCache
from tests.commands import run
from tests.handlers.conftest import admin, server
from tests.handlers.films import add_pending, encode_again, encoded_title, publish, publish_waiting
from tests.handlers.site import Server
from tests.videoflix.parts import open_parts
from tests.videoflix.streaming.films import FIRST, cache_folder, fetch, service_on
from tests.videoflix.waiting import until
from videoflix.container import Container
from videoflix.encoding.leftovers import Leftovers
from videoflix.errors import Conflict, NotFound
from videoflix.models import ProcessingStatus, Video
from videoflix.offload import Offload
from videoflix.streaming.service import StreamingService

__all__ = ["admin", "server"]  # fixtures of another folder


@pytest.fixture(scope="module")
def encoded(clip_cache: ClipCache) -> Path:
    return encoded_title(clip_cache)


@pytest.fixture
async def video(container: Container, encoded: Path) -> Video:
    return await publish(container, encoded)


async def fail(container: Container) -> None:
    lease = await container.videos.claim("test", 60, 5)
    assert lease is not None
    await container.videos.fail(lease, "No film.")


async def begin(container: Container) -> None:
    assert await container.videos.claim("test", 60, 5)


async def cancel(container: Container) -> None:
    await container.job_control.cancel(1)


async def wait(_: Container) -> None:
    pass


@pytest.mark.parametrize(
    ("step", "status"),
    [(wait, "pending"), (begin, "processing"), (fail, "failed"), (cancel, "ready")],
    ids=["waits", "is encoded", "failed", "was cancelled"],
)
async def test_a_published_film_plays_whatever_becomes_of_its_next_encode(
    container: Container,
    video: Video,
    step: Callable[[Container], Awaitable[None]],
    status: str,
) -> None:
    await encode_again(container, video.id)
    await step(container)
    [listed] = await container.catalogue.list_ready()
    assert (listed.id, listed.generation, listed.status) == (1, video.generation, status)
    async with service_on(container) as service:
        assert await fetch(service, video)


async def test_a_film_without_a_published_encode_is_not_listed(container: Container) -> None:
    await add_pending(container)
    await fail(container)
    assert await container.catalogue.list_ready() == []


async def test_who_watches_goes_on_with_the_encode_that_was_replaced(
    container: Container, video: Video, encoded: Path
) -> None:
    old = video.generation
    assert old is not None
    streaming, packages = container.streaming, container.packages
    before = await packages.cmaf_segment(video.id, "480p", 0, old)
    await encode_again(container, video.id)
    again = await publish_waiting(container, encoded, video.id)
    new = again.generation
    assert new != old
    assert again.replaced == (old,)

    async def new_is_known() -> bool:
        try:
            await packages.cmaf_segment(video.id, "480p", 0, new)
        except NotFound:
            return False
        return True

    assert await until(new_is_known)
    for name in (old, new):
        found = await packages.cmaf_segment(video.id, "720p", 1, name)
        assert found.etag == f'"{name}"'
        async with found.open(0, found.size) as file:
            assert len(file.read(found.size)) == found.size
        segment = await streaming.segment(video.id, "480p", FIRST, name)
        assert segment.key.generation == name
    assert before.size == (await packages.cmaf_segment(video.id, "480p", 0, old)).size
    # Who begins now gets the new one, and a third one has never been.
    playlist = await packages.cmaf_media_playlist(video.id, "480p")
    assert f"?v={new}".encode() in playlist.content
    assert (await streaming.segment(video.id, "480p", FIRST)).key.generation == new
    with pytest.raises(NotFound):
        await packages.cmaf_segment(video.id, "480p", 0, "another")
    # Also in a process that never had it open; not once it is forgotten.
    async with service_on(container) as later:
        assert (await later.segment(video.id, "480p", FIRST, old)).key.generation == old
    # A minute later a worker's sweep takes it, and its segments out of the cache.
    await fetch_old(streaming, video)
    await _sweep(container, old)
    assert not list(cache_folder(container).glob(f"*/{old}"))
    async with service_on(container) as later:
        with pytest.raises(NotFound):
            await later.segment(video.id, "480p", FIRST, old)


async def fetch_old(streaming: StreamingService, video: Video) -> None:
    """Cut a segment of the generation that ``video`` names."""
    segment = await streaming.segment(video.id, "480p", FIRST, video.generation)
    async with segment.open():
        pass


async def _sweep(container: Container, generation: str) -> None:
    async with open_parts(container.settings) as parts:
        leftovers = Leftovers(parts.leftovers, parts.media, parts.cache, Offload(parts.disk))

        async def gone() -> bool:
            await leftovers.sweep(0.0)
            return not parts.media.title(1, generation).exists()

        await until(gone)


async def test_what_cannot_be_encoded_anew(container: Container, video: Video) -> None:
    with pytest.raises(Conflict, match="no longer kept"):
        await container.job_control.encode_again(video.id)
    await encode_again(container, video.id)
    with pytest.raises(Conflict, match="already"):
        await container.job_control.encode_again(video.id)
    with pytest.raises(NotFound):
        await container.job_control.encode_again(99)
    record = await container.catalogue.find(video.id)
    assert (record.status, record.attempts) == (ProcessingStatus.PENDING, 0)


async def test_over_http(server: Server, admin: httpx.AsyncClient, encoded: Path) -> None:
    container = server.container
    video = await publish(container, encoded)
    source = container.media.source(video.id)
    source.parent.mkdir()
    source.touch()
    response = await admin.post(f"admin/videos/{video.id}/reencode/", json={})
    assert response.status_code == 200
    assert response.json()["processing_status"] == "pending"
    assert [found["id"] for found in (await admin.get("video/")).json()] == [video.id]
    assert (await admin.get(f"video/{video.id}/480p/{FIRST}")).status_code == 200
    again = await admin.post(f"admin/videos/{video.id}/reencode", json={})
    assert again.status_code == 409
    assert (await admin.post("admin/videos/99/reencode/", json={})).status_code == 404


async def test_by_the_command(container: Container, video: Video, tmp_path: Path) -> None:
    source = container.media.source(video.id)
    source.parent.mkdir()
    source.touch()
    settings = container.settings
    environment = {
        "VIDEOFLIX_MONGO__URI": settings.mongo.uri.get_secret_value(),
        "VIDEOFLIX_MONGO__DATABASE": settings.mongo.database,
        "VIDEOFLIX_REDIS__URL": settings.redis.url.get_secret_value(),
        "VIDEOFLIX_STORAGE__ROOT": str(settings.storage.root),
    }
    done = run("reencode", str(video.id), root=tmp_path / "home", extra=environment)
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith("Video 1 ('A film') waits to be encoded.\nNo worker runs")
    found = await container.catalogue.find(video.id)
    assert (found.status, found.generation) == (ProcessingStatus.PENDING, video.generation)
