"""A hundred viewers of one film, each somewhere else in it, at the speed of the film.

A segment was waited for when it did not come from the cache: it had to be cut while its viewer
waited, for him or ahead of him. Viewers ask the service within this process, which knows that;
the first segment of each does not count.
"""

import asyncio
import random
import time
from contextvars import ContextVar
from pathlib import Path

from tests.benchmarks.rows import Row, Times, at_most
from tests.benchmarks.scale import Scale
from tests.benchmarks.served import Films
from tests.handlers.conftest import changed
from videoflix.container import open_container
from videoflix.ports.measures import Unmeasured
from videoflix.streaming.service import StreamingService

_SEED = 5


class _Sources(Unmeasured):
    """Where the last segment of this task's viewer came from."""

    def __init__(self) -> None:
        self._last: ContextVar[str] = ContextVar("source")

    def segment(self, source: str, seconds: float) -> None:  # noqa: ARG002 -- the port's
        self._last.set(source)

    @property
    def last(self) -> str:
        return self._last.get()


async def _watch(
    service: StreamingService,
    sources: _Sources,
    film: tuple[int, str],
    segments: range,
    due: list[float],
) -> list[tuple[bool, float]]:
    """For each segment after the first whether it was waited for, and milliseconds until it was
    there. Each is asked for when it is ``due`` by the monotonic clock."""
    seen = []
    for number, moment in zip(segments, due, strict=True):
        await asyncio.sleep(moment - time.monotonic())
        asked = time.perf_counter()
        segment = await service.segment(*film, f"segment_{number:03}.ts")
        async with segment.open() as file:
            milliseconds = (time.perf_counter() - asked) * 1000
            was_waited_for = sources.last != "cache"
            assert len(await asyncio.to_thread(file.read)) == segment.size
        if number != segments.start:
            seen.append((was_waited_for, milliseconds))
    return seen


async def _play(films: Films, scale: Scale) -> list[tuple[bool, float]]:
    grid = films.material.long.title.grid
    seconds = float(grid.segment_seconds(0)) * scale.pace
    places = random.Random(_SEED)  # noqa: S311 -- the same in every run
    begin = time.monotonic() + 1
    viewers = []
    for _ in range(scale.viewers):
        first = places.randrange(grid.segment_count - scale.watched)
        start = begin + places.random() * seconds
        due = [start + number * seconds for number in range(scale.watched)]
        viewers.append((range(first, first + scale.watched), due))
    settings = changed(films.settings, cache={"prefetch": True})  # as by default
    sources = _Sources()
    async with open_container(settings, measures=sources) as container:
        service, film = container.streaming, (films.long_id, films.rendition)
        seen = await asyncio.gather(
            *(_watch(service, sources, film, *viewer) for viewer in viewers)
        )
    return [one for viewer in seen for one in viewer]


def measure(films: Films, scale: Scale, _folder: Path) -> list[Row]:
    seen = asyncio.run(_play(films, scale))
    waited = sum(was_waited_for for was_waited_for, _ in seen)
    times = Times("until a segment is there", [milliseconds for _, milliseconds in seen])
    return [
        at_most(
            f"segments waited for by {scale.viewers} viewers of one title, after start-up",
            100 * waited / len(seen),
            2,
            "%",
            f"{waited} of {len(seen)}; everybody watches another part of it",
            str(times),
        )
    ]
