"""What load balancers and container engines ask, of a server that lacks one thing or another."""

import asyncio
from collections.abc import Iterator, MutableMapping
from typing import Any

import httpx
import pytest
from structlog.testing import capture_logs

from tests.handlers.conftest import changed, site
from tests.handlers.site import Server
from tests.videoflix.relay import relayed
from tests.videoflix.waiting import until
from videoflix.errors import QueueUnavailable
from videoflix.readiness import SILENT, Readiness
from videoflix.settings import Settings

ALL = {"database": True, "queue": True, "disk": True, "worker": True}
PROBE = {"Host": "10.1.2.3:8000"}  # by its bare address


@pytest.fixture
def logs() -> Iterator[list[MutableMapping[str, Any]]]:
    with capture_logs() as found:
        yield found


async def report_worker(server: Server) -> None:
    await server.container.encoding.report_alive("somewhere:1", "somewhere", 1)


@pytest.mark.parametrize("path", ["/healthz", "/healthz/"])
async def test_a_server_lives_whatever_it_is_called(
    server: Server, client: httpx.AsyncClient, path: str
) -> None:
    response = await client.get(server.url + path, headers=PROBE)
    assert (response.status_code, response.json()) == (200, {"status": "ok"})
    assert response.headers["Cache-Control"] == "no-store"
    assert (await client.head(server.url + path, headers=PROBE)).status_code == 200


async def test_ready_is_who_has_everything(server: Server, client: httpx.AsyncClient) -> None:
    await report_worker(server)
    for path in ("/readyz", "/readyz/"):
        response = await client.get(server.url + path, headers=PROBE)
        assert response.status_code == 200
        assert response.json() == {"status": "ready", "parts": ALL}
    assert (await client.head(f"{server.url}/readyz", headers=PROBE)).status_code == 200


async def test_without_a_worker_films_still_play(server: Server, client: httpx.AsyncClient) -> None:
    response = await client.get(f"{server.url}/readyz")
    assert response.status_code == 503
    assert response.json() == {"status": "not ready", "parts": {**ALL, "worker": False}}
    assert int(response.headers["Retry-After"]) > 0
    assert (await client.head(f"{server.url}/readyz")).status_code == 503
    response = await client.get(f"{server.url}/readyz?exclude=queue,disk,worker")
    assert (response.status_code, response.json()["parts"]) == (200, {"database": True})
    for wrong in ("everything", "queue,", "queue worker"):
        response = await client.get(f"{server.url}/readyz", params={"exclude": wrong})
        assert response.status_code == 400, wrong
        assert list(response.json()) == ["exclude"]


async def test_a_disk_below_its_floor(settings: Settings) -> None:
    async with (
        site(changed(settings, storage={"free_floor": 1 << 60})) as server,
        server.client() as client,
    ):
        await report_worker(server)
        response = await client.get(f"{server.url}/readyz")
    assert (response.status_code, response.json()["parts"]) == (503, {**ALL, "disk": False})


async def test_services_go_away_and_come_back(
    settings: Settings, logs: list[MutableMapping[str, Any]]
) -> None:
    async with (
        relayed(settings.mongo.uri) as (database, uri),
        relayed(settings.redis.url) as (queue, url),
    ):
        services = {"mongo": {"uri": uri, "timeout": 0.5}, "redis": {"url": url, "timeout": 0.5}}
        chosen = changed(settings, **services)
        async with site(chosen) as server, server.client() as client:
            await report_worker(server)

            async def says(**parts: bool) -> None:
                """It may answer from memory for a moment."""

                async def look() -> bool:
                    response = await client.get(f"{server.url}/readyz")
                    return bool(response.json()["parts"] == {**ALL, **parts})

                await until(look)

            await says()
            await queue.cut()
            await says(queue=False)
            await queue.mend()
            await says()
            await database.cut()
            await says(database=False, worker=False)
            assert (await client.get(f"{server.url}/healthz")).status_code == 200
    said = [line for line in logs if line["event"] in ("not ready", "ready again")]
    assert [line["event"] for line in said] == ["not ready", "ready again", "not ready"]
    assert said[0]["queue"] == "The queue cannot be reached."
    assert "127.0.0.1" not in str(said)


async def test_probes_are_not_logged_each_time(
    server: Server, client: httpx.AsyncClient, logs: list[MutableMapping[str, Any]]
) -> None:
    for _ in range(3):
        await client.get(f"{server.url}/healthz")
        await client.get(f"{server.url}/readyz")
    requests = [line for line in logs if line["event"] == "request"]
    assert {line["log_level"] for line in requests} == {"debug"}
    assert [line["log_level"] for line in logs if line["event"] == "not ready"] == ["warning"]


class Looks:
    """A part that hangs, one that is away, one that is broken and one that is fine."""

    def __init__(self) -> None:
        self.begun = 0
        self.is_free = asyncio.Event()

    async def hangs(self) -> str:
        self.begun += 1
        await self.is_free.wait()
        return ""

    async def is_away(self) -> str:
        raise QueueUnavailable("It cannot be reached.")

    async def is_broken(self) -> str:
        raise ZeroDivisionError

    async def is_fine(self) -> str:
        return ""


async def test_a_part_that_hangs_is_waited_for_once(
    logs: list[MutableMapping[str, Any]],
) -> None:
    looks = Looks()
    readiness = Readiness(
        {"a": looks.hangs, "b": looks.is_away, "c": looks.is_broken, "d": looks.is_fine},
        seconds=0.05,
        fresh=0,
    )
    found = {"a": SILENT, "b": "It cannot be reached.", "c": "cannot be looked at", "d": ""}
    asked = await asyncio.gather(*(readiness.troubles() for _ in range(5)))
    assert asked == [found] * 5
    assert looks.begun == 1
    looks.is_free.set()
    assert (await readiness.troubles())["a"] == ""
    await readiness.aclose()
    assert [line["a"] for line in logs if line["event"] == "not ready" and "a" in line] == [SILENT]


async def test_who_asks_often_costs_nothing() -> None:
    looks = Looks()
    looks.is_free.set()
    readiness = Readiness({"a": looks.hangs}, fresh=1000)
    for _ in range(50):
        assert await readiness.troubles() == {"a": ""}
    assert looks.begun == 1
    await readiness.aclose()


async def test_what_hangs_ends_with_the_server() -> None:
    looks = Looks()
    readiness = Readiness({"a": looks.hangs}, seconds=0.01)
    await readiness.troubles()
    await readiness.aclose()
    assert [task for task in asyncio.all_tasks() if task.get_name() == "look at a"] == []
