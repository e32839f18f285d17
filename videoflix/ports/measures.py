"""What happens, told to whoever counts it.

Methods take no time to speak of, raise nothing, and may be called from any thread. Whoever is
given no measures gets ``UNMEASURED``. Times are seconds.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol


@dataclass(frozen=True, slots=True)
class Backlog:
    """What waits: films by the state of their encode, for how many seconds the oldest job that
    could begin has waited, reset mails, and the oldest of those. Floats: NaN is unknown."""

    films: Mapping[str, int]
    oldest_job: float
    mails: float
    oldest_mail: float


class BacklogStore(Protocol):
    async def now(self) -> Backlog:
        """Counted now. Raises DatabaseUnavailable."""


class RequestMeasures(Protocol):
    def request(self, method: str, route: str, status: int, seconds: float) -> None:
        """A request was answered. ``route`` is one of the table's, never a path of a client."""

    def sent(self, size: int, *, by_proxy: bool = False) -> None:
        """Bytes of media have left; ``by_proxy``: the proxy was told to send them."""


class StreamingMeasures(Protocol):
    def segment(self, source: str, seconds: float) -> None:
        """A viewer's MPEG-TS segment was ready to be sent: from the ``cache``, by a ``cut`` that
        he began, or by one that he ``joined``, of this process or of another."""

    def cut(self, seconds: float, *, is_ahead: bool) -> None:
        """A segment was cut: for who waits, or ahead."""

    def waiting(self, change: int) -> None:
        """So many more (or fewer) wait for a segment that is being cut."""


class CacheMeasures(Protocol):
    def cached(self, size: int) -> None:
        """The bytes that the cache was found to hold."""

    def evicted(self, segments: int, size: int) -> None: ...


class EncodingMeasures(Protocol):
    def job(self, kind: str, outcome: str, seconds: float) -> None:
        """An attempt at a ``film`` or a ``part`` of one ended: ``done``, ``failed`` for good,
        to be tried ``again``, ``stopped`` with its worker, ``lost`` with its lease."""

    def encoded(self, frames: int, speed: float) -> None:
        """So many more pictures, at so many seconds of film a second."""


class UploadMeasures(Protocol):
    def upload(self, outcome: str, size: int) -> None:
        """A film of ``size`` bytes was complete and is ``accepted``, ``refused`` as none, or has
        ``failed`` for a reason of the server's."""


class MailMeasures(Protocol):
    def mail(self, seconds: float, *, is_sent: bool) -> None: ...


class Measures(
    RequestMeasures,
    StreamingMeasures,
    CacheMeasures,
    EncodingMeasures,
    UploadMeasures,
    MailMeasures,
    Protocol,
):
    """All of them."""


class Unmeasured:
    """Nobody counts."""

    def request(self, method: str, route: str, status: int, seconds: float) -> None: ...

    def sent(self, size: int, *, by_proxy: bool = False) -> None: ...

    def segment(self, source: str, seconds: float) -> None: ...

    def cut(self, seconds: float, *, is_ahead: bool) -> None: ...

    def waiting(self, change: int) -> None: ...

    def cached(self, size: int) -> None: ...

    def evicted(self, segments: int, size: int) -> None: ...

    def job(self, kind: str, outcome: str, seconds: float) -> None: ...

    def encoded(self, frames: int, speed: float) -> None: ...

    def upload(self, outcome: str, size: int) -> None: ...

    def mail(self, seconds: float, *, is_sent: bool) -> None: ...


UNMEASURED: Measures = Unmeasured()
