"""Which title a video's id stands for at this moment, opened and kept.

A film can be played once it has a published generation, whatever has become of later encodes.
The generation that a new one replaced can be played on by who names it, for as long as the
record remembers it.
"""

import time
from collections import OrderedDict
from dataclasses import dataclass
from typing import Any, TypeVar

from media_pipeline.errors import DamagedTitle
from media_pipeline.packages.package import Package
from media_pipeline.pictures.ladder import BOXES
from media_pipeline.titles.title import Title
from videoflix.errors import DatabaseUnavailable, MediaDamaged, NotFound
from videoflix.offload import Offload
from videoflix.ports import MediaStore, VideoStore
from videoflix.streaming.damage import PART, damaged
from videoflix.streaming.measuring import TitleOpener
from videoflix.streaming.single_flight import SingleFlight

_FRESH = 2.0  # seconds for which a record is believed
_NEWS = 0.2  # seconds for which it is believed that a generation is unknown
_STALE = 60.0  # seconds for which a known title plays on while the database is away
_OPEN_TITLES = 64
_RECORDS = 1024
UNKNOWN = "There is no such video."
ANEW = "The film was encoded anew: load its playlist again."

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class OpenTitle:
    """A generation of a video that can be played."""

    video_id: int
    generation: str
    title: Title
    package: Package


@dataclass(frozen=True, slots=True)
class _Record:
    """What the database said at ``checked`` (this process's clock)."""

    published: str
    replaced: tuple[str, ...]
    checked: float

    @property
    def age(self) -> float:
        return time.monotonic() - self.checked


class TitleShelf:
    """Finds titles that can be played. One database query per title and two seconds, however
    many ask."""

    def __init__(self, videos: VideoStore, media: MediaStore, offload: Offload) -> None:
        self._videos = videos
        self._media = media
        self.open_title = TitleOpener(offload)
        self._records: OrderedDict[int, _Record] = OrderedDict()
        self._open: OrderedDict[tuple[int, str], OpenTitle] = OrderedDict()
        self._flights = SingleFlight()

    async def find(self, video_id: int, version: str | None = None) -> OpenTitle:
        """The published generation, or the one that is named: that, or one that it replaced a
        moment ago. Raises NotFound for all others and for an unknown video, MediaDamaged."""
        record = await self._record(video_id, _FRESH)
        if version is None or version == record.published:
            return await self._opened(video_id, record.published)
        if version not in record.replaced:
            # Another process may have heard of a new one before this one.
            record = await self._record(video_id, _NEWS)
            if version not in (record.published, *record.replaced):
                raise NotFound(ANEW)
        return await self._opened(video_id, version)

    async def _record(self, video_id: int, fresh: float) -> _Record:
        known = self._records.get(video_id)
        if known is not None and known.age < fresh:
            self._records.move_to_end(video_id)
            return known
        return await self._flights.join(video_id, self._look(video_id, known))

    async def _look(self, video_id: int, known: _Record | None) -> _Record:
        try:
            video = await self._videos.find(video_id)
        except DatabaseUnavailable:
            if known is not None and known.age < _STALE:
                return known
            raise
        if video is None or video.generation is None:
            self._records.pop(video_id, None)
            raise NotFound(UNKNOWN)
        record = _Record(video.generation, video.replaced, time.monotonic())
        if self._flights.is_mine(video_id):  # else forgotten meanwhile
            _keep(self._records, video_id, record, _RECORDS)
        return record

    def forget(self, video_id: int) -> None:
        """Ask the record again before the next answer: it was just changed by this process."""
        self._records.pop(video_id, None)
        self._flights.forget(video_id)
        for key in [key for key in self._open if key[0] == video_id]:
            del self._open[key]

    async def trouble(
        self, video_id: int, generation: str, error: DamagedTitle, what: str = PART
    ) -> NotFound | MediaDamaged:
        """What viewers hear of a generation that cannot be read: it is damaged, unless the film
        was deleted, or that encode of it, since its record was last believed."""
        try:
            video = await self._videos.find(video_id)
        except DatabaseUnavailable:
            return damaged(video_id, error, what)
        if video is not None and generation in (video.generation, *video.replaced):
            return damaged(video_id, error, what)
        self.forget(video_id)
        return NotFound(UNKNOWN if video is None else ANEW)

    async def _opened(self, video_id: int, generation: str) -> OpenTitle:
        key = (video_id, generation)
        found = self._open.get(key)
        if found is not None:
            self._open.move_to_end(key)
            return found
        return await self._flights.join(key, self._load(video_id, generation))

    async def _load(self, video_id: int, generation: str) -> OpenTitle:
        folder = self._media.title(video_id, generation)
        try:
            title = await self.open_title(folder)
            package = Package(title, f"/api/video/{video_id}", generation)
        except DamagedTitle as error:
            raise await self.trouble(video_id, generation, error, "This film") from error
        found = OpenTitle(video_id, generation, title, package)
        _keep(self._open, (video_id, generation), found, _OPEN_TITLES)
        return found


def _keep(shelf: OrderedDict[T, Any], key: T, value: object, most: int) -> None:
    shelf[key] = value
    shelf.move_to_end(key)
    if len(shelf) > most:
        shelf.popitem(last=False)


def rendition_for(title: Title, resolution: str) -> str:
    """The rendition that answers for ``resolution``: itself, else the best one below it.

    Clients offer every resolution for every film, but nothing is upscaled. Raises NotFound.
    """
    order = list(BOXES)
    if resolution not in order:
        raise NotFound("There is no such resolution.")
    below = [name for name in order[: order.index(resolution) + 1] if name in title.renditions]
    return below[-1] if below else title.names[0]
