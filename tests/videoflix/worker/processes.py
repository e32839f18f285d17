"""Real worker processes, and a Redis that can be killed."""

import asyncio
import os
import signal
import sys
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager, suppress
from pathlib import Path

from pydantic import SecretStr

from tests.ports import free_port
from tests.processes import leashed
from videoflix.embedded.queue import server_binary, wait_for_redis
from videoflix.settings import RedisSettings, Settings

ACTED_WORKER = (sys.executable, "-m", "tests.videoflix.worker.acted_worker")
REAL_WORKER = (sys.executable, "-m", "videoflix", "worker")
_REPOSITORY = Path(__file__).parents[3]


def environment(settings: Settings) -> Mapping[str, str]:
    """This environment with the settings in it that are not the defaults."""
    found = {name: value for name, value in os.environ.items() if "VIDEOFLIX" not in name}
    for section in Settings.model_fields:
        values = getattr(settings, section)
        for name, field in type(values).model_fields.items():
            value = getattr(values, name)
            if value == field.default:
                continue
            if isinstance(value, SecretStr):
                value = value.get_secret_value()
            text = ",".join(value) if isinstance(value, tuple) else str(value)
            found[f"VIDEOFLIX_{section}__{name}".upper()] = text
    return found


@asynccontextmanager
async def worker_process(
    settings: Settings, command: tuple[str, ...] = ACTED_WORKER
) -> AsyncIterator[asyncio.subprocess.Process]:
    """A worker on these settings; killed when the block ends, if it still runs then."""
    process = await asyncio.create_subprocess_exec(
        *leashed(*command),
        cwd=_REPOSITORY,
        env=environment(settings),
        stdin=asyncio.subprocess.DEVNULL,
    )
    try:
        yield process
    finally:
        with suppress(ProcessLookupError):
            process.kill()
        await process.wait()


async def stop(process: asyncio.subprocess.Process, *, seconds: float) -> int:
    """SIGTERM; its exit status. Raises TimeoutError."""
    process.send_signal(signal.SIGTERM)
    async with asyncio.timeout(seconds):
        return await process.wait()


class OwnRedis:
    """A Redis server with a password, on its own port and without any memory of its past."""

    def __init__(self) -> None:
        self._port = free_port()
        self._process: asyncio.subprocess.Process | None = None
        url = f"redis://:secret@127.0.0.1:{self._port}/0"
        self.settings = RedisSettings.model_validate({"url": url, "timeout": 1.0})

    async def start(self) -> None:
        self._process = await asyncio.create_subprocess_exec(
            *leashed(str(server_binary()), "--port", str(self._port), "--bind", "127.0.0.1"),
            *("--save", "", "--appendonly", "no", "--requirepass", "secret"),
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.DEVNULL,
        )
        await wait_for_redis(self.settings.url.get_secret_value())

    async def kill(self) -> None:
        if self._process is not None:
            self._process.kill()
            await self._process.wait()
            self._process = None


@asynccontextmanager
async def own_redis() -> AsyncIterator[OwnRedis]:
    redis = OwnRedis()
    await redis.start()
    try:
        yield redis
    finally:
        await redis.kill()
