"""Films: records and jobs, files on disks."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Protocol

from videoflix.models import (
    DeletedVideo,
    EncodeProgress,
    Lease,
    TitleFacts,
    Video,
    VideoDetails,
    VideoPage,
    VideoQuery,
    VideoSort,
    WorkerSeen,
)


class VideoStore(Protocol):
    """The catalogue's records and, in them, the state of each encoding job."""

    async def next_id(self) -> int:
        """Reserve the next id, counted from 1."""

    async def add(
        self, video_id: int, details: VideoDetails, *, source_size: int, has_own_thumbnail: bool
    ) -> Video:
        """Add a ``pending`` record under an id reserved with ``next_id``. Raises Conflict where
        there is one."""

    async def find(self, video_id: int) -> Video | None: ...

    async def list_ready(self) -> Sequence[Video]:
        """Videos that can be played, newest first: those that have a published generation,
        whatever has become of later encodes."""

    async def catalogue_version(self) -> int:
        """Another number once what members see of ``list_ready`` has changed: when the change
        returns to its caller, unless the database went away in between."""

    async def claim(self, holder: str, seconds: float, max_attempts: int) -> Lease | None:
        """Take the oldest video that waits, or whose lease has run out, in one atomic update.

        The video becomes ``processing``. Times are the database's. A video that has used up
        its attempts is not claimed but becomes ``failed``.
        """

    async def due_in(self) -> float | None:
        """Seconds until the next pause or lease of a job ends, 0 at the least; None when there
        is no job."""

    async def renew(self, lease: Lease, seconds: float, progress: EncodeProgress) -> Lease:
        """Move the lease's end and record progress, which never goes back. Raises LeaseLost."""

    async def publish(
        self,
        lease: Lease,
        generation: str,
        *,
        facts: TitleFacts | None = None,
        keep_source: bool = True,
    ) -> None:
        """``processing`` → ``ready``, fenced by the lease. Raises LeaseLost.

        The generation that was published before is remembered as replaced. Without
        ``keep_source`` the same write gives the film's source up (``LeftoverStore``). May be
        repeated: a generation that is already published under this name is a success, so that
        an answer lost on the way does not look like a lost lease.
        """

    async def fail(self, lease: Lease, reason: str) -> None:
        """``processing`` → ``failed`` with a reason in plain words, fenced. Raises LeaseLost."""

    async def give_back(self, lease: Lease, reason: str, *, pause: float, spent: bool) -> None:
        """``processing`` → ``pending``, claimable after ``pause`` seconds; fenced.

        ``spent`` says whether the attempt counts (a failure does, a worker's stop does not).
        """

    async def cancel(self, video_id: int, reason: str) -> Video | None:
        """Take a video that waits or is being encoded away from its worker, whose next renewal
        then says LeaseLost; None when it is neither.

        The video is ``failed`` with the reason, or, where an earlier encode is published,
        ``ready`` with that one.
        """

    async def retry(self, video_id: int) -> Video | None:
        """``failed`` → ``pending`` with no attempt used; None when it was not ``failed`` or has
        no source any more."""

    async def encode_again(self, video_id: int) -> Video | None:
        """The same also for a ``ready`` video, whose published encode stays until the new one
        is published."""


class VideoLists(Protocol):
    """The catalogue as admins look at it."""

    async def page(
        self,
        query: VideoQuery,
        *,
        skip: int,
        limit: int,
        sort: VideoSort = VideoSort.NEWEST,
    ) -> VideoPage: ...

    async def categories(self) -> Sequence[str]:
        """Those that any video has, each once, by the alphabet."""

    async def ids(self, query: VideoQuery, *, limit: int) -> Sequence[int]:
        """Ids alone, ascending."""

    async def unfinished(self) -> Sequence[Video]:
        """Videos that wait or are being encoded, oldest first."""

    async def changed_since(
        self, moment: datetime, *, limit: int | None = None
    ) -> Sequence[Video | DeletedVideo]:
        """Videos whose record was written at or after ``moment``, by the time of that, and those
        that were deleted.

        The time is read before the write, so a change may show up a little after its time.
        """

    async def now(self) -> datetime:
        """The clock that records are stamped by."""


class LeftoverStore(Protocol):
    """What the records still need of the disk, and what they have given up.

    Nothing here is done twice in effect: any number of workers may ask and delete at a time.
    """

    async def generations_of(self, video_id: int) -> Collection[str]:
        """Names that are not to be deleted: the published generation, those that it replaced and
        that have not been forgotten, and the attempt that runs.

        A name that existed before this was asked and is not in the answer never will be: each
        attempt has a new one.
        """

    async def replaced(self, seconds: float) -> Sequence[tuple[int, str]]:
        """Ids and generations that another one replaced more than ``seconds`` ago."""

    async def forget_replaced(self, video_id: int, generation: str) -> None: ...

    async def failed(self) -> Sequence[int]:
        """Ids of videos at which nobody will be again unless an admin asks for it."""

    async def given_up_sources(self) -> Sequence[int]:
        """Ids of ready videos whose source is to be deleted."""

    async def forget_source(self, video_id: int) -> None:
        """The source that was given up is deleted."""


