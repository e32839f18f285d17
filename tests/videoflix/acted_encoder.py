"""A child that behaves like an encoder without encoding: its source says what it does.

The source is JSON: ``{"acts": [...]}`` of what to do on the first, second, ... run (the last one
is repeated); runs are counted in a file beside the source. Each act is one of ``ready``,
``crash``, ``refuse``, ``trouble``, ``hang``, ``wait`` (for a file ``go`` beside the source),
``silent``, ``noisy``.
"""

import json
import os
import signal
import sys
import time
from pathlib import Path
from typing import NoReturn


def say(**event: object) -> None:
    sys.stdout.write(json.dumps(event) + "\n")
    sys.stdout.flush()


def progress(percent: int) -> None:
    say(event="progress", stage="encode", percent=percent, frames=percent, speed=1.0)


def write_title(output: Path, run: int) -> None:
    output.mkdir()
    (output / "manifest.json").write_text(json.dumps({"run": run}))
    (output / "thumbnail.jpg").write_bytes(b"picture of run %d" % run)


def hang() -> NoReturn:
    progress(40)
    progress(30)  # never goes back in the record
    while True:
        time.sleep(60)


def count_run(source: Path) -> int:
    """The number of this run, from 0."""
    runs = source.with_name("runs")
    with runs.open("a") as file:
        file.write(f"{os.getpid()}\n")
    return len(runs.read_text().split()) - 1


def main() -> int:
    job = json.loads(Path(sys.argv[1]).read_text())
    source, output = Path(job["source"]), Path(job["output"])
    acts = json.loads(source.read_text())["acts"]
    run = count_run(source)
    act = acts[min(run, len(acts) - 1)]
    progress(5)
    if act == "hang":
        hang()
    if act == "wait":
        while not source.with_name("go").exists():
            time.sleep(0.01)
    if act == "crash":
        os.kill(os.getpid(), signal.SIGSEGV)
    if act == "silent":
        return 3
    if act == "noisy":
        sys.stdout.write("x" * 200_000 + "\nnot json\n[]\n" + "[" * 60_000 + "\n")
        sys.stderr.write("e" * 200_000 + "the end")
    if act in ("refuse", "trouble"):
        say(event="failed", reason=f"It says {act}.", permanent=act == "refuse")
        return 1
    write_title(output, run)
    say(event="done", duration=1.0, renditions=["480p"])
    return 0


if __name__ == "__main__":
    sys.exit(main())
