"""One HTTP process for drills, which are free to kill it: ``python -m tests.drills.server``.

Its settings come from the environment. It says ``ready``, and, stopped by SIGTERM, one line of
JSON: how late its event loop was at worst and at the 99th percentile, in milliseconds, since
SIGUSR1 told it to begin counting.
"""

import asyncio
import json
import os
import signal
import socket
import sys
import time
from array import array

from handlers.server import serve
from videoflix.allocator import keep_freed_memory
from videoflix.container import open_container
from videoflix.settings_loader import load_settings

TICK = 0.005


async def _sample(lags: "array[float]") -> None:
    while True:
        due = time.perf_counter() + TICK
        await asyncio.sleep(TICK)
        lags.append((time.perf_counter() - due) * 1000)


async def main() -> None:
    settings = load_settings(environment=os.environ)
    stop = asyncio.Event()
    lags = array("d")
    loop = asyncio.get_running_loop()
    loop.add_signal_handler(signal.SIGTERM, stop.set)
    loop.add_signal_handler(signal.SIGUSR1, lambda: lags.__delitem__(slice(None)))
    sampling = asyncio.create_task(_sample(lags))
    async with open_container(settings) as container:
        listener = socket.create_server(("127.0.0.1", settings.server.port))
        listener.setblocking(False)
        serving = asyncio.create_task(serve(container, [listener], stop))
        sys.stdout.write("ready\n")
        sys.stdout.flush()
        await serving
    sampling.cancel()
    found = sorted(lags) or [0.0]
    figures = {"worst": found[-1], "p99": found[int(len(found) * 0.99)]}
    sys.stdout.write(json.dumps(figures) + "\n")


if __name__ == "__main__":
    keep_freed_memory()
    asyncio.run(main())
