"""A server that somebody starts who ignores and blocks signals, has closed the standard streams and
has no home; and what tests have started when the test process is killed."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import httpx

from tests.commands import REPOSITORY, STOP_SECONDS, descendants, running, until
from tests.processes import started
from tests.videoflix.test_rolling_restart import http_children
from tests.videoflix.waiting import is_running
from videoflix.settings import Settings

# Becomes the program in its arguments.
STARTER = """
import os, signal, sys
for name in ("SIGHUP", "SIGINT", "SIGTERM", "SIGQUIT", "SIGPIPE", "SIGCHLD"):
    signal.signal(getattr(signal, name), signal.SIG_IGN)
signal.pthread_sigmask(signal.SIG_BLOCK, signal.valid_signals())
del os.environ["HOME"]
for descriptor in range(3):
    os.close(descriptor)
os.execv(sys.argv[1], sys.argv[1:])
"""
TESTS = """
import sys, time
from pathlib import Path
from tests.browser import browser
from tests.nginx import nginx

folder = Path(sys.argv[1])
with nginx(folder / "nginx", "127.0.0.1:9", folder), browser(folder / "profile") as opened:
    opened.open("about:blank")
    print("runs", flush=True)
    time.sleep(1000)
"""


def test_a_server_runs_and_stops_however_it_was_started(tmp_path: Path, settings: Settings) -> None:
    url = f"http://127.0.0.1:{settings.server.port}/api/video/"
    extra = {
        "VIDEOFLIX_SERVER__PORT": str(settings.server.port),
        "VIDEOFLIX_MONGO__URI": settings.mongo.uri.get_secret_value(),
        "VIDEOFLIX_MONGO__DATABASE": settings.mongo.database,
        "VIDEOFLIX_REDIS__URL": settings.redis.url.get_secret_value(),
        "VIDEOFLIX_AUTH__SECRET_KEY": settings.auth.secret_key.get_secret_value(),
    }

    def answers() -> bool:
        try:
            return httpx.get(url, trust_env=False).status_code == 401
        except httpx.TransportError:
            return False

    starter = (sys.executable, "-c", STARTER)
    with running("serve", root=tmp_path / "var", extra=extra, prefix=starter) as server:
        until(answers)
        (child,) = http_children(server)
        os.kill(child, signal.SIGKILL)  # whose end is to be heard
        until(lambda: http_children(server) - {child})
        until(answers)
        family = descendants(server.process.pid)
        server.process.terminate()
        assert server.process.wait(STOP_SECONDS) == 0
    assert not any(map(is_running, family))


def test_nothing_outlives_a_test_process_that_is_killed(tmp_path: Path) -> None:
    command = (sys.executable, "-c", TESTS, str(tmp_path))
    with started(*command, cwd=REPOSITORY, stdout=subprocess.PIPE) as tests:
        assert tests.stdout is not None
        assert tests.stdout.readline() == b"runs\n"
        family = descendants(tests.pid)
        assert len(family) > 3  # nginx, the driver, the browser and what that has started
        tests.kill()
    until(lambda: not any(map(is_running, family)))
