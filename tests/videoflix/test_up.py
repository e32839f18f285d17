"""``up`` and ``serve``: all of it runs, what crashes comes back, Ctrl-C stops everything."""

import os
import signal
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from tests.commands import STOP_SECONDS, Running, descendants, run, running, until
from tests.videoflix.waiting import is_running, processes_of

EMAIL = "boss@videoflix.example"
PASSWORD = "quiet-Harbour-42"
LISTENS = r"^Videoflix listens on (http://\S+)"
HTTP, WORKER, DATABASE = ("http-child",), ("videoflix", "worker"), ("secantus", "--auth")
QUEUE = ("valkey-server",)


@pytest.fixture
def root(tmp_path: Path) -> Path:
    return tmp_path / "var"


@pytest.fixture
def started(root: Path) -> Iterator[Running]:
    with running("up", root=root) as up:
        yield up


def login(url: str) -> int:
    answer = httpx.post(
        f"{url}/api/login/", json={"email": EMAIL, "password": PASSWORD}, timeout=30
    )
    return answer.status_code


def create_admin(root: Path) -> None:
    """By the services that run."""
    made = run("createadmin", EMAIL, "--password-stdin", root=root, stdin=PASSWORD)
    assert made.returncode == 0, made.stderr


def test_ctrl_c_stops_everything_and_nothing_is_lost(root: Path) -> None:
    with running("up", root=root) as up:
        url = up.line(LISTENS)[1]
        for words in (HTTP, WORKER, DATABASE, QUEUE):
            up.child(*words)
        create_admin(root)
        assert login(url) == 200
        assert up.interrupt() == 0
    with running("up", root=root) as up:
        assert login(up.line(LISTENS)[1]) == 200
        assert up.interrupt() == 0


def test_what_is_killed_comes_back(started: Running, root: Path) -> None:
    url = started.line(LISTENS)[1]
    create_admin(root)
    killed = {}
    for words in (HTTP, WORKER, DATABASE, QUEUE):
        killed[words] = started.child(*words)
        os.kill(killed[words], signal.SIGKILL)
    for words, pid in killed.items():
        assert started.child(*words, other_than=pid) != pid
    until(lambda: login(url) == 200)
    assert started.process.poll() is None
    assert started.interrupt() == 0


def test_a_killed_parent_takes_everything_along(started: Running, root: Path) -> None:
    started.line(LISTENS)
    family = descendants(started.process.pid)
    assert len(family) >= 4
    started.process.kill()
    started.process.wait()
    until(lambda: not any(is_running(pid) for pid in family), seconds=10)
    with running("up", root=root) as again:
        again.line(LISTENS)


@pytest.mark.parametrize("end", [signal.SIGKILL, signal.SIGINT], ids=["killed", "interrupted"])
@pytest.mark.parametrize("last", [QUEUE, DATABASE], ids=["in between", "when it runs"])
def test_who_took_the_services_over_stops_in_time(
    started: Running, root: Path, tmp_path: Path, end: signal.Signals, last: tuple[str, ...]
) -> None:
    started.line(LISTENS)
    here = {"VIDEOFLIX_STORAGE__ROOT": str(root)}
    with running("up", root=tmp_path / "second", extra=here) as second:
        second.line(LISTENS)
        for words in (HTTP, WORKER):
            second.child(*words)
        os.kill(started.process.pid, end)
        assert started.process.wait(STOP_SECONDS) == (0 if end == signal.SIGINT else -end)
        second.child(*last)
        assert second.interrupt() == 0
    until(lambda: not processes_of(root), seconds=STOP_SECONDS)


def test_what_does_not_end_by_itself_is_killed_in_time(started: Running) -> None:
    """The longest stop there is: nobody hears SIGTERM."""
    started.line(LISTENS)
    family = [started.child(*words) for words in (HTTP, WORKER, DATABASE, QUEUE)]
    for pid in family:
        os.kill(pid, signal.SIGSTOP)
    assert started.interrupt() == 0


def test_sigterm_in_the_middle_of_the_start_stops_everything(root: Path) -> None:
    with running("up", root=root) as up:
        up.child(*QUEUE)
        family = descendants(up.process.pid)
        up.process.terminate()
        assert up.process.wait(10) == 0
        assert [pid for pid in family if is_running(pid)] == []
        assert "listens" not in up.text()


def test_serve_answers_while_a_child_is_killed(root: Path) -> None:
    with running("serve", "--processes", "2", root=root) as server:
        url = server.line(LISTENS)[1]
        first = server.child(*HTTP)
        second = server.child(*HTTP, other_than=first)
        os.kill(second, signal.SIGKILL)
        for _ in range(20):
            # A new connection each: it waits in the parent's queue or goes to the other child.
            assert httpx.get(f"{url}/api/video/", timeout=30).status_code == 401
        until(lambda: len(_http_children(server) - {second}) == 2)
        assert server.interrupt() == 0


def _http_children(server: Running) -> set[int]:
    found = set()
    for pid in descendants(server.process.pid):
        line = Path(f"/proc/{pid}/cmdline")
        if is_running(pid) and b"http-child" in line.read_bytes():
            found.add(pid)
    return found


@pytest.mark.parametrize("command", ["up", "serve", "demo", "worker"])
def test_a_url_that_the_database_driver_refuses_is_one_line(root: Path, command: str) -> None:
    extra = {"VIDEOFLIX_MONGO__URI": "mongodb://user:p@ss@127.0.0.1/"}
    ended = run(command, root=root, extra=extra)
    assert ended.returncode == 2
    said = "videoflix: mongo.uri: not a URL that the database driver takes\n"
    assert ended.stderr == said


def test_a_wrong_setting_that_only_children_see_ends_it(root: Path) -> None:
    """A child that cannot work with its settings is not started for ever."""
    root.mkdir(mode=0o700)
    (root / "uploads").write_text("in the way of a folder", encoding="utf-8")
    ended = run("serve", root=root)
    assert ended.returncode == 1
    assert "http 1 ended with status 2" in ended.stderr


@pytest.mark.parametrize("secret", ["", "k" * 40], ids=["no secret", "a secret"])
@pytest.mark.parametrize("command", ["up", "demo", "worker"])
def test_a_root_that_cannot_be_made_is_one_line(root: Path, command: str, secret: str) -> None:
    extra = {"VIDEOFLIX_STORAGE__ROOT": "/proc/nowhere", "VIDEOFLIX_AUTH__SECRET_KEY": secret}
    ended = run(command, root=root, extra=extra)
    assert ended.returncode == 2
    said = "videoflix: storage.root: /proc/nowhere: No such file or directory\n"
    assert (ended.stdout, ended.stderr) == ("", said)
