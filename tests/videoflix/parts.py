"""The stores and services around films, opened on test settings, with an encoder and pauses of
the test's choice; ``open_container`` has no such choices to make."""

import sys
from collections.abc import AsyncIterator, Callable
from concurrent.futures import Executor, ThreadPoolExecutor
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from media_pipeline.job import EncodeSettings
from videoflix.accounts.reset_mails import ResetMails
from videoflix.adapters.doorbell import ArqDoorbell
from videoflix.adapters.mail import make_mailer
from videoflix.adapters.media_store import LocalMediaStore
from videoflix.adapters.mongo.chunks import MongoChunkStore
from videoflix.adapters.mongo.database import Database, open_database
from videoflix.adapters.mongo.leftovers import MongoLeftoverStore
from videoflix.adapters.mongo.migrations import MIGRATIONS, migrate
from videoflix.adapters.mongo.positions import MongoPositionStore
from videoflix.adapters.mongo.removals import MongoRemovalStore
from videoflix.adapters.mongo.reset_mails import MongoResetMailStore
from videoflix.adapters.mongo.users import MongoUserStore
from videoflix.adapters.mongo.video_lists import MongoVideoLists
from videoflix.adapters.mongo.videos import MongoVideoStore
from videoflix.adapters.mongo.workers import MongoWorkerStore
from videoflix.adapters.part_store import LocalPartStore
from videoflix.adapters.resumable_store import LocalResumableStore
from videoflix.adapters.segment_cache import DiskSegmentCache
from videoflix.container import open_cache
from videoflix.encoding.control import JobControl
from videoflix.encoding.encoder import Encoder
from videoflix.encoding.removal import Removal
from videoflix.encoding.service import EncodingJobs
from videoflix.offload import Offload
from videoflix.ports.measures import UNMEASURED, Measures
from videoflix.settings import Settings
from videoflix.uploads.films import FilmProbe
from videoflix.uploads.service import UploadService

ANYTHING = (sys.executable, "-I", "-S", "-c", "")
ACTED = (sys.executable, str(Path(__file__).with_name("acted_encoder.py")))


@dataclass(frozen=True)
class Parts:
    settings: Settings
    database: Database
    disk: Executor
    videos: MongoVideoStore
    lists: MongoVideoLists
    leftovers: MongoLeftoverStore
    workers: MongoWorkerStore
    chunks: MongoChunkStore
    part_store: LocalPartStore
    media: LocalMediaStore
    cache: DiskSegmentCache
    doorbell: ArqDoorbell
    uploads: UploadService
    removal: Removal
    encoding: EncodingJobs
    control: JobControl
    reset_mails: ResetMails


def any_film(settings: Settings) -> FilmProbe:
    """Takes everything for a video: sources for the acted encoder, for example."""
    return FilmProbe(settings.media.encode, memory=settings.worker.max_memory, command=ANYTHING)


def with_worker(settings: Settings, **changes: float) -> Settings:
    """The settings with other ``worker`` settings."""
    return settings.model_copy(update={"worker": settings.worker.model_copy(update=changes)})


@asynccontextmanager
async def open_parts(
    settings: Settings,
    *,
    encoder: tuple[str, ...] | None = ACTED,
    pause: Callable[[int], float] = lambda _attempt: 0.0,
    measures: Measures = UNMEASURED,
) -> AsyncIterator[Parts]:
    """``encoder`` is the command of the encoder's child, None for the real one. Whatever is
    uploaded is taken for a video."""
    async with open_database(settings.mongo) as database:
        await migrate(database, MIGRATIONS)
        videos, workers = MongoVideoStore(database), MongoWorkerStore(database)
        chunks, part_store = MongoChunkStore(database), LocalPartStore(settings.storage.root)
        media = LocalMediaStore(settings.storage.root)
        media.prepare()
        cache = open_cache(settings)
        lists, leftovers = MongoVideoLists(database), MongoLeftoverStore(database)
        mails = MongoResetMailStore(database)
        doorbell = ArqDoorbell(settings.redis)
        with ThreadPoolExecutor(4) as disk:
            child = None
            if encoder is not None:
                child = Encoder(
                    EncodeSettings(),
                    seconds=settings.worker.job_timeout,
                    memory=settings.worker.max_memory,
                    command=encoder,
                )
            removal = Removal(
                MongoRemovalStore(database),
                chunks=chunks,
                positions=MongoPositionStore(database),
                media=media,
                parts=part_store,
                cache=cache,
                offload=Offload(disk),
            )
            yield Parts(
                settings=settings,
                database=database,
                disk=disk,
                videos=videos,
                lists=lists,
                leftovers=leftovers,
                workers=workers,
                chunks=chunks,
                part_store=part_store,
                media=media,
                cache=cache,
                doorbell=doorbell,
                uploads=UploadService(
                    videos,
                    media,
                    LocalResumableStore(settings.storage.root),
                    doorbell,
                    settings,
                    executor=disk,
                    films=any_film(settings),
                    measures=measures,
                ),
                removal=removal,
                encoding=EncodingJobs(
                    videos,
                    media,
                    workers,
                    leftovers,
                    settings,
                    chunks=chunks,
                    parts=part_store,
                    cache=cache,
                    removal=removal,
                    executor=disk,
                    encoder=child,
                    pause=pause,
                    measures=measures,
                ),
                control=JobControl(videos, lists, media, doorbell, Offload(disk)),
                reset_mails=ResetMails(
                    mails, MongoUserStore(database), make_mailer(settings), settings
                ),
            )
        await doorbell.aclose()
