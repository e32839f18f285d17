"""Connections that are kept, that are slow, and that are too many."""

import asyncio
import subprocess
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
from tornado.web import Application, RequestHandler

from handlers.connections import Patience, PatientServer
from tests.drills.raw import answer, connected, request, send, status_of
from tests.videoflix.waiting import until_true
from videoflix.embedded.record import free_port

GET = request("GET", "/")
HALF = b"GET / HTTP/1.1\r\nHost: 127"
LONG = 3600.0
SHORT = 0.3


class _Hello(RequestHandler):
    def get(self) -> None:
        self.write("hello")


@asynccontextmanager
async def served(
    patience: Patience, most: int | None = None
) -> AsyncIterator[tuple[str, PatientServer]]:
    port = free_port()
    server = PatientServer(Application([("/", _Hello)]), patience=patience, most=most)
    server.listen(port, "127.0.0.1")
    try:
        yield f"http://127.0.0.1:{port}", server
    finally:
        server.stop()
        await server.close_all_connections()


@pytest.mark.parametrize(
    ("patience", "brought", "status"),
    [
        (Patience(header=SHORT, keep_alive=LONG, write=LONG), b"", 0),
        (Patience(header=SHORT, keep_alive=LONG, write=LONG), HALF, 0),
        (Patience(header=SHORT, keep_alive=LONG, write=LONG), GET + HALF, 200),
        (Patience(header=LONG, keep_alive=SHORT, write=LONG), GET, 200),
    ],
    ids=["nothing", "half a header", "half of a later header", "no other request"],
)
async def test_r20_who_keeps_the_server_waiting_is_given_up(
    patience: Patience, brought: bytes, status: int
) -> None:
    """R20: each by its own time alone."""
    async with served(patience) as (url, _):
        client = await connected(url)
        with client:
            await send(client, iter((brought,)))
            assert status_of(await answer(client)) == status


async def test_a_connection_is_kept_for_another_request() -> None:
    """For longer than a header may take."""
    patience = Patience(header=SHORT, keep_alive=LONG, write=SHORT)
    async with served(patience) as (url, _):
        reader, writer = await asyncio.open_connection(*url.removeprefix("http://").split(":"))
        for _ in range(2):
            writer.write(GET)
            assert b"200 OK" in await reader.readuntil(b"hello")
            await asyncio.sleep(4 * SHORT)  # nothing happens: that is what is to be seen
        writer.close()


async def test_more_connections_than_there_may_be_wait_for_their_turn() -> None:
    patience = Patience(header=LONG, keep_alive=LONG, write=LONG)
    last = request("GET", "/", "Connection: close")
    async with served(patience, most=2) as (url, server):
        kept = [await connected(url) for _ in range(2)]
        await until_true(lambda: len(server.streams) == 2)
        waiting = await connected(url)
        with waiting:
            await send(waiting, iter((last,)))
            reading = asyncio.create_task(answer(waiting))
            done, _ = await asyncio.wait([reading], timeout=0.5)
            assert not done
            assert len(server.streams) == 2
            kept.pop().close()
            assert status_of(await reading) == 200
        kept.pop().close()


def test_a_process_may_have_as_many_descriptors_as_its_hard_limit() -> None:
    program = (
        "import resource; from videoflix.descriptors import allow_all_descriptors; "
        "from handlers.connections import most_connections; "
        "resource.setrlimit(resource.RLIMIT_NOFILE, (256, 1024)); "
        "print(most_connections(), allow_all_descriptors(), most_connections())"
    )
    found = subprocess.run([sys.executable, "-c", program], capture_output=True, check=True)
    assert found.stdout.split() == [b"1", b"1024", b"768"]
