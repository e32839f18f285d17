"""Encoding jobs: claim, encode under a lease, publish under its fence, or say why not.

The record of a video is its job. Whoever holds its lease may write it; a worker that has lost
its lease (``LeaseLost``) throws away what it made. A film's source is only ever read, and
deleted once its title is published where the settings say so.
"""

import asyncio
from collections.abc import Callable, Sequence
from concurrent.futures import Executor

import structlog

from videoflix.encoding.attempt import Attempt
from videoflix.encoding.chunk_work import ChunkWork
from videoflix.encoding.encoder import EncodeFailed, Encoder
from videoflix.encoding.film import FilmEncode
from videoflix.encoding.leftovers import Leftovers
from videoflix.encoding.part_leftovers import PartLeftovers
from videoflix.encoding.removal import Removal
from videoflix.encoding.supervision import Stopped, timed_job
from videoflix.errors import InsufficientStorage, LeaseLost, ServiceUnavailable
from videoflix.models import ChunkLease, Lease, WorkerSeen
from videoflix.offload import Offload
from videoflix.ports import (
    ChunkStore,
    LeftoverStore,
    PartStore,
    SegmentPurge,
    TitleStore,
    VideoStore,
    WorkerStore,
)
from videoflix.ports.measures import UNMEASURED, EncodingMeasures
from videoflix.settings import Settings

ALIVE_SECONDS = 20.0
# Past the end of a lease: the claim reads the clock anew, and must not come a moment early.
MARGIN_SECONDS = 0.05

_log = structlog.get_logger(__name__)


def growing_pause(attempt: int) -> float:
    """Seconds to wait after failed attempt number ``attempt``: 10, 20, 40, ... at most 3600."""
    return float(min(10 * 2 ** (attempt - 1), 3600))


