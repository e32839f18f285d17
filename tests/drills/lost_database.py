"""D4: the database is killed while accounts are made."""

import asyncio
import itertools
import os
import signal
import time
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path

import httpx

from tests.benchmarks.rows import at_least, at_most
from tests.drills.report import Outcome, all_of
from tests.drills.serving import drill_server
from tests.drills.work import WorkSite, work_site
from tests.handlers.site import PASSWORD
from tests.ports import free_port
from tests.services import Services, services_for_tests
from tests.videoflix.waiting import until
from videoflix.container import open_container
from videoflix.embedded.database import create_user, start_database
from videoflix.embedded.record import Endpoint, mongo_uri
from videoflix.processes import KeptProcess

WRITES = 200
AT_ONCE = 8
KILLS = 3
LONGEST = 2.5  # seconds until an answer without the database
ALL_SECONDS = 300.0  # for all writes
PAUSE = 0.1  # seconds before somebody who was refused tries again


@dataclass
class Figures:
    """``acknowledged`` are addresses whose account was made, by the answer; ``missing`` are those
    of them that the database does not have in the end; ``refused`` are the seconds of each 503."""

    acknowledged: list[str] = field(default_factory=list)
    missing: list[str] = field(default_factory=list)
    refused: list[float] = field(default_factory=list)
    others: Counter[int] = field(default_factory=Counter)
    kills: int = 0


@asynccontextmanager
async def own_database(
    folder: Path, services: Services
) -> AsyncIterator[tuple[Services, KeptProcess]]:
    """The services with a database of its own, which is started again when it is killed."""
    endpoint = Endpoint(free_port(), "a-password-of-the-drill")
    await create_user(folder, endpoint)
    database = await start_database(folder, endpoint)
    try:
        yield replace(services, mongo_uri=mongo_uri(endpoint)), database
    finally:
        await database.stop()


async def _register(client: httpx.AsyncClient, email: str, found: Figures) -> int:
    body = {"email": email, "password": PASSWORD, "confirmed_password": PASSWORD}
    began = time.monotonic()
    response = await client.post("register/", json=body)
    seconds = time.monotonic() - began
    if response.status_code == 201:
        found.acknowledged.append(email)
    elif response.status_code == 503:
        found.refused.append(seconds)
    else:
        found.others[response.status_code] += 1
    return response.status_code


async def write(
    site: WorkSite, client: httpx.AsyncClient, database: KeptProcess, *, writes: int, kills: int
) -> Figures:
    """Make accounts, some at a time, until so many are acknowledged, and kill the database evenly
    over that; once it is back, look for each. Who is refused tries another address."""
    found = Figures()
    due = [writes * (number + 1) // (kills + 1) for number in range(kills)]
    addresses = (f"member{number}@example.com" for number in itertools.count())

    async def some() -> None:
        while len(found.acknowledged) < writes and not found.others:
            if due and len(found.acknowledged) >= due[0]:
                due.pop(0)
                # Between two of its lives nobody has its pid.
                pid = await until(_pid)
                os.kill(pid, signal.SIGKILL)
                found.kills += 1
            if await _register(client, next(addresses), found) == 503:
                await asyncio.sleep(PAUSE)

    async def _pid() -> int | None:
        return database.pid

    async with asyncio.timeout(ALL_SECONDS):
        await asyncio.gather(*(some() for _ in range(AT_ONCE)))

    async def is_back() -> bool:
        return (await client.get("admin/users/")).status_code == 200

    await until(is_back)
    async with open_container(site.parts.settings) as container:
        for email in found.acknowledged:
            if await container.users.find_by_email(email) is None:
                found.missing.append(email)
    return found


def misses(found: Figures, writes: int, kills: int, *, longest: float = LONGEST) -> list[str]:
    slowest = max(found.refused, default=0.0)
    checks = {
        f"no acknowledged write is missing: {found.missing}": not found.missing,
        f"201 or 503: {dict(found.others)}": not found.others,
        f"a 503 within {longest:g} s: {slowest:.2f}": slowest <= longest,
        f"killed {found.kills} times": found.kills == kills,
        f"{len(found.acknowledged)} are acknowledged": len(found.acknowledged) >= writes,
    }
    return [text for text, holds in checks.items() if not holds]


async def drill(folder: Path) -> Outcome:
    outcome = Outcome(
        f"{WRITES} accounts are made, {AT_ONCE} at a time; kill -9 of the embedded database "
        f"{KILLS} times meanwhile, which is started again each time; who is refused tries another."
    )
    with services_for_tests(folder / "services") as services:
        async with (
            own_database(folder / "own", services) as (own, database),
            work_site(folder, own) as site,
            drill_server(site) as (_, client),
        ):
            found = await write(site, client, database, writes=WRITES, kills=KILLS)
    outcome.misses = misses(found, WRITES, KILLS)
    kept = len(found.acknowledged) - len(found.missing)
    outcome.figures = [
        at_least("D4 the database was killed", found.kills, KILLS, "times"),
        all_of("D4 acknowledged accounts that are there", kept, len(found.acknowledged)),
        all_of(
            "D4 others that are answered with 503",
            len(found.refused),
            max(1, len(found.refused) + found.others.total()),
        ),
        at_most("D4 until such a 503, at most", max(found.refused, default=0.0), LONGEST, "s"),
    ]
    return outcome
