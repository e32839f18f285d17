"""``python -m tests.drills [NAME ...]``: all drills but those that take minutes and gigabytes, or
those that are named. Prints what each found, and one table of all figures beside what they have to
be; writes that to ``build/drills/`` (``<name>.json``, ``drills.md``). Exit status 1 when something
was not as it has to be.

Each runs in a process of its own. Most of them wait for pauses and leases most of the time: two of
those run at a time; those that measure times run alone.
"""

import asyncio
import os
import sys
import tempfile
import time
from collections.abc import Callable, Coroutine, Mapping, Sequence
from pathlib import Path
from typing import Any

from tests.benchmarks import rows
from tests.benchmarks.machine import machine
from tests.drills import (
    cluster,
    crashes,
    damaged_cache,
    damaged_title,
    full_cache,
    full_disk,
    large_upload,
    limits,
    lost_database,
    lost_machine,
    lost_queue,
    lost_worker,
    mail,
    many_connections,
    slow_clients,
    sync,
    three_hours,
    uploads,
    wrong_clock,
)
from tests.drills.report import Outcome, all_of

RESULTS = Path("build/drills")
AT_ONCE = 2
MOST_MINUTES = 20.0

# Each gets an empty folder of its own.
DRILLS: Mapping[str, Callable[[Path], Coroutine[Any, Any, Outcome]]] = {
    "d1": lost_worker.drill,
    "d2": crashes.drill,
    "d3": lost_queue.drill,
    "d4": lost_database.drill,
    "d5": full_cache.drill,
    "d6": full_disk.drill,
    "d7": uploads.drill,
    "d8": damaged_title.drill,
    "d9": damaged_cache.drill,
    "d10": wrong_clock.drill,
    "d11": slow_clients.drill,
    "d12": many_connections.drill,
    "cluster": cluster.drill,
    "limits": limits.drill,
    "mail": mail.drill,
    "restore": lost_machine.drill,
    "sync": sync.drill,
    "upload8g": large_upload.drill,
    "long": three_hours.drill,
}
BY_NAME_ALONE = frozenset(("long", "upload8g"))  # minutes of both cores, gigabytes of the disk
ALONE = ("cluster", "d4", "d11", "d12", "limits", *BY_NAME_ALONE)  # they measure times
LONGEST_FIRST = ("d2", "d10", "d1", "d3", "d8", "mail", "restore", "d7", "d9", "d5", "sync", "d6")


def run_one(name: str) -> int:
    """In this process."""
    began = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="videoflix-drill-") as folder:
        outcome = asyncio.run(DRILLS[name](Path(folder)))
    if not outcome.figures:
        outcome.figures = [all_of(f"{name}: as it has to be", int(not outcome.misses), 1)]
    rows.write(RESULTS, name, outcome.figures, machine())
    sys.stdout.write(f"{outcome.table()}, in {time.monotonic() - began:.0f} s\n")
    return int(outcome.is_missed)


async def _run(name: str) -> bool:
    """In a process of its own; False when it missed something, or came to no end."""
    (RESULTS / f"{name}.json").unlink(missing_ok=True)
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "tests.drills", "--one", name),
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    try:
        output, _ = await process.communicate()
    finally:
        if process.returncode is None:
            process.terminate()
            await process.wait()
    sys.stdout.write(f"== {name} ==\n{output.decode(errors='replace')}\n")
    sys.stdout.flush()
    return process.returncode == 0


async def _run_all(names: Sequence[str]) -> bool:
    waiting = [name for name in LONGEST_FIRST if name in names]
    assert {*LONGEST_FIRST, *ALONE} == set(DRILLS), "each has its place"
    are_right: list[bool] = []

    async def lane() -> None:
        while waiting:
            are_right.append(await _run(waiting.pop(0)))

    await asyncio.gather(*(lane() for _ in range(AT_ONCE)))
    alone = [await _run(name) for name in names if name in ALONE]
    return all((*are_right, *alone))


def main(arguments: Sequence[str]) -> int:
    if arguments[:1] == ["--one"]:
        return run_one(arguments[1])
    if unknown := sorted(set(arguments) - set(DRILLS)):
        sys.stderr.write(f"no such drill: {', '.join(unknown)} (there are: {', '.join(DRILLS)})\n")
        return 2
    names = [name for name in DRILLS if name in arguments] or [
        name for name in DRILLS if name not in BY_NAME_ALONE
    ]
    RESULTS.mkdir(parents=True, exist_ok=True)
    began = time.monotonic()
    is_right = asyncio.run(_run_all(names))
    found, where = rows.read(RESULTS, names)
    if not arguments:
        minutes = (time.monotonic() - began) / 60
        found.append(rows.at_most("all drills together", minutes, MOST_MINUTES, "min"))
        is_right = is_right and found[-1].is_met
    facts = ", ".join(f"{name} {value}" for name, value in where.items())
    load = f"load at the end {os.getloadavg()[0]:.1f}"
    (RESULTS / "drills.md").write_text(f"{rows.markdown(found)}\n\n{facts}, {load}\n", "utf-8")
    sys.stdout.write(f"{rows.text(found)}\n\n{facts}, {load}\n")
    missing = [name for name in names if not (RESULTS / f"{name}.json").exists()]
    for name in missing:
        sys.stdout.write(f"MISSED: {name} came to no end\n")
    return int(not is_right or bool(missing))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
