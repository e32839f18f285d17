"""One part of a film, encoded by whichever worker claimed it."""

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path

import structlog

from media_pipeline.parts import Kind, Part
from videoflix.encoding.encoder import EncodeFailed, Encoder, OnlyWhole
from videoflix.encoding.lease import LeaseKeeper
from videoflix.encoding.supervision import Stopped, insist, timed_job, under_lease
from videoflix.errors import InsufficientStorage, LeaseLost, ServiceUnavailable
from videoflix.models import ChunkLease, EncodeProgress
from videoflix.offload import Offload
from videoflix.ports import ChunkStore, MediaStore, PartStore
from videoflix.ports.measures import UNMEASURED, EncodingMeasures
from videoflix.settings import WorkerSettings

OUTPUT = "output"
JOB = "job.json"

_log = structlog.get_logger(__name__)


class ChunkWork:
    """Makes parts that were claimed. ``pause`` says how long one rests after each failure."""

    def __init__(
        self,
        chunks: ChunkStore,
        parts: PartStore,
        media: MediaStore,
        encoder: Encoder,
        limits: WorkerSettings,
        *,
        offload: Offload,
        pause: Callable[[int], float],
        measures: EncodingMeasures = UNMEASURED,
    ) -> None:
        self._measures = measures
        self._chunks = chunks
        self._parts = parts
        self._media = media
        self._encoder = encoder
        self._limits = limits
        self._offload = offload
        self._pause = pause

    async def run(self, lease: ChunkLease, stop: asyncio.Event) -> None:
        """Work on a part until it is done, failed, given back or lost; nothing unfinished of it
        is left on the disk then. Cancelled, it gives the part back."""
        with (
            structlog.contextvars.bound_contextvars(job=lease.token),
            timed_job(self._measures, "part") as ended,
        ):
            log = _log.bind(video=lease.video_id, part=lease.index, attempt=lease.attempt)
            log.info("part begins", kind=lease.spec.kind, number=lease.spec.number)
            try:
                ended.outcome = await self._settled(lease, stop)
            except LeaseLost as error:
                log.warning("part lost; what was made is thrown away", reason=str(error))
            except asyncio.CancelledError:
                await self._given_back_at_once(lease)
                ended.outcome = "stopped"
                raise

    async def _settled(self, lease: ChunkLease, stop: asyncio.Event) -> str:
        """The outcome, for ``EncodingMeasures.job``."""
        try:
            await self._make(lease, stop)
        except Stopped:
            await self._given_back_at_once(lease)
            return "stopped"
        except OnlyWhole as error:
            reason = str(error)
            await self._insist(
                lease, stop, lambda: self._chunks.fail(lease, reason, is_whole_only=True)
            )
            return "failed"
        except EncodeFailed as error:
            return await self._failed(lease, stop, str(error), is_permanent=error.is_permanent)
        except InsufficientStorage as error:
            return await self._failed(lease, stop, str(error))
        except OSError as error:
            reason = (
                f"A file could not be read or written: {error.strerror or type(error).__name__}."
            )
            return await self._failed(lease, stop, reason)
        return "done"

    async def _make(self, lease: ChunkLease, stop: asyncio.Event) -> None:
        where = (lease.video_id, lease.plan, lease.token)
        name = f"part-{lease.index:04d}-{lease.token}"
        try:
            workspace = await self._offload(self._parts.open_workspace, *where)
            await self._offload(self._job, lease, workspace)
            keeper = self._keeper(lease)
            await under_lease(self._encoder.run(workspace / JOB, keeper.note), keeper, stop)
            await self._offload(
                self._parts.install_part, workspace / OUTPUT, lease.video_id, lease.plan, name
            )
            await self._insist(lease, stop, lambda: self._chunks.finish(lease, name))
        except LeaseLost:
            await self._offload(self._parts.discard_part, lease.video_id, lease.plan, name)
            raise
        finally:
            await asyncio.shield(self._offload(self._parts.close_workspace, *where))

    def _job(self, lease: ChunkLease, workspace: Path) -> None:
        kind: Kind = "pictures" if lease.spec.kind == "pictures" else "side"
        part = Part(
            kind,
            self._parts.plan(lease.video_id, lease.plan),
            chunk=lease.spec.number,
            frames=lease.frames,
        )
        source = self._media.source(lease.video_id)
        self._encoder.job(source, workspace / OUTPUT, part).save(workspace / JOB)

    def _keeper(self, lease: ChunkLease) -> LeaseKeeper:
        async def renew(progress: EncodeProgress) -> None:
            await self._chunks.renew(
                lease,
                self._limits.lease,
                share=progress.percent / 100,
                frames=progress.frames,
                speed=progress.speed,
            )

        return LeaseKeeper(renew, self._limits.lease, lease.video_id)

    async def _failed(
        self, lease: ChunkLease, stop: asyncio.Event, reason: str, *, is_permanent: bool = False
    ) -> str:
        log = _log.bind(video=lease.video_id, part=lease.index, attempt=lease.attempt)
        if is_permanent or lease.attempt >= self._limits.max_attempts:
            log.warning("part cannot be encoded", reason=reason)
            if not is_permanent:
                reason = f"{reason} Given up after {lease.attempt} attempts."
            await self._insist(lease, stop, lambda: self._chunks.fail(lease, reason))
            return "failed"
        pause = self._pause(lease.attempt)
        log.warning("part failed; it is tried again", reason=reason, pause=pause)
        await self._insist(
            lease,
            stop,
            lambda: self._chunks.give_back(lease, reason, pause=pause, spent=True),
        )
        return "again"

    async def _given_back_at_once(self, lease: ChunkLease) -> None:
        """The attempt not counted; where that cannot be written, the lease runs out."""
        try:
            await self._chunks.give_back(lease, "", pause=0, spent=False)
        except (LeaseLost, ServiceUnavailable) as error:
            _log.info("part not given back", video=lease.video_id, reason=str(error))

    async def _insist(
        self, lease: ChunkLease, stop: asyncio.Event, call: Callable[[], Awaitable[None]]
    ) -> None:
        await insist(call, stop, video=lease.video_id)
