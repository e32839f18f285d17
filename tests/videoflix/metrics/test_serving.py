"""Figures over HTTP: of one process, and of several put together."""

import asyncio
import socket
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import httpx
import pytest
from structlog.testing import capture_logs

from tests.ports import free_port
from tests.videoflix.metrics.test_measures import figures
from tests.videoflix.waiting import until_true
from videoflix.metrics.measures import PrometheusMeasures
from videoflix.metrics.serving import (
    ChildFigures,
    children_seen,
    metrics_served,
    put_together,
    told_to_parent,
)
from videoflix.settings import MetricsSettings

COUNTED = 'videoflix_requests_total{{method="GET",process="{}",route="/",status="200"}}'


def counting(requests: int) -> Callable[[], Awaitable[bytes]]:
    measures = PrometheusMeasures()
    for _ in range(requests):
        measures.request("GET", "/", 200, 0.1)

    async def text() -> bytes:
        return measures.text()

    return text


async def test_processes_are_told_apart(tmp_path: Path) -> None:
    children = ChildFigures(tmp_path)
    first, second = children.socket(1), children.socket(2)
    async with told_to_parent(first, counting(3)), told_to_parent(second, counting(5)):
        found = figures(await children.text())
    assert (found[COUNTED.format(1)], found[COUNTED.format(2)]) == (3, 5)
    assert [name for name in found if "process=" not in name] == []


async def test_who_takes_the_place_of_another_is_asked(tmp_path: Path) -> None:
    children = ChildFigures(tmp_path)
    place = children.socket(1)
    async with told_to_parent(place, counting(3)):
        assert children.socket(1) == place
        async with told_to_parent(place, counting(5)):
            found = figures(await children.text())
    assert found[COUNTED.format(1)] == 5


async def test_a_process_whose_socket_has_no_place_works_unseen(tmp_path: Path) -> None:
    """A path may have 107 bytes: one below a long TMPDIR has more."""
    folder = tmp_path / ("long" * 30)
    folder.mkdir()
    children = ChildFigures(folder)
    with capture_logs() as logs:
        async with told_to_parent(children.socket(1), counting(1)):
            found = figures(await children.text())
    assert found['videoflix_answering{process="1"}'] == 0
    assert [entry["event"] for entry in logs] == ["figures cannot be had"]


@asynccontextmanager
async def dying(path: Path) -> AsyncIterator[None]:
    """A process that ends in the middle of its answer."""

    async def tell(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"# TYPE videoflix_ready gauge\nvideoflix_rea")
        writer.close()

    async with await asyncio.start_unix_server(tell, path):
        yield


async def test_who_does_not_answer_is_named(tmp_path: Path) -> None:
    sockets = {name: tmp_path / name for name in ("lives", "dies", "gone")}
    async with told_to_parent(sockets["lives"], counting(1)), dying(sockets["dies"]):
        found = figures(await put_together(sockets))
    answering = {name: found[f'videoflix_answering{{process="{name}"}}'] for name in sockets}
    assert answering == {"lives": 1, "dies": 0, "gone": 0}
    assert found[COUNTED.format("lives")] == 1


async def test_who_does_not_wait_for_the_answer_hurts_nobody(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    is_gone, has_told = asyncio.Event(), asyncio.Event()

    async def late() -> bytes:
        await is_gone.wait()
        has_told.set()
        return b"x" * 10_000_000

    async with told_to_parent(tmp_path / "1", late):
        _, writer = await asyncio.open_unix_connection(tmp_path / "1")
        writer.close()
        await writer.wait_closed()
        is_gone.set()
        await has_told.wait()
        await until_true(lambda: len(asyncio.all_tasks()) == 1)
    assert caplog.records == []


async def test_one_port_answers_for_all() -> None:
    port = free_port()
    async with children_seen(MetricsSettings(port=port)) as children:
        assert children is not None
        place = children.socket(1)
        assert place.parent.stat().st_mode & 0o077 == 0
        async with (
            told_to_parent(place, counting(2)),
            httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}", trust_env=False) as client,
        ):
            answer = await client.get("/metrics")
            assert (await client.get("/")).status_code == 404
            assert (await client.post("/metrics")).status_code == 405
    assert figures(answer.content)[COUNTED.format(1)] == 2
    assert not place.parent.exists()


async def test_nobody_is_asked_where_nobody_wants_figures() -> None:
    async with children_seen(MetricsSettings()) as children:
        assert children is None


async def test_a_port_that_is_taken_stops_nothing() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken, capture_logs() as logs:
        async with metrics_served("127.0.0.1", taken.getsockname()[1], counting(0)):
            pass
    assert [line["event"] for line in logs] == ["figures cannot be had"]


@pytest.mark.parametrize("host", ["127.0.0.1", "::1"])
async def test_it_listens_where_it_is_told(host: str) -> None:
    port = free_port()
    async with metrics_served(host, port, counting(0)):
        with socket.create_connection((host, port)):
            pass
