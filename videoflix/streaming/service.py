"""MPEG-TS segments of ready videos."""

import asyncio
import re
import threading
import time
from collections.abc import AsyncIterator, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager, contextmanager, nullcontext
from dataclasses import dataclass
from functools import partial
from typing import BinaryIO, Self, cast

import structlog

from media_pipeline.errors import DamagedTitle
from media_pipeline.titles.title import SegmentFacts, Title
from media_pipeline.transport.buffers import Buffers
from videoflix.errors import NotFound
from videoflix.offload import Offload
from videoflix.ports import MediaStore, SegmentCache, SegmentKey, VideoStore
from videoflix.ports.measures import UNMEASURED, StreamingMeasures
from videoflix.streaming.flights import Flight, Flights
from videoflix.streaming.prefetch import Prefetch
from videoflix.streaming.shared import Block, Loans, MadeAgain, Shared
from videoflix.streaming.titles import TitleShelf, rendition_for

_SEGMENT = re.compile(r"segment_(\d{3,6})\.ts", re.ASCII)
_FILE_THREADS = 4
# Of segments that were cut just now, and whose clients have not taken all of them: some dozen
# viewers at a time get theirs without a detour.
LENT_BYTES = 24 * 1024 * 1024
KEPT_BYTES = 8 * 1024 * 1024  # for the next cuts, of memory that nobody uses

_log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Segment:
    """A segment that exists: its size in bytes and its entity tag, before any of it is read."""

    key: SegmentKey
    size: int
    etag: str
    _service: "StreamingService"
    _title: Title
    _facts: SegmentFacts

    @asynccontextmanager
    async def open(self) -> AsyncIterator[BinaryIO]:
        """Its bytes, from the cache or cut now, all of them checked. Raises MediaDamaged."""
        file = await self._service.content(self.key, self._title, self._facts)
        with file:
            yield file

    async def place(self, file: BinaryIO) -> str | None:
        """Where below the cache's folder the bytes are that ``open`` gave; None where they were
        cut just now and not kept."""
        return await self._service.place(self.key, self._facts, file)


