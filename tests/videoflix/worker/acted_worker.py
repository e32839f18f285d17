"""A worker process with the acted encoder: ``python -m tests.videoflix.worker.acted_worker``.
Settings come from the environment; SIGTERM stops it."""

import asyncio
import signal

from tests.videoflix.parts import open_parts
from videoflix.settings_loader import load_settings
from videoflix.worker import run_worker


async def main() -> None:
    stop = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stop.set)
    async with open_parts(load_settings()) as parts:
        await run_worker(parts, stop)


if __name__ == "__main__":
    asyncio.run(main())
