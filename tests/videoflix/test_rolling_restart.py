"""``serve`` with several processes: they are replaced one by one while clients keep asking, and a
restart that cannot work changes nothing. The end of a terminal stays a stop."""

import asyncio
import os
import pty
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from http.client import HTTPConnection, HTTPException
from pathlib import Path
from urllib.parse import urlsplit

import httpx

from media_pipeline.titles.title import Title
from tests.clips.fixtures import ClipCache
from tests.commands import (
    REPOSITORY,
    STOP_SECONDS,
    Running,
    descendants,
    environment,
    running,
    until,
)
from tests.handlers.films import encoded_title, publish
from tests.handlers.site import PASSWORD
from tests.nginx import nginx
from tests.videoflix.waiting import is_running
from videoflix.container import open_container
from videoflix.settings import Settings
from videoflix.settings_loader import load_settings

LISTENS = r"^Videoflix listens on (http://\S+)"
CLIENTS = 3
EMAIL = "member@example.com"
COMMAND_SECONDS = 60.0


@dataclass
class Asked:
    """What came of requests, each over a connection of its own."""

    url: str
    method: str = "GET"
    path: str = "/api/video/"
    expected: int = 401
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes | None = None  # None: any
    answered: int = 0
    failed: list[str] = field(default_factory=list)


def _ask(asked: Asked, stop: threading.Event) -> None:
    parts = urlsplit(asked.url)
    while not stop.is_set():
        connection = HTTPConnection(parts.hostname or "", parts.port, timeout=30)
        try:
            connection.request(asked.method, asked.path, headers=asked.headers)
            response = connection.getresponse()
            body = response.read()
            if response.status != asked.expected:
                asked.failed.append(f"status {response.status}")
            elif asked.body is not None and body != asked.body:
                asked.failed.append(f"another body of {len(body)} bytes")
            else:
                asked.answered += 1
        except (OSError, HTTPException) as error:
            asked.failed.append(repr(error))
        finally:
            connection.close()


@contextmanager
def asking(found: list[Asked]) -> Iterator[list[Asked]]:
    stop = threading.Event()
    threads = [threading.Thread(target=_ask, args=(asked, stop)) for asked in found]
    for thread in threads:
        thread.start()
    try:
        yield found
    finally:
        stop.set()
        for thread in threads:
            thread.join()


def clients_of(url: str, front: str) -> list[Asked]:
    """Some that ask the server, and through nginx, which keeps connections to it, one that reads
    and one that changes something."""
    change = Asked(front, "POST", "/api/logout/", 400, {"Content-Type": "application/json"})
    return [*(Asked(url) for _ in range(CLIENTS)), Asked(front), change]


async def _add_film(environment: Mapping[str, str], encoded: Path) -> int:
    """And somebody who may watch it."""
    async with open_container(load_settings(environment=environment)) as container:
        await container.accounts.create(EMAIL, PASSWORD, is_staff=False)
        return (await publish(container, encoded)).id


def viewers_of(url: str, video_id: int, title: Title) -> list[Asked]:
    """Somebody who has signed in and gets segments, by MPEG-TS and by CMAF."""
    body = {"email": EMAIL, "password": PASSWORD}
    with httpx.Client(base_url=url, trust_env=False) as client:
        assert client.post("/api/login/", json=body).status_code == 200
        signed_in = {"Cookie": f"access_token={client.cookies['access_token']}"}
        folder = f"/api/video/{video_id}"
        by_cmaf = f"{folder}/cmaf/480p/segment_000.m4s"
        fragments = client.get(by_cmaf).content
    segment = bytes(title.cut_ts("480p", 0))
    return [
        Asked(url, "GET", f"{folder}/480p/segment_000.ts", 200, signed_in, segment),
        Asked(url, "GET", by_cmaf, 200, signed_in, fragments),
    ]


def http_children(server: Running) -> set[int]:
    found = set()
    for pid in descendants(server.process.pid):
        with suppress(OSError):  # it has ended meanwhile
            if is_running(pid) and b"http-child" in Path(f"/proc/{pid}/cmdline").read_bytes():
                found.add(pid)
    return found


def replaced(server: Running, before: set[int]) -> set[int]:
    """The children once there are as many and none of those."""

    def look() -> set[int]:
        now = http_children(server)
        return now if len(now) == len(before) and not now & before else set()

    return until(look)


