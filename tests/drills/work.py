"""What drills of encoding work with: settings and records of their own, real workers, a film."""

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Any

from tests.clips.fixtures import ClipCache
from tests.clips.read import read_pictures
from tests.clips.spec import ClipFacts
from tests.conftest import fresh_settings
from tests.processes import leashed
from tests.services import Services
from tests.videoflix.parts import Parts, open_parts
from tests.videoflix.waiting import processes_naming, until
from tests.videoflix.worker.processes import REAL_WORKER, environment
from videoflix.models import ProcessingStatus, Video, VideoDetails
from videoflix.settings import Settings

MINUTES = 300.0
ENDED = (ProcessingStatus.READY, ProcessingStatus.FAILED)
REPOSITORY = Path(__file__).parents[2]


def changed(settings: Settings, section: str, **values: Any) -> Settings:
    return settings.model_copy(
        update={section: getattr(settings, section).model_copy(update=values)}
    )


@dataclass(frozen=True)
class WorkSite:
    """Records, queue and media store of one drill."""

    parts: Parts

    @property
    def root(self) -> Path:
        return self.parts.settings.storage.root

    async def ingest(self, film: ClipFacts) -> int:
        return (await self.parts.uploads.ingest_file(film.path, VideoDetails("A film"))).id

    async def video(self, video_id: int) -> Video:
        found = await self.parts.videos.find(video_id)
        assert found is not None
        return found

    async def ended(self, video_id: int) -> Video:
        async def look() -> Video | None:
            video = await self.video(video_id)
            return video if video.status in ENDED else None

        return await until(look, seconds=MINUTES)

    async def at_percent(self, video_id: int, percent: float) -> None:
        """Wait until the encode has got so far."""

        async def look() -> bool:
            return (await self.video(video_id)).progress >= percent

        await until(look, seconds=MINUTES)

    def encoders(self) -> list[int]:
        return processes_naming(f"{self.root}/titles")

    def title(self, video: Video) -> Path:
        assert video.generation is not None
        return self.parts.media.title(video.id, video.generation)

    def left_over(self, video: Video) -> list[str]:
        """What of a video's encodes is on the disk and not published, and running encoders."""
        folder = self.root / "titles" / str(video.id)
        names = [path.name for path in folder.iterdir()] if folder.exists() else []
        extra = [name for name in names if name != video.generation]
        return [*extra, *(f"encoder {pid}" for pid in self.encoders())]


@asynccontextmanager
async def work_site(
    folder: Path, services: Services, **sections: Mapping[str, Any]
) -> AsyncIterator[WorkSite]:
    """``sections`` are settings that differ: ``worker={"lease": 3}``."""
    folder.mkdir(parents=True, exist_ok=True)
    with fresh_settings(folder, services) as settings:
        for section, values in sections.items():
            settings = changed(settings, section, **values)  # noqa: PLW2901 - made step by step
        async with open_parts(settings, encoder=None) as parts:
            yield WorkSite(parts)


@asynccontextmanager
async def silent_worker(
    settings: Settings, more: Mapping[str, str] = MappingProxyType({})
) -> AsyncIterator[asyncio.subprocess.Process]:
    """A real worker that writes no log anywhere, with ``more`` environment variables; killed when
    the block ends."""
    process = await asyncio.create_subprocess_exec(
        *leashed(*REAL_WORKER),
        cwd=REPOSITORY,
        env={**environment(settings), **more},
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.DEVNULL,
        stderr=asyncio.subprocess.DEVNULL,
    )
    try:
        yield process
    finally:
        with suppress(ProcessLookupError):
            process.kill()
        await process.wait()


def film(folder: Path, **fields: Any) -> ClipFacts:
    """A clip, made once in ``folder``."""
    return ClipCache(folder / "clips").clip(**fields)


def pictures(title: Path) -> dict[str, int]:
    """How many pictures each rendition has, numbered without a gap; -1 where there is one."""
    found = {}
    for path in sorted(title.glob("[0-9]*p.mp4")):
        numbers = [picture.number for picture in read_pictures(path)]
        found[path.stem] = len(numbers) if numbers == list(range(len(numbers))) else -1
    return found
