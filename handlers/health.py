"""What load balancers and container engines ask: does it live, can it do its work.

Strangers may ask, so answers name parts and say yes or no; why not is in the log.
"""

from collections.abc import Mapping

from pydantic import Field

from handlers.base import ReadingHandler
from handlers.errors import RETRY_SECONDS
from handlers.query import Query, parse_query
from videoflix.readiness import PARTS

_PART = f"({'|'.join(PARTS)})"


class ReadinessQuery(Query):
    """Which parts count."""

    exclude: str | None = Field(
        None,
        description="Parts that do not count, with commas. A load balancer excludes "
        "`queue,disk,worker`: films play without them.",
        pattern=f"^{_PART}(,{_PART})*$",
        max_length=100,
    )


class ProbeHandler(ReadingHandler):
    is_probe = True

    def check_host(self) -> None:
        """Probes call a server by its bare address, and no answer here has a URL in it."""


class LivenessHandler(ProbeHandler):
    """Touches no service: a server that waits for its database is not to be killed for it."""

    async def get(self) -> None:
        self.answer({"status": "ok"})


class ReadinessHandler(ProbeHandler):
    async def get(self) -> None:
        wanted = parse_query(ReadinessQuery, self.request.query_arguments)
        excluded = (wanted.exclude or "").split(",")
        troubles = await self.container.readiness.troubles()
        parts = {name: not trouble for name, trouble in troubles.items() if name not in excluded}
        self.answer(*_verdict(parts))
        if not all(parts.values()):
            self.set_header("Retry-After", str(RETRY_SECONDS))


def _verdict(parts: Mapping[str, bool]) -> tuple[object, int]:
    is_ready = all(parts.values())
    body = {"status": "ready" if is_ready else "not ready", "parts": parts}
    return body, 200 if is_ready else 503
