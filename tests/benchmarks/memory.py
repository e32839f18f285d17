"""What one server process holds after it has cut and sent many segments of many films."""

import re
import subprocess
from pathlib import Path

from tests.benchmarks.load import command, walk_script
from tests.benchmarks.rows import Row, at_most
from tests.benchmarks.scale import Scale
from tests.benchmarks.served import Films, served

_CONNECTIONS = 4
_SETTLED = 0.3  # of all segments: from there on memory has to stay
# Less than the films have: nearly every segment is cut.
_CACHE = {"VIDEOFLIX_CACHE__MAX_BYTES": str(1024 * 1024 * 1024)}
_MB = 1_000_000


def _resident(pid: int, field: str = "VmRSS") -> int:
    status = Path(f"/proc/{pid}/status").read_text()
    found = re.search(rf"^{field}:\s+(\d+) kB", status, re.MULTILINE)
    assert found
    return int(found[1]) * 1024


def _samples(films: Films, scale: Scale, script: Path) -> tuple[list[tuple[int, int]], int]:
    """After so many segments, bytes that are held, the first before any; and the most that were
    held at any moment."""
    with served(films, _CACHE) as server:
        (pid,) = server.pids
        samples = [(0, _resident(pid))]
        while (done := samples[-1][0]) < scale.memory_segments:
            step = command(
                server.url,
                connections=_CONNECTIONS,
                seconds=scale.memory_step,
                cookie=server.cookie,
                script=script,
            )
            output = subprocess.run(step, capture_output=True, text=True, check=True).stdout
            assert "Non-2xx" not in output, output
            count = re.search(r"(\d+) requests in", output)
            assert count
            samples.append((done + int(count[1]), _resident(pid)))
        peak = _resident(pid, "VmHWM")
    return samples, peak


def measure(films: Films, scale: Scale, folder: Path) -> list[Row]:
    videos = films.ids[: scale.memory_titles]
    paths = [
        f"/api/video/{video}/{films.rendition}/segment_{index:03}.ts"
        for index in range(films.material.short.title.grid.segment_count)
        for video in videos
    ]
    samples, peak = _samples(films, scale, walk_script(folder / "walk.lua", paths))
    start = samples[0][1]
    settled = next(held for count, held in samples if count >= _SETTLED * scale.memory_segments)
    last = samples[-1][1]
    return [
        at_most(
            f"memory of one process after {scale.memory_segments:,} segments of "
            f"{len(videos)} titles, at most",
            peak / _MB,
            150,
            "MB",
            f"{start / _MB:.0f} MB before the first, {last / _MB:.0f} MB at the end",
        ),
        at_most("its growth over the last 70 % of them", (last - settled) / _MB, 10, "MB"),
    ]