def test_a_rolling_restart_fails_no_request(
    tmp_path: Path, settings: Settings, clip_cache: ClipCache
) -> None:
    root = tmp_path / "var"
    two = sorted(os.sched_getaffinity(0))[:2]
    extra = {
        "VIDEOFLIX_MONGO__URI": settings.mongo.uri.get_secret_value(),
        "VIDEOFLIX_MONGO__DATABASE": settings.mongo.database,
        "VIDEOFLIX_REDIS__URL": settings.redis.url.get_secret_value(),
        "VIDEOFLIX_AUTH__SECRET_KEY": settings.auth.secret_key.get_secret_value(),
    }
    encoded = encoded_title(clip_cache)
    video_id = asyncio.run(_add_film(environment(root, extra), encoded))
    cpus = ("taskset", "--cpu-list", ",".join(map(str, two)))
    with running("serve", "--processes", "auto", root=root, extra=extra, prefix=cpus) as server:
        url = server.line(LISTENS)[1]
        first = http_children(server)
        assert len(first) == len(two)
        backend = url.removeprefix("http://")
        with (
            nginx(tmp_path / "nginx", backend, root / "cache") as front,
            asking(
                [*clients_of(url, front.plain), *viewers_of(url, video_id, Title(encoded))]
            ) as clients,
        ):
            until(lambda: all(client.answered > 10 for client in clients))
            server.process.send_signal(signal.SIGHUP)
            second = replaced(server, first)
            counts = [client.answered for client in clients]
            until(lambda: all(c.answered > n + 10 for c, n in zip(clients, counts, strict=True)))
            # A restart that cannot work: new children refuse this file.
            (root / "config.toml").write_text("[nonsense]\n", encoding="utf-8")
            server.process.send_signal(signal.SIGHUP)
            until(lambda: "those that run go on" in _said(server))
            until(lambda: http_children(server) == second)
        assert [client.failed for client in clients] == [[]] * len(clients)
        # One that is killed costs what it was answering, and another one comes in its place.
        (root / "config.toml").unlink()
        killed = min(second)
        os.kill(killed, signal.SIGKILL)
        until(lambda: len(http_children(server)) == len(two) and not is_running(killed))
        assert _statuses(url) == {401}
        server.process.terminate()
        assert server.process.wait(STOP_SECONDS) == 0
    assert not any(map(is_running, first | second))


def _statuses(url: str) -> set[int]:
    """What new connections are answered, by whichever child takes them."""
    return {httpx.get(f"{url}/api/video/", trust_env=False).status_code for _ in range(10)}


def _said(server: Running) -> str:
    return server.text() + server.errors.read_text(encoding="utf-8")


COMMAND = """
import os, signal, sys
from videoflix.cli.running import run_command

signal.signal(signal.SIGHUP, signal.SIG_DFL)  # as in a shell, also under nohup
if len(sys.argv) > 1:
    os.open(sys.argv[1], os.O_RDWR)  # a session without a terminal gets it as its own (tty(4))

async def keep(stopper):
    asked = stopper.restarts()
    print("began", flush=True)
    while True:
        await asked.wait()
        asked.clear()
        print("restart", flush=True)

print("stopped" if run_command(keep) else "ended", flush=True)
"""


@contextmanager
def _begin(*arguments: str) -> Iterator[subprocess.Popen[str]]:
    """It is killed when it takes too long, so that its reader comes to an end."""
    process = subprocess.Popen(
        [sys.executable, "-c", COMMAND, *arguments],
        cwd=REPOSITORY,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    late = threading.Timer(COMMAND_SECONDS, process.kill)
    late.start()
    try:
        with process:
            yield process
    finally:
        late.cancel()
        process.kill()


def test_the_end_of_the_terminal_is_a_stop_and_a_hang_up_in_it_is_none() -> None:
    master, slave = pty.openpty()
    with _begin(os.ttyname(slave)) as process:
        os.close(slave)
        assert process.stdout
        assert process.stdout.readline() == "began\n"
        process.send_signal(signal.SIGHUP)
        assert process.stdout.readline() == "restart\n"
        os.close(master)
        assert process.stdout.read() == "stopped\n"


def test_without_a_terminal_a_hang_up_is_a_restart_each_time() -> None:
    with _begin() as process:
        assert process.stdout
        assert process.stdout.readline() == "began\n"
        for _ in range(2):
            process.send_signal(signal.SIGHUP)
            assert process.stdout.readline() == "restart\n"
        process.terminate()
        assert process.stdout.read() == "stopped\n"
