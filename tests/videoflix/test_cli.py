"""The commands that end by themselves, as people start them."""

import os
import re
import socket
import subprocess
import sys
from contextlib import ExitStack
from pathlib import Path

import pytest

from tests.clips.generate import make_clip
from tests.commands import REPOSITORY, environment, run, until
from tests.processes import started
from videoflix.container import Container
from videoflix.models import ProcessingStatus
from videoflix.settings import Settings

PASSWORD = "quiet-Harbour-42"


@pytest.fixture
def on_services(settings: Settings) -> dict[str, str]:
    """The environment of a command on the same services, database and folder as ``settings``."""
    return {
        "VIDEOFLIX_MONGO__URI": settings.mongo.uri.get_secret_value(),
        "VIDEOFLIX_MONGO__DATABASE": settings.mongo.database,
        "VIDEOFLIX_REDIS__URL": settings.redis.url.get_secret_value(),
        "VIDEOFLIX_AUTH__SECRET_KEY": settings.auth.secret_key.get_secret_value(),
    }


def test_help_names_every_command(tmp_path: Path) -> None:
    shown = run("--help", root=tmp_path)
    assert shown.returncode == 0
    for name in (
        "up",
        "serve",
        "worker",
        "createadmin",
        "users",
        "ingest",
        "cache",
        "backup",
        "restore",
        "reconcile",
        "doctor",
        "demo",
    ):
        assert re.search(rf"(?m)^  {name} +\w", shown.stdout)
        assert run(name, "--help", root=tmp_path).stdout.startswith("Usage: ")
    assert "http-child" not in shown.stdout


@pytest.mark.parametrize(
    ("name", "value", "said"),
    [
        ("VIDEOFLIX_SERVER__PROT", "1", "there is no setting 'server.prot'"),
        ("VIDEOFLIX_SERVER__PORT", "many", "VIDEOFLIX_SERVER__PORT"),
        ("VIDEOFLIX_SERVER__MODE", "production", "auth.secret_key"),
        ("VIDEOFLIX_MONGO__URI", "mysql://u:hidden@h/", "VIDEOFLIX_MONGO__URI"),
        ("VIDEOFLIX_CONFIG", "/nowhere/config.toml", "/nowhere/config.toml"),
    ],
)
@pytest.mark.parametrize("command", ["up", "worker"])
def test_wrong_settings_end_every_command_with_one_line(
    tmp_path: Path, command: str, name: str, value: str, said: str
) -> None:
    ended = run(command, root=tmp_path / "var", extra={name: value})
    assert ended.returncode == 2
    assert ended.stdout == ""
    assert said in ended.stderr
    assert ended.stderr.count("\n") == 1
    assert "hidden" not in ended.stderr


def test_a_configuration_file_is_used(tmp_path: Path) -> None:
    path = tmp_path / "other.toml"
    path.write_text("[server]\nprot = 1\n", encoding="utf-8")
    ended = run("--config", str(path), "worker", root=tmp_path / "var")
    assert ended.returncode == 2
    assert ended.stderr == "videoflix: server.prot: there is no such setting\n"


@pytest.mark.parametrize("command", ["up", "serve", "demo"])
def test_a_taken_port_is_said_in_one_line(tmp_path: Path, command: str) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        ended = run(command, root=tmp_path / "var", extra={"VIDEOFLIX_SERVER__PORT": port})
    assert ended.returncode == 1
    assert re.fullmatch(
        rf"videoflix: cannot listen on 127.0.0.1, port {port}: Address already in use .*\n",
        ended.stderr,
    )


def test_a_host_that_is_not_ours_is_said_in_one_line(tmp_path: Path) -> None:
    ended = run("serve", root=tmp_path / "var", extra={"VIDEOFLIX_SERVER__HOST": "192.0.2.1"})
    assert ended.returncode == 1
    assert ended.stderr.startswith("videoflix: cannot listen on 192.0.2.1")
    assert ended.stderr.count("\n") == 1


