"""The embedded services: closed to strangers, durable, one owner at a time."""

import asyncio
import os
import signal
import socket
import stat
import subprocess
import sys
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from pymongo import MongoClient, WriteConcern
from pymongo.errors import OperationFailure
from redis import Redis
from redis.exceptions import AuthenticationError

from tests.commands import REPOSITORY, until
from tests.processes import started
from tests.videoflix.waiting import is_running
from videoflix.embedded import EmbeddedServices, running_services
from videoflix.embedded.database import wait_for_mongo
from videoflix.embedded.owner import RECORD
from videoflix.embedded.queue import wait_for_redis
from videoflix.embedded.record import Record, read_record, write_record
from videoflix.errors import ConfigurationError, DatabaseUnavailable, QueueUnavailable
from videoflix.settings_loader import load_settings

OWNER = """
import asyncio, sys
from pathlib import Path
from videoflix.embedded import EmbeddedServices
async def main():
    await EmbeddedServices(Path(sys.argv[1])).open()
    print("running", flush=True)
    await asyncio.sleep(1000)
asyncio.run(main())
"""


@pytest.fixture
async def root(tmp_path: Path) -> Path:
    return tmp_path / "a folder"


@pytest.fixture
async def services(root: Path) -> AsyncIterator[EmbeddedServices]:
    services = EmbeddedServices(root)
    yield services
    await services.close()


def insert(uri: str, number: int) -> None:
    with MongoClient[dict[str, Any]](uri) as client:
        table = client["test"].get_collection("n", write_concern=WriteConcern("majority", j=True))
        table.insert_one({"_id": number})


def count(uri: str) -> int:
    with MongoClient[dict[str, Any]](uri) as client:
        return client["test"]["n"].count_documents({})


def listening_addresses(port: int) -> set[str]:
    """Hexadecimal local addresses that listen on the port (proc(5), state 0A)."""
    found = set()
    for table in ("/proc/net/tcp", "/proc/net/tcp6"):
        for line in Path(table).read_text(encoding="ascii").splitlines()[1:]:
            fields = line.split()
            address, _, number = fields[1].partition(":")
            if fields[3] == "0A" and int(number, 16) == port:
                found.add(address)
    return found


async def test_closed_to_strangers(services: EmbeddedServices) -> None:
    record = await services.open()
    address = f"127.0.0.1:{record.mongo.port}"
    with (
        MongoClient[dict[str, Any]](f"mongodb://{address}/?directConnection=true") as client,
        pytest.raises(OperationFailure),
    ):
        client["test"]["n"].find_one()
    with (
        Redis(port=record.redis.port) as queue,
        pytest.raises(AuthenticationError),
    ):
        queue.ping()
    for port in (record.mongo.port, record.redis.port):
        assert listening_addresses(port) == {"0100007F"}
    assert record.mongo.password != record.redis.password


async def test_a_wrong_password_is_not_taken_for_silence(services: EmbeddedServices) -> None:
    record = await services.open()
    mongo, redis = (
        url.replace(password, "guessed")
        for url, password in (
            (record.mongo_uri, record.mongo.password),
            (record.redis_url, record.redis.password),
        )
    )
    with pytest.raises(DatabaseUnavailable, match="does not accept the user or the password"):
        await wait_for_mongo(mongo, seconds=0)
    with pytest.raises(QueueUnavailable, match="does not accept the user or the password"):
        await wait_for_redis(redis, seconds=0)


async def test_passwords_are_readable_by_their_owner_alone(
    services: EmbeddedServices, root: Path
) -> None:
    record = await services.open()
    for path in [root, *root.rglob("*")]:
        if path.is_dir():
            assert stat.S_IMODE(path.stat().st_mode) == 0o700, path
        else:
            assert stat.S_IMODE(path.stat().st_mode) == 0o600, path
    assert len(services.pids) == 2
    for pid in services.pids.values():
        line = Path(f"/proc/{pid}/cmdline").read_bytes()
        assert record.mongo.password.encode() not in line
        assert record.redis.password.encode() not in line


async def test_killed_services_come_back_with_their_data_at_the_same_address(
    services: EmbeddedServices,
) -> None:
    record = await services.open()
    await asyncio.to_thread(insert, record.mongo_uri, 1)
    with Redis.from_url(record.redis_url) as queue:
        queue.set("kept", "yes")
    for pid in services.pids.values():
        os.kill(pid, signal.SIGKILL)
    await wait_for_mongo(record.mongo_uri)
    await wait_for_redis(record.redis_url)
    assert await asyncio.to_thread(count, record.mongo_uri) == 1
    with Redis.from_url(record.redis_url) as queue:
        assert queue.get("kept") == b"yes"


async def test_a_second_start_has_the_same_data_and_addresses(root: Path) -> None:
    first = EmbeddedServices(root)
    record = await first.open()
    await asyncio.to_thread(insert, record.mongo_uri, 1)
    pids = list(first.pids.values())
    await first.close()
    assert [pid for pid in pids if is_running(pid)] == []
    second = EmbeddedServices(root)
    assert await second.open() == record
    assert await asyncio.to_thread(count, record.mongo_uri) == 1
    await second.close()


