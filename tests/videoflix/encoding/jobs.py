"""Jobs in this process: added, claimed, run, looked at."""

import asyncio
import json

from tests.videoflix.parts import Parts
from tests.videoflix.waiting import until
from videoflix.models import Lease, Video, VideoDetails


async def add(parts: Parts, *acts: str) -> int:
    """A film that makes the acted encoder do this, one act a run."""
    async with parts.uploads.receive() as incoming:
        await incoming.write(json.dumps({"acts": acts}).encode())
        return (await incoming.accept(VideoDetails("A film"))).id


async def claimed(parts: Parts) -> Lease:
    lease = await parts.encoding.claim("tester")
    assert lease is not None
    return lease


async def run(parts: Parts) -> Video:
    """Claim and run one job; returns its record afterwards."""
    lease = await claimed(parts)
    await parts.encoding.run(lease, asyncio.Event())
    return await record(parts, lease.video_id)


async def record(parts: Parts, video_id: int) -> Video:
    video = await parts.videos.find(video_id)
    assert video is not None
    return video


def titles(parts: Parts, video_id: int) -> list[str]:
    folder = parts.settings.storage.root / "titles" / str(video_id)
    return sorted(path.name for path in folder.iterdir()) if folder.exists() else []


async def encoder_started(parts: Parts, video_id: int, run: int = 0) -> int:
    """The process of the encoder's run, counted from 0, once there is one."""
    runs = parts.media.source(video_id).with_name("runs")

    async def look() -> int | None:
        lines = runs.read_text().split() if runs.exists() else []
        return int(lines[run]) if len(lines) > run else None

    return await until(look)
