"""The server of ``tests.drills.server``, started and killed by drills, and an admin at it."""

import asyncio
import json
import os
import signal
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

import httpx

from tests.drills.work import REPOSITORY, WorkSite
from tests.handlers.site import PASSWORD, login
from tests.processes import leashed
from tests.videoflix.worker.processes import environment
from videoflix.container import open_container

ADMIN = "admin@example.com"
SECONDS = 60.0


@dataclass
class DrillServer:
    site: WorkSite
    idle: float | None = None  # seconds for a header, where it is not the server's own
    process: asyncio.subprocess.Process | None = field(default=None, init=False)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.site.parts.settings.server.port}"

    @property
    def pid(self) -> int:
        assert self.process is not None
        return self.process.pid

    async def start(self) -> None:
        self.process = await asyncio.create_subprocess_exec(
            *leashed(sys.executable, "-m", "tests.drills.server"),
            cwd=REPOSITORY,
            env={
                **environment(self.site.parts.settings),
                "VIDEOFLIX_LOG__LEVEL": "error",
                **({"DRILL_IDLE_SECONDS": f"{self.idle:g}"} if self.idle else {}),
            },
            stdout=asyncio.subprocess.PIPE,
        )
        assert self.process.stdout is not None
        async with asyncio.timeout(SECONDS):
            said = await self.process.stdout.readline()
        assert said == b"ready\n", said

    async def killed(self) -> None:
        """Wait until somebody's SIGKILL has ended it."""
        assert self.process is not None
        async with asyncio.timeout(SECONDS):
            await self.process.communicate()
        assert self.process.returncode == -signal.SIGKILL

    async def kill(self) -> None:
        os.kill(self.pid, signal.SIGKILL)
        await self.killed()

    def count_anew(self) -> None:
        """From now on: how late its event loop is, and its memory at most."""
        os.kill(self.pid, signal.SIGUSR1)
        Path(f"/proc/{self.pid}/clear_refs").write_text("5", encoding="ascii")

    async def lateness(self) -> dict[str, float]:
        """How late its event loop was since then."""
        assert self.process is not None
        assert self.process.stdout is not None
        await asyncio.sleep(0.05)  # a stall is seen when it is over, at the next tick
        os.kill(self.pid, signal.SIGUSR2)
        async with asyncio.timeout(SECONDS):
            found: dict[str, float] = json.loads(await self.process.stdout.readline())
        return found

    def memory(self) -> int:
        """Bytes that it holds."""
        return memory_of(self.pid, "VmRSS")

    def most_memory(self) -> int:
        """Bytes that it held at most since ``count_anew``."""
        return memory_of(self.pid, "VmHWM")

    def descriptors(self) -> int:
        return len(os.listdir(f"/proc/{self.pid}/fd"))  # noqa: PTH208 -- names alone

    async def stop(self) -> dict[str, float]:
        """How late its event loop was."""
        assert self.process is not None
        self.process.terminate()
        async with asyncio.timeout(SECONDS):
            output, _ = await self.process.communicate()
        found: dict[str, float] = json.loads(output.splitlines()[-1])
        return found


def memory_of(pid: int, what: str) -> int:
    """Bytes: ``VmRSS`` now, ``VmHWM`` at most."""
    for line in Path(f"/proc/{pid}/status").read_text(encoding="ascii").splitlines():
        if line.startswith(f"{what}:"):
            return int(line.split()[1]) * 1024
    raise AssertionError(f"no {what}")


async def _add_admin(site: WorkSite) -> None:
    async with open_container(site.parts.settings) as container:
        await container.accounts.create(ADMIN, PASSWORD, is_staff=True)


@asynccontextmanager
async def drill_server(
    site: WorkSite, idle: float | None = None
) -> AsyncIterator[tuple[DrillServer, httpx.AsyncClient]]:
    """Started, with an admin who has signed in. Whatever runs in the end is killed."""
    await _add_admin(site)
    server = DrillServer(site, idle)
    await server.start()
    try:
        async with httpx.AsyncClient(
            base_url=f"{server.url}/api/", trust_env=False, timeout=SECONDS
        ) as client:
            await login(client, ADMIN)
            yield server, client
    finally:
        if server.process is not None and server.process.returncode is None:
            with suppress(ProcessLookupError):
                server.process.kill()
            await server.process.communicate()
