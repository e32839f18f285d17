"""The cache of cut segments."""

from collections.abc import Collection, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import BinaryIO, Protocol

from media_pipeline.titles.title import SegmentFacts


@dataclass(frozen=True, slots=True)
class SegmentKey:
    """Names one MPEG-TS segment for ever: a generation is never changed."""

    video_id: int
    generation: str
    rendition: str
    index: int


@dataclass(frozen=True, slots=True)
class CacheShare:
    """Some of the cached segments: how many, and their bytes."""

    files: int
    bytes: int


@dataclass(frozen=True, slots=True)
class CacheStats:
    """What the cache holds at this moment, by video id, and its budget (``max_bytes``)."""

    max_bytes: int
    bytes: int
    files: int
    titles: Mapping[int, CacheShare]


@dataclass(frozen=True, slots=True)
class Purged:
    """What was deleted: segments, their bytes; and how many could not be."""

    files: int
    bytes: int
    failed: int = 0


class SegmentPurge(Protocol):
    """The cache as those see it who delete films. Blocks: call it in an executor."""

    def purge(self, video_id: int | None = None, generation: str | None = None) -> Purged:
        """Delete the segments of one video, of one generation, or all.

        May run beside readers and writers: what is being read stays whole, and a segment that is
        being cut at this moment may be cached afterwards. Raises nothing: what cannot be
        deleted is evicted one day.
        """

    def generations(self) -> Mapping[int, Collection[str]]:
        """The generations of each video that the cache holds segments of."""


class SegmentCache(SegmentPurge, Protocol):
    """Segments that were cut, on a disk, within a budget. Methods block: call them in an executor.

    A cache that cannot be read or written only costs time: nothing here raises for it.
    """

    def open(self, key: SegmentKey, facts: SegmentFacts) -> BinaryIO | None:
        """The cached segment, open for reading, if its bytes are what ``facts`` says.

        A file that is not stays until ``put`` replaces it. An open segment stays readable when
        it is evicted.
        """

    def open_at_once(self, key: SegmentKey, facts: SegmentFacts) -> BinaryIO | None:
        """As ``open``, for the event loop: only of a segment that this process has checked, and
        that was used so recently that on a local disk nothing has to be waited for. None says
        nothing: ask ``open`` then."""

    def place(self, key: SegmentKey) -> str:
        """The name of the segment's file, relative to the cache's folder. Does not block."""

    def put(self, key: SegmentKey, data: bytes | memoryview) -> None:
        """Keep a segment; it is there whole or not at all. May evict others."""

    def holds(self, key: SegmentKey, facts: SegmentFacts) -> bool:
        """Whether there is a file of the right size, for those who would fill the cache ahead."""

    def has_room(self, size: int) -> bool:
        """Whether a segment of ``size`` bytes that nobody has asked for yet may be put here:
        not where the budget is a few segments, nor soon after one could not be written."""

    def cutting(self, key: SegmentKey) -> AbstractContextManager[None]:
        """Held by whoever cuts the segment: excludes the other processes of this cache."""

    def stats(self) -> CacheStats: ...
