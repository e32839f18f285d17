"""A film's encode by whoever holds its lease: in one piece, or planned, shared out and joined.

The owner of the lease is one of the workers on its parts, and the only one that plans, joins and
publishes. The plan's name follows from the film and the settings alone, and finished parts and
their records outlive their owner: the next one goes on where it ended.
"""

import asyncio
import hashlib
import json
from collections.abc import Awaitable, Callable
from functools import partial
from pathlib import Path
from typing import TypeVar

import structlog

from media_pipeline.errors import MediaError
from media_pipeline.parts import PLAN_VERSION, Part, Plan
from media_pipeline.sources.side_facts import SideFacts
from media_pipeline.transport.mpegts import MUXER_ID
from videoflix.encoding.chunk_work import JOB, OUTPUT, ChunkWork
from videoflix.encoding.encoder import EncodeFailed, Encoder, OnlyWhole, OnProgress
from videoflix.encoding.supervision import insist
from videoflix.errors import ServiceUnavailable
from videoflix.models import Chunk, ChunkSpec, ChunkStatus, EncodeProgress, Lease
from videoflix.offload import Offload
from videoflix.ports import ChunkStore, MediaStore, PartStore
from videoflix.settings import WorkerSettings

LOOK_SECONDS = 1.0
_JOINS = 2  # as often parts are tried to be joined before they are made anew
PLAN = "plan"
_SIDE_SHARE = 20  # a film's sound is about as much work as this part of its pictures
# Percent of the whole job when the parts begin and when they are joined, as the encoder has it.
_FROM, _TO = 2.0, 92.0

T = TypeVar("T")

_log = structlog.get_logger(__name__)


