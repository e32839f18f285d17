"""Processes that tests start: each ends with the test process, however that ends, and begins with
signals as the kernel gives them, whatever the test process has ignored or blocked."""

import asyncio
import os
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from shutil import which
from typing import Any

from videoflix import leash

SECONDS = 300.0  # for a program that ends by itself
STOP_SECONDS = 10.0


def leashed(program: str, *arguments: str) -> tuple[str, ...]:
    """The command line that runs it so (``videoflix.leash``). It has to be started by a thread
    that lives as long as the program."""
    found = which(program)
    assert found is not None, program
    script = str(Path(leash.__file__).resolve())
    return (sys.executable, "-I", "-S", script, str(os.getpid()), found, *arguments)


@contextmanager
def started(*command: str, **options: Any) -> Iterator["subprocess.Popen[bytes]"]:
    """Run it while the block lasts (``options`` of ``subprocess.Popen``); whatever is left of it
    then is killed."""
    with subprocess.Popen(leashed(*command), stdin=subprocess.DEVNULL, **options) as process:
        try:
            yield process
        finally:
            if process.poll() is None:
                process.kill()


async def ended(
    *command: str, env: Mapping[str, str] | None = None, seconds: float = SECONDS
) -> tuple[int, bytes, bytes]:
    """Run it to its end: its status and all that it wrote. Raises TimeoutError after
    ``seconds``; then, and when this is cancelled, it is killed."""
    process = await asyncio.create_subprocess_exec(
        *leashed(*command),
        env=env,
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    try:
        async with asyncio.timeout(seconds):
            output, errors = await process.communicate()
        assert process.returncode is not None
        return process.returncode, output, errors
    finally:
        if process.returncode is None:
            with suppress(ProcessLookupError):
                process.kill()
            await process.wait()


def stop(process: "subprocess.Popen[Any]", seconds: float = STOP_SECONDS) -> int:
    """SIGTERM, and SIGKILL for one that does not end by it; its status."""
    process.terminate()
    try:
        return process.wait(seconds)
    except subprocess.TimeoutExpired:
        process.kill()
        return process.wait()
