"""``<root>/services.json`` (mode 600): where the embedded services of a storage root listen and
with which passwords.

Ports and passwords are kept from one run to the next, so that an address stays valid when a
service, or the command that runs it, is restarted.
"""

import json
import secrets
import socket
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Self

from videoflix.errors import ConfigurationError
from videoflix.private_files import write_private

LOOPBACK = "127.0.0.1"
USER = "videoflix"
# Below those that Linux gives to outgoing connections: nobody gets one by chance.
_PORTS = range(10_000, 20_000)
_PORT_TRIES = 100
GRACE_SECONDS = 3.0  # to end by itself; killing one loses nothing that was acknowledged


@dataclass(frozen=True, slots=True)
class Endpoint:
    """A service on loopback. ``has_user`` says that the password is known to its data."""

    port: int
    password: str
    has_user: bool = False


@dataclass(frozen=True, slots=True)
class Record:
    mongo: Endpoint
    redis: Endpoint

    @classmethod
    def new(cls) -> Self:
        """Free ports and fresh random passwords."""
        first = second = free_port()
        while second == first:
            second = free_port()
        return cls(
            mongo=Endpoint(first, secrets.token_urlsafe(32)),
            redis=Endpoint(second, secrets.token_urlsafe(32)),
        )

    @property
    def mongo_uri(self) -> str:
        return mongo_uri(self.mongo)

    @property
    def redis_url(self) -> str:
        return f"redis://:{self.redis.password}@{LOOPBACK}:{self.redis.port}/0"

    def on_free_ports(self) -> Self:
        """The same with other ports where another program has taken one."""
        return replace(
            self,
            mongo=self.mongo if is_free(self.mongo.port) else _moved(self.mongo),
            redis=self.redis if is_free(self.redis.port) else _moved(self.redis),
        )


def mongo_uri(endpoint: Endpoint) -> str:
    # The embedded server says that it knows a write that it gets a second time, and does not: one
    # whose answer was lost would come back as a duplicate that somebody else made.
    return (
        f"mongodb://{USER}:{endpoint.password}@{LOOPBACK}:{endpoint.port}"
        "/?authSource=admin&directConnection=true&retryWrites=false"
    )


def _moved(endpoint: Endpoint) -> Endpoint:
    return replace(endpoint, port=free_port())


def free_port() -> int:
    """A port on loopback that was free a moment ago."""
    for _ in range(_PORT_TRIES):
        if is_free(port := secrets.choice(_PORTS)):
            return port
    with socket.socket() as probe:
        probe.bind((LOOPBACK, 0))
        given: int = probe.getsockname()[1]
        return given


def is_free(port: int) -> bool:
    """Whether nothing listens on that port of loopback."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((LOOPBACK, port))
        except OSError:
            return False
        return True


def read_record(path: Path) -> Record | None:
    """The record, or None where there is none. Raises ConfigurationError when it is damaged."""
    try:
        values = json.loads(path.read_text(encoding="utf-8"))
        return Record(mongo=Endpoint(**values["mongo"]), redis=Endpoint(**values["redis"]))
    except FileNotFoundError:
        return None
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise ConfigurationError(f"{path}: cannot be read as a record of services") from error


def write_record(path: Path, record: Record) -> None:
    write_private(path, json.dumps(asdict(record), indent=2) + "\n")
