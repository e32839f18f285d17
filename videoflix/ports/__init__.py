"""The interfaces between the services and the outside, each shaped by the service that uses it.

Adapters translate foreign exceptions: a store raises ``DatabaseUnavailable`` when the database
cannot be reached, a doorbell ``QueueUnavailable``, a mailer ``MailUnavailable``. Writes that a
client was told of are acknowledged by a majority and journaled before a method returns.
"""

from videoflix.ports.accounts import (
    Mail,
    Mailer,
    RateCounters,
    ResetMailStore,
    RevocationFeed,
    SessionStore,
    UserPage,
    UserStore,
)
from videoflix.ports.backup import Archive, FilmRecord, MediaIntake
from videoflix.ports.cache import (
    CacheShare,
    CacheStats,
    Purged,
    SegmentCache,
    SegmentKey,
    SegmentPurge,
)
from videoflix.ports.chunks import ChunkStore, PartStore
from videoflix.ports.edits import PositionStore, RemovalStore, VideoEdits
from videoflix.ports.films import (
    Doorbell,
    LeftoverStore,
    MediaStore,
    MediaUsage,
    SourceStore,
    TitleStore,
    UploadFile,
    UsageStore,
    VideoLists,
    VideoStore,
    WorkerStore,
)
from videoflix.ports.inventory import FilmState, FilmStates, FilmTraces, Inventory
from videoflix.ports.uploads import OpenUpload, ResumableStore, ResumableUpload, UploadState

__all__ = [
    "Archive",
    "CacheShare",
    "CacheStats",
    "ChunkStore",
    "Doorbell",
    "FilmRecord",
    "FilmState",
    "FilmStates",
    "FilmTraces",
    "Inventory",
    "LeftoverStore",
    "Mail",
    "Mailer",
    "MediaIntake",
    "MediaStore",
    "MediaUsage",
    "OpenUpload",
    "PartStore",
    "PositionStore",
    "Purged",
    "RateCounters",
    "RemovalStore",
    "ResetMailStore",
    "ResumableStore",
    "ResumableUpload",
    "RevocationFeed",
    "SegmentCache",
    "SegmentKey",
    "SegmentPurge",
    "SessionStore",
    "SourceStore",
    "TitleStore",
    "UploadFile",
    "UploadState",
    "UsageStore",
    "UserPage",
    "UserStore",
    "VideoEdits",
    "VideoLists",
    "VideoStore",
    "WorkerStore",
]