async def test_createadmin(container: Container, on_services: dict[str, str]) -> None:
    root = container.settings.storage.root
    email = "boss@videoflix.example"
    made = run(
        "createadmin", email, "--password-stdin", root=root, extra=on_services, stdin=PASSWORD
    )
    assert made.returncode == 0, made.stderr
    assert email in made.stdout
    signed_in = await container.accounts.login(email, PASSWORD)
    assert signed_in.user.is_staff

    again = run(
        "createadmin", email.upper(), "--password-stdin", root=root, extra=on_services, stdin="x"
    )
    assert again.returncode == 1
    assert "has an account already" in again.stderr
    kept = run(
        "createadmin", email, "--password-stdin", "--if-missing", root=root, extra=on_services
    )
    assert kept.returncode == 0, kept.stderr
    assert "it stays as it is" in kept.stdout
    await container.accounts.login(email, PASSWORD)


async def test_createadmin_if_missing_without_a_password_makes_none_and_says_so(
    container: Container, on_services: dict[str, str]
) -> None:
    """As at each start of containers, where the password was taken out and the account deleted."""
    root = container.settings.storage.root
    options = ("--password-stdin", "--if-missing")
    ended = run(
        "createadmin", "gone@videoflix.example", *options, root=root, extra=on_services, stdin="\n"
    )
    assert ended.returncode == 0, ended.stderr
    assert ended.stdout == (
        "gone@videoflix.example has no account, and none is made: the password is empty.\n"
    )
    assert await container.users.find_by_email("gone@videoflix.example") is None


@pytest.mark.parametrize(
    ("email", "password", "said"),
    [
        ("boss@videoflix.example", "short", "at least 8 characters"),
        ("no address", PASSWORD, "valid email address"),
    ],
)
def test_createadmin_says_what_is_wrong(
    settings: Settings, on_services: dict[str, str], email: str, password: str, said: str
) -> None:
    root = settings.storage.root
    ended = run(
        "createadmin", email, "--password-stdin", root=root, extra=on_services, stdin=password
    )
    assert ended.returncode == 1
    assert said in ended.stderr


def test_a_password_is_no_argument(tmp_path: Path) -> None:
    for arguments in (["boss@videoflix.example", PASSWORD], ["--password", PASSWORD]):
        ended = run("createadmin", *arguments, root=tmp_path)
        assert ended.returncode == 2


async def test_createadmin_asks_for_the_password(
    container: Container, on_services: dict[str, str]
) -> None:
    root = container.settings.storage.root
    controller, terminal = os.openpty()
    email = "boss@videoflix.example"
    with subprocess.Popen(
        [sys.executable, "-W", "ignore", "-m", "videoflix", "createadmin", email],
        cwd=REPOSITORY,
        env=environment(root, on_services) | {"PYTHONWARNINGS": ""},
        stdin=terminal,
        stdout=terminal,
        stderr=terminal,
        start_new_session=True,
    ) as process:
        os.close(terminal)
        shown = b""
        for question in (b"Password: ", b"confirmation: "):
            while not shown.endswith(question):
                shown += os.read(controller, 1)
            os.write(controller, PASSWORD.encode() + b"\n")
        shown += _rest(controller)
        assert process.wait() == 0, shown
    os.close(controller)
    assert PASSWORD.encode() not in shown
    assert (await container.accounts.login(email, PASSWORD)).user.is_staff


def _rest(controller: int) -> bytes:
    found = b""
    while True:
        try:
            part = os.read(controller, 4096)
        except OSError:  # the program at the other end has closed the terminal
            return found
        if not part:
            return found
        found += part


async def test_ingest_without_a_worker_leaves_it_pending(
    container: Container, on_services: dict[str, str], tmp_path: Path
) -> None:
    film = tmp_path / "film.mp4"
    make_clip(film, seconds=1)
    added = run(
        *("ingest", str(film), "--title", "A film", "--category", "Drama"),
        *("--description", "What it is"),
        root=container.settings.storage.root,
        extra=on_services,
    )
    assert added.returncode == 0, added.stderr
    assert "as video 1" in added.stdout
    assert "No worker runs" in added.stdout
    video = await container.catalogue.find(1)
    assert (video.title, video.category, video.description) == ("A film", "Drama", "What it is")
    assert video.status is ProcessingStatus.PENDING
    assert container.media.source(1).read_bytes() == film.read_bytes()


