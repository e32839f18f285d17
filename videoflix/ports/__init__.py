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
    UserStore,
)
from videoflix.ports.films import (
    Doorbell,
    MediaStore,
    SegmentCache,
    SegmentKey,
    SourceStore,
    TitleStore,
    UploadFile,
    VideoStore,
    WorkerStore,
)

__all__ = [
    "Doorbell",
    "Mail",
    "Mailer",
    "MediaStore",
    "RateCounters",
    "ResetMailStore",
    "RevocationFeed",
    "SegmentCache",
    "SegmentKey",
    "SessionStore",
    "SourceStore",
    "TitleStore",
    "UploadFile",
    "UserStore",
    "VideoStore",
    "WorkerStore",
]
