"""``doctor`` says in plain words what is wrong, and by its exit status that something is."""

import socket
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from pymongo import MongoClient

from tests.commands import run, running
from tests.videoflix.waiting import processes_naming
from videoflix.settings import Settings

NAMES = ["settings", "storage", "secret", "codecs", "port", "mail", "database", "queue"]


def findings(output: str) -> dict[str, tuple[str, str]]:
    """Name → (mark, text) of every line."""
    lines = [line.split(maxsplit=2) for line in output.splitlines() if line and "." not in line[:2]]
    return {line[1]: (line[0], line[2]) for line in lines if line[0] in ("ok", "WRONG")}


def test_all_is_well_on_an_empty_folder(tmp_path: Path) -> None:
    root = tmp_path / "var"
    ended = run("doctor", root=root)
    assert ended.returncode == 0, ended.stdout
    found = findings(ended.stdout)
    assert list(found) == NAMES
    assert {mark for mark, _ in found.values()} == {"ok"}
    assert ended.stdout.endswith("All is well.\n")
    assert processes_naming(str(root)) == []


@pytest.mark.parametrize("host", ["127.0.0.1", "127.0.0.2", "0.0.0.0"])  # noqa: S104 -- a choice
def test_a_server_that_runs_is_no_fault(tmp_path: Path, host: str) -> None:
    root = tmp_path / "var"
    here = {"VIDEOFLIX_SERVER__HOST": host}
    with running("serve", root=root, extra=here) as server:
        port = server.line(r"^Videoflix listens on http://127.0.0.\d:(\d+)")[1]
        ended = run("doctor", root=root, extra=here | {"VIDEOFLIX_SERVER__PORT": port})
    assert ended.returncode == 0, ended.stdout
    found = findings(ended.stdout)
    assert "answers" in found["port"][1]
    assert "runs and answers" in found["database"][1]


@pytest.mark.parametrize(
    ("name", "value", "wrong", "said"),
    [
        ("VIDEOFLIX_SERVER__PROT", "1", "settings", "there is no setting"),
        ("VIDEOFLIX_STORAGE__FREE_FLOOR", "1" + "0" * 18, "storage", "storage.free_floor"),
        ("VIDEOFLIX_STORAGE__ROOT", "/proc/nowhere", "storage", "cannot be written"),
        ("VIDEOFLIX_STORAGE__ROOT", "/proc/nowhere", "queue", "/proc/nowhere: No such file"),
        ("VIDEOFLIX_AUTH__SECRET_KEY", "short", "secret", "shorter than 32"),
        ("VIDEOFLIX_MAIL__URL", "smtp://127.0.0.1:1", "mail", "port 1"),
        ("VIDEOFLIX_MONGO__URI", "mongodb://u:hidden@127.0.0.1:1/", "database", "did not answer"),
        ("VIDEOFLIX_MONGO__URI", "mongodb://u:hid@den@127.0.0.1/", "database", "not a URL"),
        ("VIDEOFLIX_REDIS__URL", "redis://:hidden@127.0.0.1:1/", "queue", "did not answer"),
        ("VIDEOFLIX_REDIS__URL", "redis://:hidden@h:port/", "settings", "must name a host"),
    ],
)
def test_what_is_wrong_is_named(
    tmp_path: Path, name: str, value: str, wrong: str, said: str
) -> None:
    ended = run("doctor", root=tmp_path / "var", extra={name: value})
    assert ended.returncode == 1
    mark, text = findings(ended.stdout)[wrong]
    assert mark == "WRONG"
    assert said in text
    assert "hidden" not in ended.stdout + ended.stderr


def test_a_port_of_another_program_is_wrong(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        ended = run("doctor", root=tmp_path / "var", extra={"VIDEOFLIX_SERVER__PORT": port})
    assert ended.returncode == 1
    assert findings(ended.stdout)["port"][0] == "WRONG"


def test_a_secret_that_others_can_read_is_wrong(tmp_path: Path) -> None:
    root = tmp_path / "var"
    root.mkdir()
    (root / "secret_key").write_text("x" * 64, encoding="utf-8")
    (root / "secret_key").chmod(0o644)
    ended = run("doctor", root=root)
    assert ended.returncode == 1
    assert "chmod 600" in findings(ended.stdout)["secret"][1]


@contextmanager
def account(settings: Settings, database: str) -> Iterator[str]:
    """The URL of one that may read and write this database alone, as the guide makes it."""
    uri = settings.mongo.uri.get_secret_value()
    with MongoClient[dict[str, Any]](uri) as client:
        roles = [{"role": "readWrite", "db": database}]
        client[database].command("createUser", "only", pwd="a-password", roles=roles)
        try:
            host = urlsplit(uri).netloc.rpartition("@")[2]
            yield f"mongodb://only:a-password@{host}/?authSource={database}&directConnection=true"
        finally:
            client[database].command("dropUser", "only")


def test_an_account_for_its_own_database_is_enough(settings: Settings, tmp_path: Path) -> None:
    own = settings.mongo.database
    with account(settings, own) as uri:
        extra = {"VIDEOFLIX_MONGO__URI": uri, "VIDEOFLIX_MONGO__DATABASE": own}
        ended = run("doctor", root=tmp_path / "var", extra=extra)
        assert findings(ended.stdout)["database"][0] == "ok", ended.stdout
        listed = run("users", "list", root=tmp_path / "var", extra=extra)
        assert listed.returncode == 0, listed.stderr


@pytest.mark.parametrize(
    ("password", "said"),
    [
        ("another", "does not accept the user or the password"),
        ("a-password", "does not let this account read and write"),  # in another database
    ],
)
def test_an_account_that_is_refused(
    settings: Settings, tmp_path: Path, password: str, said: str
) -> None:
    """In one line, also by commands that need the database."""
    with account(settings, settings.mongo.database) as uri:
        extra = {
            "VIDEOFLIX_MONGO__URI": uri.replace("a-password", password),
            "VIDEOFLIX_MONGO__DATABASE": "other",
        }
        mark, text = findings(run("doctor", root=tmp_path / "var", extra=extra).stdout)["database"]
        assert (mark, said in text) == ("WRONG", True), text
        for command in (("users", "list"), ("worker",)):
            ended = run(*command, root=tmp_path / "var", extra=extra)
            assert ended.returncode == 1, command
            assert said in ended.stderr
            assert "Traceback" not in ended.stderr
