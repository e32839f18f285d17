"""One HTTP process for drills, which are free to kill it: ``python -m tests.drills.server``.

Its settings come from the environment. It says ``ready``, and, at SIGUSR2 and when SIGTERM stops
it, one line of JSON: how late its event loop was, in milliseconds, since SIGUSR1 told it to begin
counting. At worst and at the 99th percentile; and at worst without the time that its thread was
ready to run and every core was busy with something else (``/proc/<pid>/schedstat``), which is the
machine's.
"""

import asyncio
import json
import os
import signal
import socket
import sys
import time
from array import array
from pathlib import Path

from handlers.server import IDLE_SECONDS, serve
from videoflix.allocator import keep_freed_memory
from videoflix.container import open_container
from videoflix.descriptors import allow_all_descriptors
from videoflix.logs import configure_logging
from videoflix.settings_loader import load_settings

TICK = 0.005
IDLE = float(os.environ.get("DRILL_IDLE_SECONDS", str(IDLE_SECONDS)))


def _waited() -> float:
    """Milliseconds that this process's first thread, the loop's, has waited for a core."""
    return int(Path("/proc/self/schedstat").read_text(encoding="ascii").split()[1]) / 1e6


async def _sample(late: "array[float]", own: "array[float]") -> None:
    while True:
        waited, due = _waited(), time.perf_counter() + TICK
        await asyncio.sleep(TICK)
        lateness = (time.perf_counter() - due) * 1000
        late.append(lateness)
        own.append(lateness - (_waited() - waited))


def _forget(*samples: "array[float]") -> None:
    for found in samples:
        del found[:]


def _say(late: "array[float]", own: "array[float]") -> None:
    found, alone = sorted(late) or [0.0], sorted(own) or [0.0]
    figures = {
        "worst": found[-1],
        "p99": found[int(len(found) * 0.99)],
        "own": alone[-1],
        "own_p99": alone[int(len(alone) * 0.99)],
    }
    sys.stdout.write(json.dumps(figures) + "\n")
    sys.stdout.flush()


async def main() -> None:
    settings = load_settings(environment=os.environ)
    configure_logging(settings)  # to stderr: nobody reads what is written beside the figures
    stop = asyncio.Event()
    late, own = array("d"), array("d")
    loop = asyncio.get_running_loop()
    loop.add_signal_handler(signal.SIGTERM, stop.set)
    loop.add_signal_handler(signal.SIGUSR1, lambda: _forget(late, own))
    loop.add_signal_handler(signal.SIGUSR2, lambda: _say(late, own))
    sampling = asyncio.create_task(_sample(late, own))
    async with open_container(settings) as container:
        listener = socket.create_server(("127.0.0.1", settings.server.port))
        listener.setblocking(False)
        serving = asyncio.create_task(serve(container, [listener], stop, idle=IDLE))
        sys.stdout.write("ready\n")
        sys.stdout.flush()
        await serving
    sampling.cancel()
    _say(late, own)


if __name__ == "__main__":
    keep_freed_memory()
    allow_all_descriptors()
    asyncio.run(main())