def chunk_specs(plan: Plan) -> list[ChunkSpec]:
    """The parts of a film, in the order in which they are begun. The last chunk of the pictures
    waits for the sound, whose length decides how long the last picture is held."""
    gops = plan.grid.gops
    ends = (*plan.borders[1:], gops)
    specs = []
    if plan.has_side:
        specs.append(ChunkSpec("side", 0, max(1, gops // _SIDE_SHARE)))
    for number, (first, end) in enumerate(zip(plan.borders, ends, strict=True)):
        specs.append(ChunkSpec("pictures", number, end - first, waits=plan.is_last(number)))
    return specs


def progress_of(chunks: list[Chunk]) -> EncodeProgress:
    """Of the film, by its parts."""
    work = sum(chunk.spec.weight for chunk in chunks) or 1
    done = sum(chunk.spec.weight * chunk.share for chunk in chunks)
    return EncodeProgress(
        stage="encode",
        percent=_FROM + done / work * (_TO - _FROM),
        frames=sum(chunk.frames for chunk in chunks),
        speed=round(sum(c.speed for c in chunks if c.status is ChunkStatus.RUNNING), 2),
    )


class FilmEncode:
    """Encodes the film of one lease; used once."""

    def __init__(
        self,
        chunks: ChunkStore,
        parts: PartStore,
        media: MediaStore,
        encoder: Encoder,
        work: ChunkWork,
        *,
        limits: WorkerSettings,
        offload: Offload,
        lease: Lease,
        stop: asyncio.Event,
    ) -> None:
        self._chunks = chunks
        self._parts = parts
        self._encoder = encoder
        self._work = work
        self._limits = limits
        self._offload = offload
        self._lease = lease
        self._stop = stop
        self._id = lease.video_id
        self._source = media.source(lease.video_id)

    async def encode(self, workspace: Path, note: OnProgress) -> None:
        """Make ``workspace/output``. Raises EncodeFailed, InsufficientStorage and OSError."""
        name = await self._offload(self._plan_name)
        # Of other plans, by other settings: nobody is to work on their parts any more.
        await self._insist(lambda: self._chunks.begin(self._id, name, []))
        await self._offload(self._parts.discard, self._id, name)
        is_whole = await self._offload(self._parts.is_whole, self._id, name)
        if is_whole or not self._limits.chunk_seconds:
            await self._run(workspace, None, note)
            return
        folder = self._parts.plan(self._id, name)
        if not await self._offload(folder.exists):
            request = Part("plan", workspace / PLAN, seconds=self._limits.chunk_seconds)
            await self._run(workspace, request, note)
            if not await self._offload((workspace / PLAN).exists):
                return  # it was encoded whole
            await self._offload(self._parts.install_plan, workspace / PLAN, self._id, name)
        try:
            await self._in_chunks(workspace, name, note)
        except OnlyWhole as error:
            _log.warning("encoded whole after all", video=self._id, reason=str(error))
            await self._offload(self._parts.mark_whole, self._id, name)
            await self._insist(lambda: self._chunks.drop(self._id, keep_finished=False))
            await self._run(workspace, None, note)

    def _plan_name(self) -> str:
        """The same for the same film, settings and code, whoever asks."""
        status = self._source.stat()
        settings = self._encoder.settings.to_json()
        del settings["threads"]
        code = (PLAN_VERSION, MUXER_ID)
        facts = [status.st_size, status.st_mtime_ns, self._limits.chunk_seconds, code, settings]
        return hashlib.sha256(json.dumps(facts).encode()).hexdigest()[:24]

    async def _run(self, workspace: Path, part: Part | None, note: OnProgress) -> None:
        job = self._encoder.job(self._source, workspace / OUTPUT, part)
        await self._offload(job.save, workspace / JOB)
        await self._encoder.run(workspace / JOB, note)

    async def _in_chunks(self, workspace: Path, name: str, note: OnProgress) -> None:
        folder = self._parts.plan(self._id, name)
        plan = await self._read(Plan.load, folder)
        await self._insist(lambda: self._chunks.begin(self._id, name, chunk_specs(plan)))
        await self._forget_lost(name)
        _log.info("film is encoded in chunks", video=self._id, chunks=len(plan.borders))
        try:
            async with asyncio.timeout(self._limits.job_timeout):
                done = await self._all_done(name, plan, note)
        except TimeoutError as error:
            await self._insist(lambda: self._chunks.withdraw(self._id))
            raise EncodeFailed(
                f"Encoding took longer than the allowed {self._limits.job_timeout:.0f} seconds."
            ) from error
        folders = {c.spec: self._parts.part(self._id, name, c.folder) for c in done}
        pictures = [path for spec, path in folders.items() if spec.kind == "pictures"]
        [side] = [path for spec, path in folders.items() if spec.kind == "side"] or [folder]
        try:
            await self._run(workspace, Part("join", folder, folders=(*pictures, side)), note)
        except OnlyWhole:
            raise
        except EncodeFailed:
            if not self._lease.attempt % _JOINS:
                await self._forget()
            raise

    async def _forget(self) -> None:
        """Plan and parts may be damaged: the next attempt makes them anew."""
        await self._insist(lambda: self._chunks.drop(self._id, keep_finished=False))
        await self._offload(self._parts.discard, self._id)

    async def _read(self, load: Callable[[Path], T], folder: Path) -> T:
        try:
            return await self._offload(load, folder)
        except (MediaError, LookupError, TypeError) as error:
            await self._forget()
            raise EncodeFailed("What was noted about this film's parts cannot be read.") from error

    async def _forget_lost(self, name: str) -> None:
        """Have parts made again whose record says done and whose folder is gone."""
        for chunk in await self._insist(lambda: self._chunks.list(self._id, name)):
            path = self._parts.part(self._id, name, chunk.folder)
            if chunk.status is ChunkStatus.DONE and not await self._offload(path.exists):
                await self._insist(partial(self._chunks.reset, self._id, name, chunk.index))

    async def _insist(self, call: Callable[[], Awaitable[T]]) -> T:
        return await insist(call, self._stop, video=self._id)

    async def _all_done(self, name: str, plan: Plan, note: OnProgress) -> list[Chunk]:
        """Work on parts until all are done, by whomever."""
        watching = asyncio.create_task(self._watch(name, plan, note))
        working = asyncio.create_task(self._work_along())
        try:
            await asyncio.wait((watching, working), return_when=asyncio.FIRST_COMPLETED)
            if not watching.done():
                await working  # raises: it has no other end
            return await watching
        finally:
            for task in (watching, working):
                task.cancel()
            await asyncio.gather(watching, working, return_exceptions=True)

    async def _work_along(self) -> None:
        limits = self._limits
        while True:
            lease = None
            try:
                lease = await self._chunks.claim(
                    self._lease.holder, limits.lease, limits.max_attempts, self._id
                )
            except ServiceUnavailable as error:
                _log.warning("parts wait", video=self._id, reason=str(error))
            if lease is None:
                await asyncio.sleep(LOOK_SECONDS)
            else:
                await self._work.run(lease, self._stop)

    async def _watch(self, name: str, plan: Plan, note: OnProgress) -> list[Chunk]:
        count = len(chunk_specs(plan))
        while True:
            try:
                chunks = list(await self._chunks.list(self._id, name))
                await self._release(name, plan, chunks)
            except ServiceUnavailable as error:
                _log.warning("parts not looked at", video=self._id, reason=str(error))
            else:
                if len(chunks) < count:
                    # Deleted by who took the film for ended: nobody would ever make these parts.
                    raise EncodeFailed("Records of this film's parts are gone.")
                note(progress_of(chunks))
                _raise_failure(chunks)
                if all(chunk.status is ChunkStatus.DONE for chunk in chunks):
                    return chunks
            await asyncio.sleep(LOOK_SECONDS)

    async def _release(self, name: str, plan: Plan, chunks: list[Chunk]) -> None:
        """Let the last chunk begin once the sound's length is known."""
        if not any(chunk.status is ChunkStatus.BLOCKED for chunk in chunks):
            return
        folder = self._parts.plan(self._id, name)
        if plan.has_side:
            side = next(chunk for chunk in chunks if chunk.spec.kind == "side")
            if side.status is not ChunkStatus.DONE:
                return
            folder = self._parts.part(self._id, name, side.folder)
        facts = await self._read(SideFacts.load, folder)
        await self._chunks.release(self._id, name, facts.frames)


def _raise_failure(chunks: list[Chunk]) -> None:
    failed = [chunk for chunk in chunks if chunk.status is ChunkStatus.FAILED]
    for chunk in failed:
        if not chunk.is_whole_only:
            raise EncodeFailed(chunk.reason, is_permanent=True)
    if failed:
        raise OnlyWhole(failed[0].reason)
