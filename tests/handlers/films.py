"""Ready films without a worker: encoded once in a session, installed as a worker would."""

import asyncio
import secrets
import shutil
from pathlib import Path

from tests.clips.fixtures import ClipCache
from tests.clips.padding import padded
from tests.media_pipeline.titles import encode_title
from videoflix.container import Container
from videoflix.encoding.facts import title_facts
from videoflix.models import Video, VideoDetails

SECONDS = 14


def small_film(cache: ClipCache, size: int = 64 * 1024) -> bytes:
    """A film as somebody uploads it, of ``size`` bytes."""
    return padded(cache.clip(width=64, height=48, seconds=1).path.read_bytes(), size)


def encoded_title(cache: ClipCache) -> Path:
    """The folder of a title with three renditions and more than one segment."""
    source = cache.clip(seconds=SECONDS)
    return cache.once("handlers' title", lambda target: encode_title(source.path, target))


async def add_pending(container: Container, title: str = "A film") -> Video:
    details = VideoDetails(title, "What happens.", "Drama")
    video_id = await container.videos.next_id()
    return await container.videos.add(video_id, details, source_size=1, has_own_thumbnail=False)


def _install(container: Container, encoded: Path, video_id: int, generation: str) -> None:
    workspace = container.media.open_workspace(video_id, generation)
    shutil.copytree(encoded, workspace, dirs_exist_ok=True)
    container.media.install_title(workspace, video_id, generation)
    container.media.install_thumbnail(encoded / "thumbnail.jpg", video_id)


async def publish(container: Container, encoded: Path, title: str = "A film") -> Video:
    """A ready video. There must be no other one that waits."""
    video = await add_pending(container, title)
    return await publish_waiting(container, encoded, video.id)


async def publish_waiting(container: Container, encoded: Path, video_id: int) -> Video:
    """Make the one video that waits ready, with a generation of its own."""
    lease = await container.videos.claim("test", 60, 5)
    assert lease is not None
    assert lease.video_id == video_id
    generation = secrets.token_hex(8)
    await asyncio.to_thread(_install, container, encoded, video_id, generation)
    await container.videos.publish(lease, generation, facts=title_facts(encoded))
    return await container.catalogue.find(video_id)


async def encode_again(container: Container, video_id: int) -> None:
    """Have a film that came without a source encoded anew."""
    source = container.media.source(video_id)
    source.parent.mkdir(exist_ok=True)
    source.touch()
    await container.job_control.encode_again(video_id)
