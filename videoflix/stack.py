"""The whole server as child processes under one parent: embedded services, HTTP processes and
workers, watched, restarted when they crash and stopped together."""

import asyncio
import os
import socket
import sys
from collections.abc import AsyncIterator, Coroutine, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

from videoflix.embedded import open_services
from videoflix.errors import VideoflixError
from videoflix.http_children import HttpChildren
from videoflix.metrics.serving import children_seen
from videoflix.mongo_url import check_mongo_url
from videoflix.processes import Family, Program
from videoflix.secret import with_secret
from videoflix.settings import ServerSettings, Settings

BACKLOG = 1024
# For requests that run. The rest of a child's stop takes up to 2.5 s more.
DRAIN_SECONDS = 2.5
# For the children, which stop before the services: with the services' grace (3 s) 8 s of the
# 10 s that a stop may take, also when nothing ends by itself.
GRACE_SECONDS = 5.0
_FINAL = frozenset({2})  # the configuration is wrong: a restart cannot mend that


T = TypeVar("T")


class PortInUseError(VideoflixError):
    code = "port_in_use"


@dataclass(frozen=True, slots=True)
class Stack:
    """What runs. ``settings`` have the services' addresses and the port that is listened on."""

    settings: Settings
    family: Family
    http: HttpChildren

    @property
    def url(self) -> str:
        return self.settings.server.public_url

    async def ended(self) -> None:
        """Wait for ever; raises ProgramEndedError when a child ends for good."""
        await self.family.failed()

    async def restart_when(self, asked: asyncio.Event) -> None:
        """Each time ``asked`` is set, replace the HTTP children one by one. Never returns; raises
        as ``ended`` does."""
        await self.run(self.http.restart_when(asked))

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
    settings: Settings,
    config: Path | None,
    *,
    processes: int,
    workers: int,
    drain: float = DRAIN_SECONDS,
    is_own_frontend: bool = False,
) -> AsyncIterator[Stack]:
    """Run ``processes`` HTTP children (0: one for each core) and ``workers`` worker children, and
    the embedded services where the settings ask for them. A stop gives requests ``drain`` seconds.
    With ``is_own_frontend`` the links of mails lead to the server's own pages.

    Yields when HTTP is answered. Raises VideoflixError when something does not come up; then,
    and on the way out, everything is stopped again.
    """
    if not settings.mongo.is_embedded:
        check_mongo_url(settings.mongo.uri.get_secret_value())
    settings = with_secret(settings)
    sockets = listen(settings.server)
    try:
        port = sockets[0].getsockname()[1]
        server = settings.server.model_copy(update={"port": port})
        settings = settings.model_copy(update={"server": server})
        environment = {**os.environ, "VIDEOFLIX_SERVER__PORT": str(port)}
        if is_own_frontend:
            environment["VIDEOFLIX_SERVER__FRONTEND_URL"] = server.public_url
        async with (
            open_services(settings) as services,
            children_seen(settings.metrics) as figures,
        ):
            family = Family()
            program = _http_program(config, environment, drain)
            http = HttpChildren(family, program, sockets, figures)
            stack = Stack(services.settings, family, http)
            try:
                for number in range(1, workers + 1):
                    family.rely_on(await family.start(worker_program(config, number, environment)))
                await stack.run(http.start(processes or cores()))
                yield stack
            finally:
                # First, so that clients and balancers are refused and go elsewhere, instead of
                # waiting in the queue of a socket that nobody will accept from.
                for listener in sockets:
                    listener.close()
                services.settle()
                await family.stop()
                http.close()
    finally:
        for listener in sockets:
            listener.close()


def _http_program(config: Path | None, environment: Mapping[str, str], drain: float) -> Program:
    return Program(
        name="http",
        argv=command(config, "http-child", "--drain", f"{drain:g}"),
        environment=environment,
        grace=GRACE_SECONDS - DRAIN_SECONDS + drain,
        final=_FINAL,
    )


def cores() -> int:
    """Processor cores that this process may use."""
    return len(os.sched_getaffinity(0))
