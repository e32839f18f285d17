"""What loads the server: wrk for throughput, a plain client for single requests."""

import http.client
import re
import subprocess
import time
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

from tests.programs import program

_UNITS = {"us": 0.001, "ms": 1.0, "s": 1000.0, "m": 60_000.0}


@dataclass(frozen=True)
class Load:
    """What wrk saw: answers a second, and milliseconds."""

    rate: float
    median: float
    p99: float


def _milliseconds(output: str, share: str) -> float:
    found = re.search(rf"^\s+{share}%\s+([\d.]+)(us|ms|s|m)$", output, re.MULTILINE)
    assert found, output
    return float(found[1]) * _UNITS[found[2]]


def command(
    url: str, *, connections: int, seconds: float, cookie: str, script: Path | None = None
) -> list[str]:
    """One thread: the server has the other core."""
    started = [program("wrk"), "-t1", f"-c{connections}", f"-d{max(1, round(seconds))}s"]
    started += ["--latency", "--timeout", "30s", "-H", f"Cookie: {cookie}"]
    return [*started, *(["-s", str(script)] if script else []), url]


def wrk(
    url: str,
    *,
    connections: int,
    seconds: float,
    cookie: str = "a=b",
    script: Path | None = None,
) -> Load:
    """Ask for ``url`` again and again. Every answer must be a good one."""
    started = command(url, connections=connections, seconds=seconds, cookie=cookie, script=script)
    output = subprocess.run(started, capture_output=True, text=True, check=True).stdout
    assert "Non-2xx" not in output, output
    assert "Socket errors" not in output, output
    rate = re.search(r"^Requests/sec:\s+([\d.]+)$", output, re.MULTILINE)
    assert rate, output
    return Load(float(rate[1]), _milliseconds(output, "50"), _milliseconds(output, "99"))


def paced_script(path: Path, milliseconds: float) -> Path:
    """A script for wrk with which each connection rests before each request, so long on average;
    how long is as random as arrivals of strangers are (exponential)."""
    path.write_text(
        "function delay()\n"
        f"  return math.floor(0.5 - math.log(1 - math.random()) * {milliseconds:.3f})\n"
        "end\n",
        encoding="utf-8",
    )
    return path


def walk_script(path: Path, paths: list[str]) -> Path:
    """A script for wrk that asks for one path after the other, over and over."""
    listed = ",\n".join(f'"{one}"' for one in paths)
    path.write_text(
        f"local paths = {{\n{listed}\n}}\nlocal at = 0\n"
        "request = function()\n"
        "  at = at % #paths + 1\n"
        '  return wrk.format("GET", paths[at])\n'
        "end\n",
        encoding="utf-8",
    )
    return path


class Client:
    """One connection that is kept, and reads answers into memory that is used again."""

    def __init__(self, url: str, cookie: str) -> None:
        self._connection = http.client.HTTPConnection(urlsplit(url).netloc, timeout=60)
        self._headers = {"Cookie": cookie}
        self._buffer = bytearray(1024 * 1024)

    def close(self) -> None:
        self._connection.close()

    def timed(self, path: str) -> tuple[float, float, int]:
        """Milliseconds until the head and until the end of the answer, and its bytes."""
        began = time.perf_counter()
        self._connection.request("GET", path, headers=self._headers)
        response = self._connection.getresponse()
        head = time.perf_counter()
        size = 0
        while count := response.readinto(self._buffer):
            size += count
        ended = time.perf_counter()
        assert response.status == 200, (path, response.status)
        return (head - began) * 1000, (ended - began) * 1000, size
