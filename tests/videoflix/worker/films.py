"""Films on their way through real workers: put in, looked at, waited for."""

from pathlib import Path

from tests.videoflix.parts import Parts
from tests.videoflix.waiting import until
from videoflix.models import ProcessingStatus, Video, VideoDetails

MINUTES = 180.0


async def ingest(parts: Parts, path: Path) -> int:
    return (await parts.uploads.ingest_file(path, VideoDetails("A film"))).id


async def record(parts: Parts, video_id: int) -> Video:
    video = await parts.videos.find(video_id)
    assert video is not None
    return video


async def ended(parts: Parts, video_id: int) -> Video:
    """The record once it is ready or failed."""

    async def look() -> Video | None:
        video = await record(parts, video_id)
        is_over = video.status in (ProcessingStatus.READY, ProcessingStatus.FAILED)
        return video if is_over else None

    return await until(look, seconds=MINUTES)
