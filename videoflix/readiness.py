"""Whether a server can do all of its work now: its services answer, the disk has room, a worker
is alive."""

import asyncio
import time
from collections.abc import Awaitable, Callable, Mapping, Sized

import structlog

from videoflix.errors import VideoflixError
from videoflix.tasks import cancel_for_good

LOOK_SECONDS = 2.0
FRESH_SECONDS = 1.0
PARTS = ("database", "queue", "disk", "worker")
SILENT = "does not answer"

# Returns what is wrong, in plain words; an empty text where nothing is. May raise VideoflixError
# and OSError, whose text is what is wrong.
Look = Callable[[], Awaitable[str]]

_log = structlog.get_logger(__name__)


def looks_at(
    *,
    database: Callable[[], Awaitable[object]],
    queue: Callable[[], Awaitable[object]],
    free_bytes: Callable[[], Awaitable[int]],
    free_floor: int,
    live_workers: Callable[[], Awaitable[Sized]],
) -> Mapping[str, Look]:
    """A look at each of ``PARTS``. ``database`` and ``queue`` raise where those do not answer."""

    async def at_database() -> str:
        await database()
        return ""

    async def at_queue() -> str:
        await queue()
        return ""

    async def at_disk() -> str:
        free = await free_bytes()
        return "" if free >= free_floor else f"{free} bytes are free, the floor is {free_floor}"

    async def at_worker() -> str:
        return "" if await live_workers() else "no worker is alive"

    return dict(zip(PARTS, (at_database, at_queue, at_disk, at_worker), strict=True))


class Readiness:
    """Looks at all parts at once, for all who ask. Close it with ``aclose``."""

    def __init__(
        self,
        looks: Mapping[str, Look],
        *,
        seconds: float = LOOK_SECONDS,
        fresh: float = FRESH_SECONDS,
    ) -> None:
        """``looks`` by the parts' names. A part that has not been looked at within ``seconds``
        does not answer. What was found is believed for ``fresh`` seconds: whoever asks again and
        again costs the services nothing."""
        self._looks = looks
        self._seconds = seconds
        self._fresh = fresh
        self._looking = asyncio.Lock()
        self._running: dict[str, asyncio.Task[str]] = {}
        self._known: tuple[float, Mapping[str, str]] | None = None
        self._said: frozenset[str] = frozenset()

    async def troubles(self) -> Mapping[str, str]:
        """What is wrong with each part, for operators; empty where nothing is. Takes ``seconds``
        at most."""
        async with self._looking:
            if self._known is None or time.monotonic() - self._known[0] > self._fresh:
                found = await self._look()
                self._say(found)
                self._known = time.monotonic(), found
            return self._known[1]

    async def aclose(self) -> None:
        """End looks that still wait for an answer."""
        for task in list(self._running.values()):
            await cancel_for_good(task)

    async def _look(self) -> Mapping[str, str]:
        for name, look in self._looks.items():
            running = self._running.get(name)
            if running is None or running.done():  # else it hangs: one is enough
                self._running[name] = asyncio.create_task(_safely(look), name=f"look at {name}")
        await asyncio.wait(self._running.values(), timeout=self._seconds)
        return {
            name: task.result() if task.done() else SILENT for name, task in self._running.items()
        }

    def _say(self, found: Mapping[str, str]) -> None:
        """In the log, when it changes."""
        wrong = frozenset(name for name, trouble in found.items() if trouble)
        if wrong and wrong != self._said:
            _log.warning("not ready", **{name: found[name] for name in sorted(wrong)})
        elif self._said and not wrong:
            _log.info("ready again")
        self._said = wrong


async def _safely(look: Look) -> str:
    try:
        return await look()
    except (VideoflixError, OSError) as error:
        return str(error) or type(error).__name__
    except Exception:
        _log.exception("a look at the server's parts failed")
        return "cannot be looked at"
