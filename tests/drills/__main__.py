"""``python -m tests.drills [NAME ...]``: all drills but ``long`` and ``upload8g``, or those
that are named. Exit status 1 when something was not as it has to be."""

import asyncio
import sys
import tempfile
import time
from collections.abc import Callable, Coroutine, Mapping
from pathlib import Path
from typing import Any

from tests.drills import (
    cluster,
    crashes,
    damaged_cache,
    damaged_title,
    full_cache,
    full_disk,
    large_upload,
    limits,
    lost_machine,
    lost_queue,
    lost_worker,
    mail,
    sync,
    three_hours,
    uploads,
)
from tests.drills.report import Outcome

# Each gets an empty folder of its own.
DRILLS: Mapping[str, Callable[[Path], Coroutine[Any, Any, Outcome]]] = {
    "d1": lost_worker.drill,
    "d2": crashes.drill,
    "d3": lost_queue.drill,
    "d5": full_cache.drill,
    "d6": full_disk.drill,
    "d7": uploads.drill,
    "d8": damaged_title.drill,
    "d9": damaged_cache.drill,
    "cluster": cluster.drill,
    "limits": limits.drill,
    "mail": mail.drill,
    "restore": lost_machine.drill,
    "sync": sync.drill,
    "upload8g": large_upload.drill,
    "long": three_hours.drill,
}
BY_NAME_ALONE = frozenset(("long", "upload8g"))  # minutes of both cores, gigabytes of the disk


def main(names: list[str]) -> int:
    if unknown := sorted(set(names) - set(DRILLS)):
        sys.stderr.write(f"no such drill: {', '.join(unknown)} (there are: {', '.join(DRILLS)})\n")
        return 2
    missed = False
    for name in names or (name for name in DRILLS if name not in BY_NAME_ALONE):
        sys.stdout.write(f"== {name} ==\n")
        sys.stdout.flush()
        began = time.monotonic()
        with tempfile.TemporaryDirectory(prefix="videoflix-drill-") as folder:
            outcome = asyncio.run(DRILLS[name](Path(folder)))
        sys.stdout.write(f"{outcome.table()}, in {time.monotonic() - began:.0f} s\n\n")
        missed = missed or outcome.is_missed
    return 1 if missed else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
