"""Everything the server is made of, opened in one ``async with`` and handed to HTTP handlers,
workers and commands alike."""

from collections.abc import AsyncIterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass

from pymongo.monitoring import CommandListener

from videoflix.accounts import open_accounts
from videoflix.accounts.guard import Guard
from videoflix.accounts.members import MembersService
from videoflix.accounts.reset_mails import ResetMails
from videoflix.accounts.service import AccountsService
from videoflix.adapters.doorbell import ArqDoorbell
from videoflix.adapters.inventory import LocalInventory
from videoflix.adapters.mail import make_mailer
from videoflix.adapters.measured_mailer import MeasuredMailer
from videoflix.adapters.media_intake import LocalMediaIntake
from videoflix.adapters.media_store import LocalMediaStore
from videoflix.adapters.mongo.archive import MongoArchive
from videoflix.adapters.mongo.backlog import MongoBacklog
from videoflix.adapters.mongo.chunks import MongoChunkStore
from videoflix.adapters.mongo.database import open_database
from videoflix.adapters.mongo.film_states import MongoFilmStates
from videoflix.adapters.mongo.leftovers import MongoLeftoverStore
from videoflix.adapters.mongo.migrations import MIGRATIONS, migrate
from videoflix.adapters.mongo.positions import MongoPositionStore
from videoflix.adapters.mongo.removals import MongoRemovalStore
from videoflix.adapters.mongo.reset_mails import MongoResetMailStore
from videoflix.adapters.mongo.sessions import MongoSessionStore
from videoflix.adapters.mongo.users import MongoUserStore
from videoflix.adapters.mongo.video_edits import MongoVideoEdits
from videoflix.adapters.mongo.video_lists import MongoVideoLists
from videoflix.adapters.mongo.videos import MongoVideoStore
from videoflix.adapters.mongo.workers import MongoWorkerStore
from videoflix.adapters.part_store import LocalPartStore
from videoflix.adapters.rate_counters import RedisRateCounters
from videoflix.adapters.resumable_store import LocalResumableStore
from videoflix.adapters.revocation_feed import RedisRevocationFeed
from videoflix.adapters.segment_cache import DiskSegmentCache
from videoflix.backup import Backups, Restoration
from videoflix.catalogue.edits import FilmEdits
from videoflix.catalogue.positions import Positions
from videoflix.catalogue.service import CatalogueService
from videoflix.catalogue.storage import StorageFigures
from videoflix.encoding.control import JobControl
from videoflix.encoding.removal import Removal
from videoflix.encoding.service import EncodingJobs
from videoflix.encoding.watch import FilmWatch
from videoflix.limits import Limits
from videoflix.offload import Offload
from videoflix.ports import Mailer
from videoflix.ports.measures import UNMEASURED, Measures
from videoflix.private_files import usable_root
from videoflix.readiness import Readiness, looks_at
from videoflix.reconcile import Presence, Repair, StartReport, Survey
from videoflix.settings import Settings
from videoflix.streaming.packages import PackageService
from videoflix.streaming.service import StreamingService
from videoflix.streaming.tidying import CacheTidying
from videoflix.uploads.service import UploadService
from videoflix.uploads.thumbnails import OwnThumbnails

DISK_THREADS = 8
WRITE_LAG = 3.0  # seconds between reading the database's clock and writing, beyond its time limits


@dataclass(frozen=True, slots=True)
class Container:
    """Stores, adapters and services, open for as long as ``open_container`` is."""

    settings: Settings
    users: MongoUserStore
    sessions: MongoSessionStore
    videos: MongoVideoStore
    video_lists: MongoVideoLists
    workers: MongoWorkerStore
    media: LocalMediaStore
    mailer: Mailer
    doorbell: ArqDoorbell
    accounts: AccountsService
    members: MembersService
    guard: Guard
    limits: Limits
    reset_mails: ResetMails
    catalogue: CatalogueService
    film_edits: FilmEdits
    thumbnails: OwnThumbnails
    uploads: UploadService
    removal: Removal
    storage: StorageFigures
    positions: Positions
    encoding: EncodingJobs
    job_control: JobControl
    film_watch: FilmWatch
    cache: DiskSegmentCache
    streaming: StreamingService
    packages: PackageService
    readiness: Readiness
    backups: Backups
    restoration: Restoration
    cache_tidying: CacheTidying
    backlog: MongoBacklog
    measures: Measures
    survey: Survey
    presence: Presence
    repair: Repair
    start_report: StartReport


