"""Jobs from an admin's chair: a server, and a worker in a process of its own."""

import asyncio
import json
from collections.abc import AsyncIterator
from concurrent.futures import ThreadPoolExecutor

import httpx
import pytest

from tests.handlers.conftest import running
from tests.handlers.site import Server
from tests.handlers.streams import events
from tests.videoflix.parts import any_film, with_worker
from tests.videoflix.waiting import is_running, until, until_true
from tests.videoflix.worker.processes import worker_process
from videoflix.adapters.resumable_store import LocalResumableStore
from videoflix.container import open_container
from videoflix.models import VideoDetails
from videoflix.settings import Settings
from videoflix.uploads.service import UploadService

CANCEL_SECONDS = 10.0  # a renewal comes every 2 s at the latest


@pytest.fixture
async def server(settings: Settings) -> AsyncIterator[Server]:
    quick = with_worker(settings, poll=0.2)
    async with (
        open_container(quick) as container,
        running(container) as started,
        worker_process(quick),
    ):
        yield started


async def upload(server: Server, *acts: str) -> int:
    """Add a source for the acted encoder, which is no video."""
    container = server.container
    with ThreadPoolExecutor(1) as disk:
        uploads = UploadService(
            container.videos,
            container.media,
            LocalResumableStore(container.settings.storage.root),
            container.doorbell,
            container.settings,
            executor=disk,
            films=any_film(container.settings),
        )
        async with uploads.receive() as incoming:
            await incoming.write(json.dumps({"acts": acts}).encode())
            return (await incoming.accept(VideoDetails("A film"))).id


async def encoder_of(server: Server, video_id: int) -> int:
    runs = server.container.media.source(video_id).with_name("runs")

    async def look() -> int | None:
        return int(runs.read_text().split()[-1]) if runs.exists() and runs.read_text() else None

    return await until(look)


async def test_watched_cancelled_and_tried_again(server: Server, admin: httpx.AsyncClient) -> None:
    """R42 R43"""
    async with events(admin) as stream:
        video_id = await upload(server, "hang", "ready")
        await stream.video(video_id, progress=40, stage="encode", frames=40, speed=1.0)
        pid = await encoder_of(server, video_id)
        assert (await admin.post(f"admin/videos/{video_id}/cancel/", json={})).status_code == 200
        await until_true(lambda: not is_running(pid), seconds=CANCEL_SECONDS)
        folder = server.container.settings.storage.root / "titles" / str(video_id)
        await until_true(lambda: not list(folder.iterdir()))
        await stream.video(video_id, processing_status="failed", stage="", seconds_left=None)
        # The worker goes on with others; this one stays as it is until somebody asks for it.
        other = await upload(server, "trouble", "ready")
        await stream.video(other, processing_status="ready", attempts=2, last_failure="")
        record = (await admin.get(f"admin/videos/{video_id}/")).json()
        assert record["processing_status"] == "failed"
        assert (await admin.post("admin/videos/retry/", json={})).json()["retried"] == [video_id]
        await stream.video(video_id, processing_status="ready", progress=100)
    assert len(list(folder.iterdir())) == 1
    playable = [entry["id"] for entry in (await admin.get("video/")).json()]
    assert sorted(playable) == [video_id, other]


async def test_a_film_that_waits_is_cancelled_before_anybody_encodes_it(
    server: Server, admin: httpx.AsyncClient
) -> None:
    async with events(admin) as stream:
        busy = await upload(server, "wait")
        await stream.video(busy, processing_status="processing")
        waiting, last = await upload(server, "ready"), await upload(server, "ready")
        await admin.post(f"admin/videos/{waiting}/cancel/", json={})
        await asyncio.to_thread(server.container.media.source(busy).with_name("go").touch)
        await stream.video(last, processing_status="ready")
        assert not server.container.media.source(waiting).with_name("runs").exists()
