"""``doctor`` says in plain words what is wrong, and by its exit status that something is."""

import socket
from pathlib import Path

import pytest

from tests.commands import run, running
from tests.videoflix.waiting import processes_naming

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
