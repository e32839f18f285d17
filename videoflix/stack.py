"""The whole server as child processes under one parent: embedded services, HTTP processes and
workers, watched, restarted when they crash and stopped together.

The parent owns the listening socket. Every HTTP child inherits it, also one that takes the place
of a crashed one, so that no connection is refused in between.
"""

import asyncio
import os
import socket
import sys
from collections.abc import AsyncIterator, Coroutine, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

from videoflix.embedded import open_services
from videoflix.errors import ServiceUnavailable, VideoflixError
from videoflix.mongo_url import check_mongo_url
from videoflix.processes import KeptProcess, Program
from videoflix.secret import with_secret
from videoflix.settings import ServerSettings, Settings

BACKLOG = 1024
READY_SECONDS = 60.0
PROBE_SECONDS = 5.0
POLL_SECONDS = 0.1
# For the children, which stop before the services: with the services' grace (3 s) 8.5 s of the
# 10 s that a stop may take, also when nothing ends by itself.
GRACE_SECONDS = 5.5
_FINAL = frozenset({2})  # the configuration is wrong: a restart cannot mend that
_ANY_ADDRESS = {"0.0.0.0": "127.0.0.1", "::": "::1"}  # noqa: S104 -- mapped, not bound


T = TypeVar("T")


class PortInUseError(VideoflixError):
    code = "port_in_use"


@dataclass(frozen=True, slots=True)
class Stack:
    """What runs. ``settings`` have the services' addresses and the port that is listened on."""

    settings: Settings
    children: tuple[KeptProcess, ...]

    @property
    def url(self) -> str:
        return self.settings.server.public_url

    async def ended(self) -> None:
        """Wait for ever; raises ProgramEndedError when a child ends for good."""
        watches = [asyncio.ensure_future(child.ended()) for child in self.children]
        try:
            await asyncio.gather(*watches)
            await asyncio.Event().wait()
        finally:
            for watch in watches:
                watch.cancel()

    async def run(self, work: Coroutine[Any, Any, T]) -> T:
        """The result of ``work``; raises ProgramEndedError when a child ends for good first."""
        working = asyncio.ensure_future(work)
        ended = asyncio.ensure_future(self.ended())
        try:
            await asyncio.wait([working, ended], return_when=asyncio.FIRST_COMPLETED)
            if not working.done():
                ended.result()
            return await working
        finally:
            working.cancel()
            ended.cancel()
            await asyncio.wait([working, ended])


def command(config: Path | None, *arguments: str) -> tuple[str, ...]:
    """The command line of ``python -m videoflix`` in this Python with this configuration."""
    chosen = ("--config", str(config)) if config else ()
    return (sys.executable, "-m", "videoflix", *chosen, *arguments)


def worker_program(
    config: Path | None, number: int = 1, environment: Mapping[str, str] | None = None
) -> Program:
    """One worker as a child process. It finds the embedded services, which its parent keeps."""
    return Program(
        name=f"worker {number}",
        argv=command(config, "worker", "--supervised"),
        environment=environment,
        grace=GRACE_SECONDS,
        final=_FINAL,
    )


def listen(server: ServerSettings) -> list[socket.socket]:
    """Listen on the settings' host and port: one socket for each address that the host has.

    Raises PortInUseError with one clear line.
    """
    sockets: list[socket.socket] = []
    port = server.port
    try:
        found = socket.getaddrinfo(server.host, port, type=socket.SOCK_STREAM)
        for family, address in sorted({(entry[0], entry[4][0]) for entry in found}):
            listener = socket.create_server((str(address), port), family=family, backlog=BACKLOG)
            sockets.append(listener)
            port = listener.getsockname()[1]  # where the settings leave it open: the same for all
    except OSError as error:
        for listener in sockets:
            listener.close()
        reason = os.strerror(error.errno or 0)
        if isinstance(error, socket.gaierror):
            reason = "the host has no address"
        raise PortInUseError(
            f"cannot listen on {server.host}, port {server.port}: {reason} "
            "(VIDEOFLIX_SERVER__HOST and VIDEOFLIX_SERVER__PORT choose another place)"
        ) from error
    return sockets


@asynccontextmanager
async def running_stack(
    settings: Settings, config: Path | None, *, processes: int, workers: int
) -> AsyncIterator[Stack]:
    """Run ``processes`` HTTP children and ``workers`` worker children, and the embedded services
    where the settings ask for them.

    Yields when HTTP is answered. Raises VideoflixError when something does not come up; then,
    and on the way out, everything is stopped again.
    """
    if not settings.mongo.is_embedded:
        check_mongo_url(settings.mongo.uri.get_secret_value())
    settings = with_secret(settings)
    sockets = listen(settings.server) if processes else []
    try:
        if sockets:
            port = sockets[0].getsockname()[1]
            server = settings.server.model_copy(update={"port": port})
            settings = settings.model_copy(update={"server": server})
        async with open_services(settings) as services:
            programs = _programs(settings, config, sockets, processes, workers)
            stack = Stack(services.settings, tuple(KeptProcess(program) for program in programs))
            try:
                for child in stack.children:
                    await child.start()
                if sockets:
                    await _wait_for_http(stack, sockets[0])
                yield stack
            finally:
                services.settle()
                await asyncio.gather(*(child.stop() for child in stack.children))
    finally:
        for listener in sockets:
            listener.close()


def _programs(
    settings: Settings,
    config: Path | None,
    sockets: Sequence[socket.socket],
    processes: int,
    workers: int,
) -> list[Program]:
    environment = {**os.environ, "VIDEOFLIX_SERVER__PORT": str(settings.server.port)}
    descriptors = tuple(listener.fileno() for listener in sockets)
    inherited = [part for number in descriptors for part in ("--fd", str(number))]
    http = [
        Program(
            name=f"http {number}",
            argv=command(config, "http-child", *inherited),
            environment=environment,
            pass_fds=descriptors,
            grace=GRACE_SECONDS,
            final=_FINAL,
        )
        for number in range(1, processes + 1)
    ]
    work = [worker_program(config, number, environment) for number in range(1, workers + 1)]
    return [*http, *work]


async def _wait_for_http(stack: Stack, listener: socket.socket) -> None:
    host, port = listener.getsockname()[:2]
    try:
        async with asyncio.timeout(READY_SECONDS):
            await stack.run(_answer(_ANY_ADDRESS.get(host, host), port))
    except TimeoutError as error:
        raise ServiceUnavailable(
            f"the HTTP server did not answer within {READY_SECONDS:g} s"
        ) from error


async def _answer(host: str, port: int) -> None:
    """Return once a child answers a request with anything at all."""
    while True:
        try:
            async with asyncio.timeout(PROBE_SECONDS):
                if await _probe(host, port):
                    return
        except (OSError, TimeoutError):
            pass  # no child is up yet: the socket is ours, so requests wait in its queue
        await asyncio.sleep(POLL_SECONDS)


async def _probe(host: str, port: int) -> bool:
    reader, writer = await asyncio.open_connection(host, port)
    try:
        writer.write(b"HEAD / HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
        return (await reader.read(5)) == b"HTTP/"
    finally:
        writer.close()