@asynccontextmanager
async def open_container(
    settings: Settings,
    listeners: Sequence[CommandListener] = (),
    measures: Measures = UNMEASURED,
) -> AsyncIterator[Container]:
    """Open everything; closed in reverse when the block ends.

    ``listeners`` hear of every command that is sent to the database, ``measures`` of what happens.

    The settings carry real addresses and a secret (``running_services``, ``with_secret``).
    Raises ConfigurationError and DatabaseUnavailable.
    """
    async with AsyncExitStack() as stack:
        database = await stack.enter_async_context(open_database(settings.mongo, listeners))
        await migrate(database, MIGRATIONS)
        users, sessions = MongoUserStore(database), MongoSessionStore(database)
        videos, workers = MongoVideoStore(database), MongoWorkerStore(database)
        chunks, positions = MongoChunkStore(database), MongoPositionStore(database)
        lists, edits = MongoVideoLists(database), MongoVideoEdits(database)
        leftovers, archive = MongoLeftoverStore(database), MongoArchive(database)
        media = LocalMediaStore(settings.storage.root)
        with usable_root(settings.storage.root):
            media.prepare()
        mailer = MeasuredMailer(make_mailer(settings), measures)
        doorbell = ArqDoorbell(settings.redis)
        stack.push_async_callback(doorbell.aclose)
        disk = stack.enter_context(ThreadPoolExecutor(DISK_THREADS, thread_name_prefix="disk"))
        offload = Offload(disk)
        feed = RedisRevocationFeed(settings.redis)
        stack.push_async_callback(feed.aclose)
        counters = RedisRateCounters(settings.redis)
        stack.push_async_callback(counters.aclose)
        accounts = await stack.enter_async_context(
            open_accounts(
                settings,
                users=users,
                sessions=sessions,
                positions=positions,
                feed=feed,
                reset_mail_store=MongoResetMailStore(database),
                mailer=mailer,
            )
        )
        cache = open_cache(settings, measures)
        streaming = await stack.enter_async_context(
            StreamingService(
                videos,
                media,
                cache,
                threads=settings.cache.threads,
                prefetch=settings.cache.max_bytes if settings.cache.prefetch else 0,
                measures=measures,
            )
        )
        parts = LocalPartStore(settings.storage.root)
        removal = Removal(
            MongoRemovalStore(database),
            chunks=chunks,
            positions=positions,
            media=media,
            parts=parts,
            cache=cache,
            offload=offload,
        )
        encoding = EncodingJobs(
            videos,
            media,
            workers,
            leftovers,
            settings,
            chunks=chunks,
            parts=parts,
            cache=cache,
            removal=removal,
            executor=disk,
            measures=measures,
        )
        readiness = Readiness(
            looks_at(
                database=database.now,
                queue=doorbell.check,
                free_bytes=lambda: offload(media.free_bytes),
                free_floor=settings.storage.free_floor,
                live_workers=encoding.live_workers,
            )
        )
        stack.push_async_callback(readiness.aclose)
        states, inventory = MongoFilmStates(database), LocalInventory(settings.storage.root)
        survey = Survey(states, inventory, offload)
        presence = Presence(states, inventory, offload)
        yield Container(
            settings=settings,
            users=users,
            sessions=sessions,
            videos=videos,
            video_lists=lists,
            workers=workers,
            media=media,
            mailer=mailer,
            doorbell=doorbell,
            accounts=accounts.service,
            members=accounts.members,
            guard=accounts.guard,
            limits=Limits(settings.limits, counters),
            reset_mails=accounts.reset_mails,
            catalogue=CatalogueService(videos, public_url=settings.server.public_url),
            film_edits=FilmEdits(videos, edits),
            thumbnails=OwnThumbnails(
                videos,
                edits,
                media,
                max_bytes=settings.upload.thumbnail_max_bytes,
                offload=offload,
            ),
            removal=removal,
            positions=Positions(videos, positions),
            storage=StorageFigures(media, cache.stats, settings.storage.free_floor, offload),
            uploads=UploadService(
                videos,
                media,
                LocalResumableStore(settings.storage.root),
                doorbell,
                settings,
                executor=disk,
                measures=measures,
            ),
            encoding=encoding,
            film_watch=FilmWatch(lists, lag=2 * settings.mongo.timeout + WRITE_LAG),
            job_control=JobControl(videos, lists, media, doorbell, offload),
            cache=cache,
            streaming=streaming,
            packages=PackageService(streaming.shelf, streaming.read),
            survey=survey,
            presence=presence,
            repair=Repair(
                states,
                inventory,
                presence=presence,
                videos=videos,
                media=media,
                doorbell=doorbell,
                offload=offload,
            ),
            start_report=StartReport(survey, presence, inventory, offload),
            backups=Backups(archive, media, offload),
            restoration=Restoration(
                archive,
                LocalMediaIntake(settings.storage.root),
                workers,
                offload,
            ),
            readiness=readiness,
            cache_tidying=CacheTidying(leftovers, cache, offload),
            backlog=MongoBacklog(database),
            measures=measures,
        )


def open_cache(settings: Settings, measures: Measures = UNMEASURED) -> DiskSegmentCache:
    """The cache of segments alone. Opens no file."""
    return DiskSegmentCache(settings.cache_folder, settings.cache.max_bytes, measures)