class WorkerStore(Protocol):
    """Which workers are alive, by the database's clock. Records of dead ones go by themselves."""

    async def seen(self, holder: str, host: str, pid: int) -> None: ...

    async def gone(self, holder: str) -> None: ...

    async def alive(self, seconds: float) -> Sequence[WorkerSeen]:
        """Workers seen within the last ``seconds``."""


class Doorbell(Protocol):
    """Wakes workers. The record in the database is the job; a lost ring costs only seconds."""

    async def ring(self, video_id: int) -> None: ...


class MediaStore(Protocol):
    """Where films, titles and pictures are kept (layout: docs/architecture.md).

    Methods of this and the two stores below block on the disk: call them in an executor. What
    they install is flushed to the disk, with its folder, before they return. A full disk is
    InsufficientStorage.
    """

    def source(self, video_id: int) -> Path: ...

    def title(self, video_id: int, generation: str) -> Path: ...

    def thumbnail(self, video_id: int) -> Path: ...

    def free_bytes(self) -> int: ...


@dataclass(frozen=True, slots=True)
class MediaUsage:
    """Bytes: of the disk, and of what is kept on it. ``titles`` has the work on them too."""

    total: int
    free: int
    sources: int
    titles: int
    uploads: int


class UsageStore(Protocol):
    def usage(self) -> MediaUsage:
        """Counted now, file by file: blocks for some time where there are many."""


class UploadFile(Protocol):
    """A file that is being received. Marked as active until it is closed, so that no sweep takes
    it. Methods may be called from any thread; they exclude one another."""

    @property
    def path(self) -> Path: ...

    @property
    def size(self) -> int:
        """Bytes written."""

    def reserve(self, size: int) -> bool:
        """Reserve space on the disk for ``size`` bytes. False where the disk cannot do that;
        raises InsufficientStorage where they do not fit."""

    def write(self, data: bytes | bytearray | memoryview) -> None: ...

    def flush(self) -> None:
        """Have the bytes written so far on the disk."""

    def sync(self) -> None:
        """The end: have the bytes and the file's name on the disk, nothing more reserved."""

    def discard(self) -> None:
        """Close and, unless it was moved away, delete. May be repeated."""


class SourceStore(MediaStore, Protocol):
    """The media store as uploads see it."""

    def open_upload(self, size: int = 0) -> UploadFile:
        """A new temporary file under a random name, which is to get up to ``size`` bytes."""

    def promised_bytes(self) -> int:
        """Bytes that the files made by ``open_upload`` are to get and that the disk does not hold
        for them yet."""

    def install_source(self, upload: UploadFile, video_id: int) -> None:
        """Move a received file to its place, marked as unconfirmed. Never overwrites: raises
        FileExistsError when there is a source under that id."""

    def confirm_source(self, video_id: int) -> None:
        """Take the mark off: the record exists."""

    def discard_source(self, video_id: int) -> None:
        """Delete a source that is still unconfirmed, with its thumbnail."""

    def unconfirmed_sources(self, age: float) -> Sequence[int]:
        """Ids of sources that have been unconfirmed for more than ``age`` seconds."""

    def install_thumbnail(self, picture: Path, video_id: int) -> None:
        """Copy the picture to its public place, replacing what is there in one step."""

    def sweep_uploads(self, age: float) -> int:
        """Delete temporary files that nobody has written to for ``age`` seconds and that no
        process holds open for receiving; returns how many."""


class TitleStore(MediaStore, Protocol):
    """The media store as encoding sees it."""

    def open_workspace(self, video_id: int, generation: str) -> Path:
        """A new temporary folder, on the same file system as the title will be."""

    def close_workspace(self, video_id: int, generation: str) -> None:
        """Delete the temporary folder, where it exists."""

    def install_title(self, output: Path, video_id: int, generation: str) -> None:
        """Move a finished folder to ``title(video_id, generation)`` in one step."""

    def discard_title(self, video_id: int, generation: str) -> None: ...

    def generations(self, video_id: int) -> Collection[str]:
        """Names of all generations, and of those that temporary folders are for."""

    def delete_source(self, video_id: int) -> None:
        """Delete the film as it was uploaded, where it exists."""

    def install_thumbnail(self, picture: Path, video_id: int) -> None: ...

    def delete_film(self, video_id: int) -> None:
        """Delete everything of a film: source, all generations, thumbnail. What stands under its
        names is gone in one step; may be repeated."""