class EncodingJobs:
    """What workers do. What admins do to jobs: ``control``.

    ``executor`` runs what blocks on the disk, ``encoder`` is the media code's child process,
    ``pause`` says how long a job rests after each failed attempt.
    """

    def __init__(
        self,
        videos: VideoStore,
        media: TitleStore,
        workers: WorkerStore,
        leftovers: LeftoverStore,
        settings: Settings,
        *,
        chunks: ChunkStore,
        parts: PartStore,
        cache: SegmentPurge,
        removal: Removal,
        executor: Executor,
        encoder: Encoder | None = None,
        pause: Callable[[int], float] = growing_pause,
        measures: EncodingMeasures = UNMEASURED,
    ) -> None:
        self._measures = measures
        self._videos = videos
        self._media = media
        self._workers = workers
        self._limits = settings.worker
        self._floor = settings.storage.free_floor
        self._keep_source = settings.media.keep_source
        self._offload = Offload(executor)
        self._leftovers = Leftovers(leftovers, media, cache, self._offload)
        self._pause = pause
        self._encoder = encoder or Encoder(
            settings.media.encode,
            seconds=settings.worker.job_timeout,
            memory=settings.worker.max_memory,
            measures=measures,
        )
        self._chunks = chunks
        self._parts = parts
        self._removal = removal
        self._part_leftovers = PartLeftovers(videos, chunks, parts, self._offload)
        self._chunk_work = ChunkWork(
            chunks,
            parts,
            media,
            self._encoder,
            settings.worker,
            offload=self._offload,
            pause=pause,
            measures=measures,
        )
        self._is_full = False

    async def claim(self, holder: str) -> Lease | None:
        """Take the next job, if there is one and the disk has room for its result.

        Raises DatabaseUnavailable.
        """
        if not await self._has_room():
            return None
        return await self._videos.claim(holder, self._limits.lease, self._limits.max_attempts)

    async def idle_seconds(self, poll: float) -> float:
        """How long to wait before the next claim: until the next pause or lease of a film ends,
        but not longer than ``poll``. Raises DatabaseUnavailable."""
        due = await self._videos.due_in()
        # A job that is due already cannot be had (no room, its film just ended): look again later.
        return poll if due is None or due == 0 else min(poll, due + MARGIN_SECONDS)

    async def claim_chunk(self, holder: str) -> ChunkLease | None:
        """Take a part of a film that another worker has claimed: for who finds no film. So a
        film that waits is begun before others are made faster. Raises DatabaseUnavailable."""
        if not await self._has_room():
            return None
        return await self._chunks.claim(holder, self._limits.lease, self._limits.max_attempts)

    async def run_chunk(self, lease: ChunkLease, stop: asyncio.Event) -> None:
        """Work on a claimed part until it is done, failed, given back or lost; ``stop`` as in
        ``run``."""
        await self._chunk_work.run(lease, stop)
        await self._clear_parts(lease.video_id)

    async def _has_room(self) -> bool:
        free = await self._offload(self._media.free_bytes)
        is_full = free < self._floor
        if is_full and not self._is_full:
            _log.warning("jobs wait: the disk is below its floor", free=free, floor=self._floor)
        self._is_full = is_full
        return not is_full

    async def run(self, lease: Lease, stop: asyncio.Event) -> None:
        """Work on a claimed job until it is ready, failed, given back or lost.

        ``stop`` ends it early: the encoder is killed and the lease given back, the attempt not
        counted. Raises DatabaseUnavailable only then, when even that could not be written.
        """
        film = FilmEncode(
            self._chunks,
            self._parts,
            self._media,
            self._encoder,
            self._chunk_work,
            limits=self._limits,
            offload=self._offload,
            lease=lease,
            stop=stop,
        )
        attempt = Attempt(
            self._videos,
            self._media,
            film,
            self._leftovers,
            offload=self._offload,
            lease=lease,
            seconds=self._limits.lease,
            keep_source=self._keep_source,
            stop=stop,
        )
        # All that is logged on the way, by whatever, names the job.
        with structlog.contextvars.bound_contextvars(job=lease.token):
            log = _log.bind(video=lease.video_id, attempt=lease.attempt)
            log.info("encoding begins")
            with timed_job(self._measures, "film") as ended:
                try:
                    ended.outcome = await self._settled(attempt, lease)
                except LeaseLost as error:
                    ended.outcome = "lost"
                    log.warning("lease lost; what was made is thrown away", reason=str(error))
                    await self._finish_removal(lease.video_id)
            await self._clear_parts(lease.video_id)

    async def _finish_removal(self, video_id: int) -> None:
        """Where the film was deleted meanwhile: what this attempt has made since."""
        try:
            await self._removal.finish(video_id)
        except (ServiceUnavailable, OSError) as error:
            _log.warning("deleted film not cleared yet", video=video_id, reason=str(error))

    async def _clear_parts(self, video_id: int) -> None:
        """Where the film is not to be encoded any more; a sweep does it later where it cannot be
        done now."""
        try:
            await self._part_leftovers.clear(video_id)
        except (ServiceUnavailable, OSError) as error:
            _log.warning("parts not deleted yet", video=video_id, reason=str(error))

    async def tidy(self) -> int:
        """Delete what published titles have replaced or given up, what is left of deleted films,
        and parts that nobody needs; returns how many. For workers, now and then. Raises
        DatabaseUnavailable, OSError."""
        removed = await self._removal.sweep()
        return removed + await self._leftovers.sweep() + await self._part_leftovers.sweep()

    async def live_workers(self) -> Sequence[WorkerSeen]:
        """Workers that said within the last 20 s that they are alive."""
        return await self._workers.alive(ALIVE_SECONDS)

    async def report_alive(self, holder: str, host: str, pid: int) -> None:
        await self._workers.seen(holder, host, pid)

    async def report_gone(self, holder: str) -> None:
        await self._workers.gone(holder)

    async def _settled(self, attempt: Attempt, lease: Lease) -> str:
        """Make the attempt, and write how it ended where it did not succeed; the outcome, for
        ``EncodingMeasures.job``."""
        try:
            await attempt.make()
        except Stopped:
            await attempt.give_back("", pause=0, spent=False)
            return "stopped"
        except EncodeFailed as error:
            return await self._failed(attempt, lease, str(error), is_permanent=error.is_permanent)
        except InsufficientStorage as error:
            return await self._failed(attempt, lease, str(error))
        except OSError as error:
            _log.exception("disk error while encoding", video=lease.video_id)
            reason = (
                f"A file could not be read or written: {error.strerror or type(error).__name__}."
            )
            return await self._failed(attempt, lease, reason)
        return "done"

    async def _failed(
        self, attempt: Attempt, lease: Lease, reason: str, *, is_permanent: bool = False
    ) -> str:
        log = _log.bind(video=lease.video_id, attempt=lease.attempt, reason=reason)
        if is_permanent:
            log.warning("film cannot be encoded")
            await attempt.fail(reason)
        elif lease.attempt >= self._limits.max_attempts:
            log.error("encoding given up")
            await attempt.fail(f"{reason} Given up after {lease.attempt} attempts.")
        else:
            pause = self._pause(lease.attempt)
            log.warning("attempt failed; it is tried again", pause=pause)
            await attempt.give_back(reason, pause=pause, spent=True)
            return "again"
        return "failed"
