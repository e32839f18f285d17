"""D12: thousands of connections that are kept, while people sign in."""

import asyncio
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

import httpx

from handlers.connections import most_connections
from tests.benchmarks.rows import at_least, at_most
from tests.drills.report import Outcome, all_of
from tests.drills.serving import ADMIN, DrillServer, drill_server
from tests.drills.work import REPOSITORY, work_site
from tests.handlers.site import PASSWORD
from tests.processes import leashed
from tests.services import services_for_tests
from videoflix.descriptors import allow_all_descriptors

CONNECTIONS = 10_000
LOGINS = 50
MOST_LATE = 50.0  # milliseconds
MINUTES = 300.0
# As in production; tests have cheaper passwords.
AUTH = {"bcrypt_cost": 12}


@dataclass(frozen=True)
class Figures:
    """Connections whose first and second request was answered, the server's descriptors while all
    were open, logins that succeeded, and how late its loop was."""

    opened: int
    again: int
    descriptors: int
    logins: int
    late: dict[str, float]


class Client:
    """The process that has the connections."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self._process = process

    async def said(self, word: str) -> int:
        assert self._process.stdout is not None
        async with asyncio.timeout(MINUTES):
            line = (await self._process.stdout.readline()).decode()
        assert line.startswith(word), line
        return int(line.split()[1])

    def go_on(self) -> None:
        assert self._process.stdin is not None
        self._process.stdin.write(b"\n")


@asynccontextmanager
async def keeping(url: str, count: int) -> AsyncIterator[Client]:
    process = await asyncio.create_subprocess_exec(
        *leashed(sys.executable, "-m", "tests.drills.keep_alive", url, str(count)),
        cwd=REPOSITORY,
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
    )
    try:
        yield Client(process)
    finally:
        with suppress(ProcessLookupError):
            process.kill()
        await process.communicate()


async def _login(url: str) -> bool:
    async with httpx.AsyncClient(base_url=url, trust_env=False, timeout=60) as client:
        body = {"email": ADMIN, "password": PASSWORD}
        return (await client.post("/api/login/", json=body)).status_code == 200


async def hold(server: DrillServer, *, connections: int, logins: int) -> Figures:
    """All are opened, people sign in, and then each of them is used again."""
    server.count_anew()
    async with keeping(server.url, connections) as client:
        opened = await client.said("open")
        descriptors = server.descriptors()
        signed_in = sum(await asyncio.gather(*(_login(server.url) for _ in range(logins))))
        client.go_on()
        again = await client.said("again")
        return Figures(opened, again, descriptors, signed_in, await server.lateness())


def _count() -> int:
    """The connections of this drill: fewer where this machine lets no process have so many, which
    is where its hard limit of open files is below 13,500 (``most_connections``)."""
    allow_all_descriptors()
    most = most_connections()
    # Others are for those who sign in, and for the admin of the drill.
    return CONNECTIONS if most is None else min(CONNECTIONS, most - LOGINS - 1)


async def drill(folder: Path) -> Outcome:
    count = _count()
    outcome = Outcome(
        f"{count:,} connections are opened, used and kept; {LOGINS} people sign in at the "
        "same time; then each connection is used again."
    )
    with services_for_tests(folder / "services") as services:
        async with (
            work_site(folder, services, auth=AUTH) as site,
            drill_server(site) as (server, _),
        ):
            found = await hold(server, connections=count, logins=LOGINS)
    fewer = [] if count == CONNECTIONS else [f"not {CONNECTIONS:,}: the limit of open files is low"]
    outcome.figures = [
        all_of("D12 connections opened and answered", found.opened, count, *fewer),
        all_of("D12 kept, and answered again", found.again, count),
        at_least("D12 descriptors of the server then", found.descriptors, count, ""),
        all_of("D12 logins meanwhile", found.logins, LOGINS),
        at_most(
            "D12 loop late, p99",
            found.late["own_p99"],
            MOST_LATE,
            "ms",
            f"with waiting for a core {found.late['p99']:.1f} ms; at worst "
            f"{found.late['own']:.0f} ms, with waiting {found.late['worst']:.0f} ms",
        ),
    ]
    return outcome
