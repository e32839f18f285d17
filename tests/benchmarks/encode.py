"""The section of ``make bench`` on encoding, also ``make bench-encode``.

The baseline is one run of Debian's ``ffmpeg`` that makes the same renditions: one decode, split,
a scaler and x264 with the same settings for each, the sound once. It verifies nothing and makes
no tables, thumbnail or storyboard; the encoder child is measured with all of that, and its encode
stage is also given alone. Runs alternate, and ratios are of medians.
"""

import json
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, field
from fractions import Fraction
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import av

from media_pipeline.job import EncodeJob, EncodeSettings
from media_pipeline.pictures.ladder import Rung, ladder
from media_pipeline.pictures.picture_track import encoder_options
from media_pipeline.timeline import FrameGrid, output_rate
from tests.benchmarks.upload_to_ready import upload_to_ready
from tests.media_pipeline.titles import ROOT
from videoflix.demo_film import find_clip, make_film

LOOPS = 12  # of a clip of 5.28 s: a film of 63 s
ROUNDS = 3
MIB = 1024 * 1024


@dataclass(frozen=True)
class Cost:
    """Of one run: seconds on the clock and of all cores, bytes resident at the peak, and both
    kinds of seconds at which each stage began."""

    wall: float
    cpu: float
    memory: int
    stages: dict[str, tuple[float, float]] = field(default_factory=dict)

    def encode_stage(self) -> tuple[float, float]:
        (wall, cpu), (verified_from, cpu_from) = self.stages["encode"], self.stages["verify"]
        return verified_from - wall, cpu_from - cpu


def _cpu_so_far(pid: int) -> float:
    """Seconds of all its threads (proc(5), fields utime and stime of /proc/pid/stat)."""
    fields = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8").rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def cost_of(argv: Sequence[str]) -> Cost:
    """Run a program to its end. Raises CalledProcessError when it fails.

    Its peak is the larger one of its own and of this process's at the start (getrusage(2)), so
    this process has to be small.
    """
    stages: dict[str, tuple[float, float]] = {}
    began = time.monotonic()
    with subprocess.Popen(argv, cwd=ROOT, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        for line in process.stdout:
            if (stage := json.loads(line).get("stage")) not in (None, *stages):
                stages[stage] = time.monotonic() - began, _cpu_so_far(process.pid)
        _, status, usage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
    wall = time.monotonic() - began
    if process.returncode:
        raise subprocess.CalledProcessError(process.returncode, argv)
    return Cost(wall, usage.ru_utime + usage.ru_stime, usage.ru_maxrss * 1024, stages)


def encode(source: Path, output: Path, settings: EncodeSettings) -> Cost:
    """The encoder child, as workers run it."""
    job = output.with_suffix(".json")
    EncodeJob(source, output, settings).save(job)
    return cost_of([sys.executable, "-m", "media_pipeline.programs.encode", str(job)])


def rungs_of(source: Path, settings: EncodeSettings) -> tuple[tuple[Rung, ...], FrameGrid]:
    with av.open(str(source)) as container:
        stream = container.streams.video[0]
        rate = output_rate(Fraction(stream.average_rate or 25), is_constant=True)
        width, height = stream.codec_context.width, stream.codec_context.height
    return ladder(Fraction(width), Fraction(height), rate, settings.rungs), FrameGrid(rate)


def ffmpeg(source: Path, output: Path, settings: EncodeSettings) -> Cost:
    """The baseline: the same renditions by one command."""
    program = shutil.which("ffmpeg")
    if program is None:
        raise SystemExit("the baseline needs ffmpeg (Debian: apt-get install ffmpeg)")
    rungs, grid = rungs_of(source, settings)
    outputs = "".join(f"[s{n}]" for n in range(len(rungs)))
    graph = [f"[0:v]split={len(rungs)}{outputs}"]
    arguments: list[str] = []
    for number, rung in enumerate(rungs):
        graph.append(f"[s{number}]scale={rung.width}:{rung.height}:flags=bicubic[v{number}]")
        arguments += ["-map", f"[v{number}]", "-c:v", "libx264"]
        for name, value in encoder_options(rung, grid.gop_frames, settings).items():
            arguments += [f"-{name}", value]
        arguments += [
            "-movflags",
            "+cmaf+frag_keyframe+empty_moov",
            str(output / f"{rung.name}.mp4"),
        ]
    rate = str(settings.audio_bitrate)
    arguments += ["-map", "0:a", "-c:a", "aac", "-b:a", rate, str(output / "audio.mp4")]
    output.mkdir()
    # As nice as the encoder child makes itself: other work on the machine slows both alike.
    quiet = ["-hide_banner", "-loglevel", "error", "-nostdin", "-y"]
    return cost_of(
        [
            "nice",
            "-n",
            "10",
            program,
            *quiet,
            "-i",
            str(source),
            "-filter_complex",
            ";".join(graph),
            *arguments,
        ]
    )


def ratios(ours: list[Cost], theirs: list[Cost]) -> dict[str, float]:
    """The figures that travel between machines."""
    median = statistics.median
    wall, cpu = median(c.wall for c in theirs), median(c.cpu for c in theirs)
    stages = [cost.encode_stage() for cost in ours]
    return {
        "wall, whole child / ffmpeg (at most 1.10)": median(c.wall for c in ours) / wall,
        "cpu, whole child / ffmpeg (at most 1.10)": median(c.cpu for c in ours) / cpu,
        "wall, encode stage / ffmpeg": median(stage[0] for stage in stages) / wall,
        "cpu, encode stage / ffmpeg": median(stage[1] for stage in stages) / cpu,
    }


def compare(
    source: Path, folder: Path, settings: EncodeSettings, rounds: int
) -> tuple[list[Cost], list[Cost]]:
    """Costs of the encoder child and of the baseline, taken in turns."""
    ours: list[Cost] = []
    theirs: list[Cost] = []
    for number in range(rounds):
        theirs.append(ffmpeg(source, folder / f"ffmpeg-{number}", settings))
        ours.append(encode(source, folder / f"title-{number}", settings))
    return ours, theirs


def run(_folder: Path) -> dict[str, Any]:
    """Print the table; returns the ratios."""
    write = sys.stdout.write
    settings = EncodeSettings()
    with tempfile.TemporaryDirectory(prefix="videoflix-bench-") as name:
        folder = Path(name)
        source = folder / "source.mp4"
        # In a process of its own: it keeps a clip's pictures in memory (see ``cost_of``).
        with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as pool:
            pool.submit(make_film, find_clip(), source, LOOPS).result()
        ours, theirs = compare(source, folder, settings, ROUNDS)
        found = ratios(ours, theirs)
        for who, costs in (("one ffmpeg", theirs), ("the encoder child", ours)):
            for cost in costs:
                write(f"{who:20}{cost.wall:8.1f} s{cost.cpu:8.1f} s cpu")
                write(f"{cost.memory / MIB:8.0f} MiB  {_stages(cost)}\n")
        found["seconds from the upload's end to ready"] = upload_to_ready(source, folder / "up")
    for label, value in found.items():
        write(f"{label:45}{value:8.3f}\n")
    return {"ratios": found, "peak_memory": max(cost.memory for cost in ours)}


def _stages(cost: Cost) -> str:
    return ", ".join(
        f"{stage} from {wall:.1f} s ({cpu:.1f} s cpu)" for stage, (wall, cpu) in cost.stages.items()
    )