async def test_of_two_that_start_at_once_one_runs_the_services(root: Path) -> None:
    both = [EmbeddedServices(root), EmbeddedServices(root)]
    records = await asyncio.gather(*(services.open() for services in both))
    assert records[0] == records[1]
    assert sorted(services.is_owner for services in both) == [False, True]
    for services in both:
        await services.close()


async def test_who_finds_them_waits_until_the_database_has_its_user(
    services: EmbeddedServices, root: Path
) -> None:
    record = await services.open()
    write_record(root / RECORD, replace(record, mongo=replace(record.mongo, has_user=False)))
    finder = EmbeddedServices(root, may_run=False)
    finding = asyncio.create_task(finder.open())
    await asyncio.wait((finding,), timeout=1)
    assert not finding.done()
    write_record(root / RECORD, record)
    assert await finding == record
    await finder.close()


async def test_who_uses_them_takes_over_when_their_owner_is_killed(
    services: EmbeddedServices, root: Path
) -> None:
    command = (sys.executable, "-c", OWNER, str(root))
    with started(*command, cwd=REPOSITORY, stdout=subprocess.PIPE) as owner:
        assert owner.stdout
        assert await asyncio.to_thread(owner.stdout.readline) == b"running\n"
        record = await services.open()
        assert not services.is_owner
        await asyncio.to_thread(insert, record.mongo_uri, 1)
        owner.kill()
    await asyncio.to_thread(until, lambda: len(services.pids) == 2)
    await wait_for_mongo(record.mongo_uri)
    await wait_for_redis(record.redis_url)
    assert await asyncio.to_thread(count, record.mongo_uri) == 1


async def test_who_may_only_find_them_never_runs_them(
    services: EmbeddedServices, root: Path
) -> None:
    """Neither while nobody does nor when their owner ends: its parent will."""
    finder = EmbeddedServices(root, may_run=False)
    opening = asyncio.create_task(finder.open())
    record = await services.open()
    assert await opening == record
    await services.close()
    heir = EmbeddedServices(root)
    assert await heir.open() == record  # so the lock was free
    assert (heir.is_owner, finder.is_owner) == (True, False)
    await finder.close()
    await heir.close()


async def test_who_has_settled_takes_nothing_over(services: EmbeddedServices, root: Path) -> None:
    await services.open()
    settled, other = EmbeddedServices(root), EmbeddedServices(root)
    await settled.open()
    await other.open()
    settled.settle()
    settled.settle()
    await services.close()
    await asyncio.to_thread(until, lambda: other.is_owner)
    assert not settled.is_owner
    await settled.close()
    await other.close()


async def test_a_port_that_somebody_else_took_is_left_to_him(
    services: EmbeddedServices, root: Path
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        root.mkdir(mode=0o700)
        old = Record.new()
        values = {"port": port, "password": old.redis.password}
        write_record(
            root / "services.json", Record(mongo=old.mongo, redis=type(old.redis)(**values))
        )
        record = await services.open()
        assert record.redis.port != port
        assert record.redis.password == old.redis.password
        assert record == read_record(root / "services.json")


async def test_a_database_whose_folder_was_deleted_gets_its_user_again(root: Path) -> None:
    first = EmbeddedServices(root, wants_queue=False)
    await first.open()
    await first.close()
    (root / "db").rename(root.with_name("away"))
    second = EmbeddedServices(root, wants_queue=False)
    record = await second.open()
    assert await asyncio.to_thread(count, record.mongo_uri) == 0
    await second.close()


async def test_nothing_starts_where_urls_are_configured(root: Path) -> None:
    settings = load_settings(
        environment={
            "VIDEOFLIX_STORAGE__ROOT": str(root),
            "VIDEOFLIX_MONGO__URI": "mongodb://127.0.0.1:1/",
            "VIDEOFLIX_REDIS__URL": "redis://127.0.0.1:1/",
        }
    )
    async with running_services(settings) as running:
        assert running is settings
    assert not root.exists()


async def test_only_what_is_asked_for_starts(root: Path) -> None:
    settings = load_settings(
        environment={
            "VIDEOFLIX_STORAGE__ROOT": str(root),
            "VIDEOFLIX_MONGO__URI": "mongodb://127.0.0.1:1/",
        }
    )
    async with running_services(settings) as running:
        assert running.mongo == settings.mongo
        await wait_for_redis(running.redis.url.get_secret_value())
    assert not (root / "db").exists()


def test_a_damaged_record_is_named(tmp_path: Path) -> None:
    path = tmp_path / "services.json"
    path.write_text('{"mongo": {}}', encoding="utf-8")
    with pytest.raises(ConfigurationError, match=r"services\.json"):
        read_record(path)