async def test_ingest_and_wait_runs_a_worker_where_there_is_none(
    container: Container, on_services: dict[str, str], tmp_path: Path
) -> None:
    film = tmp_path / "film.mp4"
    make_clip(film, seconds=1)
    root = container.settings.storage.root
    ended = run("ingest", str(film), "--title", "A", "--wait", root=root, extra=on_services)
    assert ended.returncode == 0, ended.stderr
    assert "Encoding: 100 %" in ended.stdout
    assert ended.stdout.endswith("Video 1 is ready.\n")
    assert (await container.catalogue.find(1)).status is ProcessingStatus.READY
    assert await container.encoding.live_workers() == []


def test_ingest_and_wait_says_why_it_failed(
    settings: Settings, on_services: dict[str, str], tmp_path: Path
) -> None:
    film = tmp_path / "film.mp4"
    make_clip(film, width=640, height=36, seconds=1)  # too long a strip: seen when it is decoded
    root = settings.storage.root
    ended = run("ingest", str(film), "--title", "A", "--wait", root=root, extra=on_services)
    assert ended.returncode == 1
    assert "video 1 could not be encoded: " in ended.stderr


def test_ingest_refuses_what_is_no_video(
    settings: Settings, on_services: dict[str, str], tmp_path: Path
) -> None:
    """R33"""
    film = tmp_path / "film.mp4"
    film.write_text("no film", encoding="utf-8")
    ended = run("ingest", str(film), "--title", "A", root=settings.storage.root, extra=on_services)
    assert ended.returncode == 1
    assert ended.stderr.startswith("videoflix: this is not a video: ")
    assert list((settings.storage.root / "sources").iterdir()) == []


@pytest.mark.parametrize(
    ("arguments", "status", "said"),
    [
        (["/nowhere/film.mp4", "--title", "A"], 2, "/nowhere/film.mp4"),
        ([__file__], 2, "--title"),
        ([__file__, "--title", " "], 1, "videoflix: title: This field may not be blank.\n"),
        ([__file__, "--title", "A" * 151], 1, "videoflix: title: "),
        ([__file__, "--title", "A", "--category", "A" * 51], 1, "videoflix: category: "),
    ],
)
def test_ingest_refuses_before_anything_is_copied(
    settings: Settings, on_services: dict[str, str], arguments: list[str], status: int, said: str
) -> None:
    ended = run("ingest", *arguments, root=settings.storage.root, extra=on_services)
    assert ended.returncode == status
    assert ended.stdout == ""
    assert said in ended.stderr


def test_an_unreachable_database_is_one_line(tmp_path: Path) -> None:
    extra = {
        "VIDEOFLIX_MONGO__URI": "mongodb://user:hidden@127.0.0.1:1/",
        "VIDEOFLIX_MONGO__TIMEOUT": "0.2",
        "VIDEOFLIX_REDIS__URL": "redis://127.0.0.1:1/",
    }
    ended = run("ingest", __file__, "--title", "A", root=tmp_path / "var", extra=extra)
    assert ended.returncode == 1
    assert re.fullmatch(r"videoflix: The database [^\n]+\n", ended.stderr)


def test_commands_that_start_at_once_share_one_secret(
    settings: Settings, on_services: dict[str, str]
) -> None:
    del on_services["VIDEOFLIX_AUTH__SECRET_KEY"]
    root = settings.storage.root
    root.mkdir()
    extra = environment(root, on_services)
    command = (sys.executable, "-m", "videoflix", "worker")
    with ExitStack() as stack:
        workers = [
            stack.enter_context(started(*command, cwd=root, env=extra, stderr=-1)) for _ in range(2)
        ]
        until((root / "secret_key").exists)
        assert (root / "secret_key").stat().st_mode & 0o777 == 0o600
        for worker in workers:
            worker.terminate()
            _, errors = worker.communicate(timeout=20)
            assert b"Traceback" not in errors
    assert [path.name for path in root.glob(".secret_key*")] == []
