"""What the accounts' answers cost and tell, at the default price of a password.

R2: whether the time of an answer tells that there is an account: tries with a known and an unknown
address in turns, over real connections, and the ratio of their medians. R3: how late the event
loop is while twenty people sign in at once; clients and server share this process and its loop,
so the figure is an upper bound.
"""

import asyncio
import secrets
import statistics
import sys
import tempfile
import time
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx

from tests.conftest import fresh_settings
from tests.handlers.conftest import changed, site
from tests.handlers.site import PASSWORD, Server
from tests.services import services_for_tests
from videoflix.logs import configure_logging
from videoflix.settings_loader import load_settings

KNOWN = "known@example.com"
TRIES = 200
PARALLEL = 20
COST = 12
TICK = 0.002


@dataclass(frozen=True)
class Compared:
    """Milliseconds of the same call for a known and an unknown address."""

    call: str
    known: float
    unknown: float

    @property
    def ratio(self) -> float:
        """The larger by the smaller."""
        return max(self.known, self.unknown) / min(self.known, self.unknown)


@dataclass(frozen=True)
class Lag:
    """How late the event loop was, in milliseconds; and how long all logins took, in seconds."""

    worst: float
    p99: float
    seconds: float


def _unknown() -> str:
    return f"unknown-{secrets.token_hex(4)}@example.com"


def _client(server: Server) -> httpx.AsyncClient:
    """Bare: what tests check of every answer would be measured too."""
    return httpx.AsyncClient(base_url=f"{server.url}/api/", trust_env=False, timeout=120)


async def compare(server: Server, call: str, tries: int) -> Compared:
    """``login`` with a wrong password, or ``password_reset``, in turns for both."""
    times: dict[bool, list[float]] = {True: [], False: []}
    answers = set()
    async with _client(server) as client:
        for number in range(2 * tries):
            is_known = number % 2 == 0
            body = {"email": KNOWN if is_known else _unknown(), "password": "wrong-Harbour-1"}
            started = time.perf_counter()
            response = await client.post(f"{call}/", json=body)
            times[is_known].append((time.perf_counter() - started) * 1000)
            answers.add((response.status_code, response.content))
    if len(answers) != 1:
        raise RuntimeError(f"{call}: the answers differ: {answers}")
    return Compared(call, statistics.median(times[True]), statistics.median(times[False]))


async def _lateness(late: list[float]) -> None:
    while True:
        due = time.perf_counter() + TICK
        await asyncio.sleep(TICK)
        late.append((time.perf_counter() - due) * 1000)


async def lag_of_logins(server: Server, parallel: int) -> Lag:
    body = {"email": KNOWN, "password": PASSWORD}
    late: list[float] = []
    # One client, made before: making one stops the loop for as long as it reads certificates.
    async with _client(server) as client:
        watching = asyncio.create_task(_lateness(late))
        started = time.perf_counter()
        answers = await asyncio.gather(*(client.post("login/", json=body) for _ in range(parallel)))
        seconds = time.perf_counter() - started
        watching.cancel()
        with suppress(asyncio.CancelledError):
            await watching
    for answer in answers:
        answer.raise_for_status()
    return Lag(max(late), statistics.quantiles(late, n=100)[98], seconds)


async def measure(
    folder: Path, *, tries: int, parallel: int, cost: int
) -> tuple[list[Compared], Lag]:
    with (
        services_for_tests(folder / "services") as services,
        fresh_settings(folder, services) as settings,
    ):
        async with site(changed(settings, auth={"bcrypt_cost": cost})) as server:
            await server.add_user(KNOWN)
            with suppress(httpx.HTTPError):
                await compare(server, "login", 1)  # connections, indexes, first calls
            compared = [await compare(server, call, tries) for call in ("login", "password_reset")]
            return compared, await lag_of_logins(server, parallel)


def report(compared: Iterable[Compared], lag: Lag, parallel: int) -> None:
    """Print the figures."""
    write = sys.stdout.write
    write(f"{'medians, ms':34}{'known':>12}{'unknown':>12}{'ratio':>12}\n")
    for found in compared:
        write(f"{found.call:34}{found.known:12.2f}{found.unknown:12.2f}{found.ratio:12.3f}\n")
    write("(a ratio of at most 1.10 is asked for)\n\n")
    write(
        f"{parallel} logins at once took {lag.seconds:.1f} s; the event loop was late by at most\n"
    )
    write(f"{lag.worst:.1f} ms, p99 {lag.p99:.1f} ms (at most 100 ms are asked for)\n")


def run(build: Path) -> dict[str, Any]:
    """Measure, print, and return what goes into the results."""
    configure_logging(load_settings(environment={"VIDEOFLIX_LOG__LEVEL": "error"}))
    sys.stdout.write(f"{TRIES} tries each at bcrypt cost {COST} ...\n")
    sys.stdout.flush()
    with tempfile.TemporaryDirectory(dir=build, prefix="bench-") as name:
        compared, lag = asyncio.run(
            measure(Path(name).absolute(), tries=TRIES, parallel=PARALLEL, cost=COST)
        )
    report(compared, lag, PARALLEL)
    return {
        "bcrypt_cost": COST,
        "tries": TRIES,
        "medians_ms": {c.call: {"known": c.known, "unknown": c.unknown} for c in compared},
        "median_ratios": {c.call: c.ratio for c in compared},
        "loop_lag_ms": {"worst": lag.worst, "p99": lag.p99, "parallel_logins": PARALLEL},
    }