class StreamingService:
    """Cuts each segment once for all who wait for it, in this process and beside it.

    Used as an async context manager; ``threads`` cuts run at a time. With ``prefetch``, the
    budget of the cache in bytes, the next segment is cut ahead of its viewer; 0: never. At most
    ``lent`` bytes of memory are held for clients who take what was cut for them; who comes beyond
    that reads the cached file, or, where it could not be cached, has it cut for each MiB.
    """

    def __init__(
        self,
        videos: VideoStore,
        media: MediaStore,
        cache: SegmentCache,
        *,
        threads: int,
        prefetch: int = 0,
        lent: int = LENT_BYTES,
        measures: StreamingMeasures = UNMEASURED,
    ) -> None:
        self._measures = measures
        # Cuts have threads of their own: a warm segment never waits behind a cold one.
        self._cutters = ThreadPoolExecutor(threads, thread_name_prefix="cut")
        self._readers = ThreadPoolExecutor(_FILE_THREADS, thread_name_prefix="segment")
        self._cut = Offload(self._cutters)
        self.read = Offload(self._readers)
        self._cache = cache
        self.shelf = TitleShelf(videos, media, self.read)
        self._flights = Flights()
        self._room = Buffers(KEPT_BYTES)
        self.loans = Loans(lent)
        self._prefetch = Prefetch(cache, prefetch, self._start_ahead) if prefetch else None
        self._counting = threading.Lock()
        self.cuts = 0  # made by this process for somebody who waited
        self.cuts_ahead = 0

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        if self._prefetch is not None:
            await self._prefetch.aclose()
        for pool in (self._cutters, self._readers):
            await asyncio.to_thread(pool.shutdown, wait=True, cancel_futures=True)
        await self._flights.all_landed()

    async def segment(
        self, video_id: int, resolution: str, name: str, version: str | None = None
    ) -> Segment:
        """Raises NotFound for everything that is not there; creates no file for it.

        ``version`` is the generation that the URL names, None where it names none.
        """
        match = _SEGMENT.fullmatch(name)
        if match is None:
            raise NotFound("There is no such segment.")
        found = await self.shelf.find(video_id, version)
        rendition = rendition_for(found.title, resolution)
        index = int(match[1])
        if index >= found.title.grid.segment_count:
            raise NotFound("There is no such segment.")
        try:
            if found.title.has_ts_facts(rendition):
                facts = found.title.ts_facts(rendition, index)
            else:
                facts = await self.read(found.title.ts_facts, rendition, index)
        except DamagedTitle as error:
            raise await self.shelf.trouble(video_id, found.generation, error) from error
        key = SegmentKey(video_id, found.generation, rendition, index)
        etag = f'"{found.generation}-{facts.xxh3:016x}"'
        return Segment(key, facts.size, etag, self, found.title, facts)

    async def content(self, key: SegmentKey, title: Title, facts: SegmentFacts) -> BinaryIO:
        """The segment's bytes, opened. For ``Segment.open``."""
        began = time.perf_counter()
        try:
            file, source = await self._found(key, title, facts)
        except DamagedTitle as error:
            raise await self.shelf.trouble(key.video_id, key.generation, error) from error
        self._measures.segment(source, time.perf_counter() - began)
        if self._prefetch is not None:
            self._prefetch.note(key, title)
        return file

    async def place(self, key: SegmentKey, facts: SegmentFacts, file: BinaryIO) -> str | None:
        """For ``Segment.place``."""
        if isinstance(file, Shared | MadeAgain):
            await self.landed(key)
            kept = await self.read(self._cache.open, key, facts)
            if kept is None:
                return None
            kept.close()
        return self._cache.place(key)

    async def prefetched(self) -> None:
        """Wait until nothing is to be cut ahead any more."""
        if self._prefetch is not None:
            await self._prefetch.settled()

    async def landed(self, key: SegmentKey) -> None:
        """Wait until the segment, if it is being cut, is in the cache or could not be put there."""
        if flight := self._flights.find(key):
            await flight.landed()

    async def _found(
        self, key: SegmentKey, title: Title, facts: SegmentFacts
    ) -> tuple[BinaryIO, str]:
        """The bytes, and where they came from (``StreamingMeasures.segment``)."""
        while True:
            flight, source = self._flights.find(key), "joined"
            if flight is None:
                if file := self._cache.open_at_once(key, facts):
                    return file, "cache"
                with self._flights.looking_for(key):
                    if file := await self.read(self._cache.open, key, facts):
                        return file, "cache"
                    flight = self._flights.find(key)
                    if flight is None:
                        work = partial(self._fly, key, title, facts)
                        flight, source = self._flights.take_off(key, work), "cut"
            with self._waiting():
                block = await flight.block()
            if block is not None and (lent := self.loans.lend(block)):
                return lent, source
            if block is None:
                source = "joined"  # a cut of another process
            # It is in a file, or will be; memory for more clients is not to be had.
            await flight.landed()
            if file := await self.read(self._cache.open, key, facts):
                return file, source
            if block is not None:
                cut = partial(title.cut_ts, key.rendition, key.index, self._room)
                return cast(BinaryIO, MadeAgain(facts.size, cut, self._cut)), source

    @contextmanager
    def _waiting(self) -> Iterator[None]:
        self._measures.waiting(1)
        try:
            yield
        finally:
            self._measures.waiting(-1)

    async def _fly(
        self, key: SegmentKey, title: Title, facts: SegmentFacts, flight: Flight
    ) -> None:
        with self._prefetch.somebody_waits() if self._prefetch else nullcontext():
            await self._cut(self._produce, key, title, facts, flight, is_ahead=False)

    def _start_ahead(
        self, key: SegmentKey, title: Title, facts: SegmentFacts, thread: Offload
    ) -> Flight | None:
        if key in self._flights:
            return None
        return self._flights.take_off(
            key, lambda flight: thread(self._produce, key, title, facts, flight, is_ahead=True)
        )

    def _produce(
        self, key: SegmentKey, title: Title, facts: SegmentFacts, flight: Flight, *, is_ahead: bool
    ) -> None:
        """In a thread: tell of what another process has cut meanwhile, or of a cut of our own,
        which goes into the cache when its viewers have been answered."""
        with self._cache.cutting(key):
            file = self._cache.open(key, facts)
            if file is not None:
                file.close()
                flight.tell(None)
                return
            began = time.perf_counter()
            data = title.cut_ts(key.rendition, key.index, self._room)
            self._measures.cut(time.perf_counter() - began, is_ahead=is_ahead)
            _log.debug("segment cut", segment=str(key))
            with self._counting:
                self.cuts += not is_ahead
                self.cuts_ahead += is_ahead
            flight.tell(Block(data))
            self._cache.put(key, data)
