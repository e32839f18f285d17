"""Connections that are kept, that are slow, and that are too many."""

import asyncio
import gc
import socket
import struct
import subprocess
import sys
import weakref
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import Any, cast

import numpy as np
import pytest
from structlog.testing import capture_logs
from tornado.http1connection import HTTP1Connection
from tornado.iostream import StreamClosedError
from tornado.web import Application, RequestHandler

from handlers.connections import PATIENCE, ClientStream, Patience, PatientServer
from handlers.pieces import Pieces, send_pieces
from tests.drills.raw import answer, connected, request, send, status_of
from tests.ports import free_port
from tests.videoflix.waiting import until_true

GET = request("GET", "/")
HALF = b"GET / HTTP/1.1\r\nHost: 127"
LONG = 3600.0
SHORT = 0.3


class _Hello(RequestHandler):
    def get(self) -> None:
        self.write("hello")


class _File(RequestHandler):
    """A file of which the client is told ``length`` bytes."""

    def initialize(self, path: Path, length: int) -> None:
        self.path, self.length = path, length

    async def get(self) -> None:
        self.set_header("Content-Length", str(self.length))
        await self.flush()
        with self.path.open("rb") as file, suppress(StreamClosedError):
            connection = cast(HTTP1Connection, self.request.connection)
            await send_pieces(connection, Pieces(file, self.length))


@asynccontextmanager
async def served(
    patience: Patience, most: int | None = None, file: tuple[Path, int] = (Path(), 0)
) -> AsyncIterator[tuple[str, PatientServer]]:
    port = free_port()
    routes: list[Any] = [
        ("/", _Hello),
        ("/file", _File, {"path": file[0], "length": file[1]}),
    ]
    server = PatientServer(Application(routes), patience=patience, most=most)
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


class _Stuck(ClientStream):
    tries = 0

    def close(self, *args: Any, **kwargs: Any) -> None:
        self.tries += 1
        if self.tries < 3:
            raise OSError("cannot be closed")
        super().close(*args, **kwargs)


async def test_r20_one_that_cannot_be_closed_keeps_no_other_one() -> None:
    """It is tried again, and the log says so."""
    patience = Patience(header=SHORT, keep_alive=LONG, write=LONG)
    ours, theirs = socket.socketpair()
    with theirs, capture_logs() as logs:
        async with served(patience) as (url, server):
            stuck = _Stuck(ours)
            stuck.request_is_due()
            server.streams.add(stuck)
            client = await connected(url)
            with client:
                assert await answer(client) == b""
            await until_true(stuck.closed)
    [logged] = [entry for entry in logs if entry["event"] == "a slow connection cannot be closed"]
    assert "cannot be closed" in logged["reason"]


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


@pytest.mark.parametrize("size", [1, 64 * 1024 - 1, 64 * 1024, 5_000_001])
async def test_a_file_is_sent_whole_to_a_slow_client_who_asks_again(
    tmp_path: Path, size: int
) -> None:
    content = (bytes(range(251)) * (size // 251 + 1))[:size]  # no piece is like another
    path = tmp_path / "file"
    path.write_bytes(content)
    async with served(PATIENCE, file=(path, size)) as (url, _):
        reader, writer = await asyncio.open_connection(
            *url.removeprefix("http://").split(":"), limit=4096
        )
        for _ in range(2):
            writer.write(request("GET", "/file"))
            await writer.drain()
            head = await reader.readuntil(b"\r\n\r\n")
            assert b"200 OK" in head
            assert await reader.readexactly(size) == content
        writer.close()


async def test_who_takes_nothing_of_a_file_is_given_up(tmp_path: Path) -> None:
    """R20, R21"""
    size = 50_000_000
    path = tmp_path / "file"
    path.write_bytes(bytes(size))
    patience = Patience(header=LONG, keep_alive=LONG, write=SHORT)
    async with served(patience, file=(path, size)) as (url, server):
        client = await connected(url)
        with client:
            await send(client, iter((request("GET", "/file"),)))
            await until_true(lambda: len(server.streams) == 1)
            await until_true(lambda: not server.streams)
            taken = await answer(client)
        assert 0 < len(taken) < size


async def test_a_file_that_ends_early_ends_the_connection(tmp_path: Path) -> None:
    """Nobody takes the next answer for the rest of this one."""
    path = tmp_path / "file"
    path.write_bytes(bytes(300_000))
    async with served(PATIENCE, file=(path, 400_000)) as (url, _):
        client = await connected(url)
        with client:
            await send(client, iter((request("GET", "/file"),)))
            head, _, body = (await answer(client)).partition(b"\r\n\r\n")
        assert b"Content-Length: 400000" in head
        assert len(body) == 300_000


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


async def test_one_who_is_slow_to_take_a_file_counts_as_three(tmp_path: Path) -> None:
    """It has as many descriptors."""
    size = 50_000_000
    path = tmp_path / "file"
    path.write_bytes(bytes(size))
    last = request("GET", "/", "Connection: close")
    async with served(PATIENCE, most=3, file=(path, size)) as (url, server):
        slow = await connected(url)
        with slow:
            await send(slow, iter((request("GET", "/file"),)))
            await until_true(lambda: any(stream.writing() for stream in server.streams))
            waiting = await connected(url)
            with waiting:
                await send(waiting, iter((last,)))
                reading = asyncio.create_task(answer(waiting))
                done, _ = await asyncio.wait([reading], timeout=0.5)
                assert not done
                slow.close()
                assert status_of(await reading) == 200


def test_a_process_may_have_as_many_descriptors_as_its_hard_limit() -> None:
    """And as many connections, but for a reserve."""
    program = (
        "import resource; from videoflix.descriptors import allow_all_descriptors; "
        "from handlers.connections import most_connections; "
        "resource.setrlimit(resource.RLIMIT_NOFILE, (256, 1024)); "
        "print(most_connections(), allow_all_descriptors(), most_connections())"
    )
    found = subprocess.run([sys.executable, "-c", program], capture_output=True, check=True)
    assert found.stdout.split() == [b"1", b"1024", b"768"]


async def test_who_leaves_leaves_nothing_of_what_was_being_sent() -> None:
    """Not even until garbage is collected: a player that seeks leaves segments of megabytes."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        client = socket.create_connection(listener.getsockname())
        connection, _ = listener.accept()
    connection.setblocking(False)
    stream = ClientStream(connection)
    segment = np.zeros(64 * 1024 * 1024, np.uint8)
    is_there = weakref.ref(segment)
    gc.disable()
    try:
        # Reset, not closed in turn: the next write says so.
        client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        client.close()
        with pytest.raises(StreamClosedError):
            await stream.write(segment.data)
        assert isinstance(stream.error, ConnectionError)
        del segment
        assert is_there() is None
    finally:
        gc.enable()
