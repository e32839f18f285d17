"""The shell scripts of the compose file, run here as containers run them."""

import os
import stat
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest
from redis import Redis
from redis.exceptions import AuthenticationError
from redis.exceptions import ConnectionError as RedisConnectionError

from tests.commands import REPOSITORY, until
from tests.deploy.compose import compose_file, made_env
from tests.ports import free_port
from tests.processes import started, stop
from videoflix.embedded.queue import server_binary

FOLDER = REPOSITORY / "deploy" / "compose"


@contextmanager
def started_redis(folder: Path, port: int, password: str) -> Iterator[None]:
    programs = folder / "programs"
    programs.mkdir()
    (programs / "redis-server").symlink_to(server_binary())
    environment = {
        "PATH": f"{programs}:{os.environ['PATH']}",
        "REDISCLI_AUTH": password,
        "REDIS_FOLDER": str(folder),
        "REDIS_PORT": str(port),
    }
    command = ["sh", str(FOLDER / "redis-start.sh")]
    with started(*command, env=environment, stdout=subprocess.DEVNULL) as process:
        yield
        stop(process)


def test_redis_wants_its_password(tmp_path: Path) -> None:
    known = made_env()
    password = compose_file(known)["services"]["redis"]["environment"]["REDISCLI_AUTH"]
    port = free_port()

    def answers() -> bool:
        with suppress(RedisConnectionError), Redis(port=port, password=password) as queue:
            return bool(queue.ping())
        return False

    with started_redis(tmp_path, port, password):
        until(answers)
        with Redis(port=port, password=password) as queue:
            assert queue.config_get("maxmemory-policy") == {"maxmemory-policy": "volatile-ttl"}
            queue.set("a", "b")
            queue.save()
        with Redis(port=port) as stranger, pytest.raises(AuthenticationError):
            stranger.ping()
    assert (tmp_path / "dump.rdb").exists()


def test_mongo_gets_a_key_that_nobody_else_reads(tmp_path: Path) -> None:
    """The image's own script is not here: what it is given is looked at."""
    handed = tmp_path / "docker-entrypoint.sh"
    handed.write_text('#!/bin/sh\nprintf "%s\\n" "$@"\n', encoding="utf-8")
    handed.chmod(0o755)
    started = subprocess.run(
        ["sh", str(FOLDER / "mongo-start.sh")],
        env={
            "PATH": f"{tmp_path}:{os.environ['PATH']}",
            "MONGO_KEY": "0123456789abcdef",
            "MONGO_FOLDER": str(tmp_path),
        },
        check=True,
        capture_output=True,
        text=True,
    )
    key = tmp_path / "key"
    assert key.read_text(encoding="utf-8") == "0123456789abcdef\n"
    assert stat.S_IMODE(key.stat().st_mode) == 0o600
    words = started.stdout.split()
    assert words[:5] == ["mongod", "--replSet", "rs0", "--keyFile", str(key)]
    assert "--bind_ip_all" in words
