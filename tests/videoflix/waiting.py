"""Waiting for what another process does: look again until it is so or the time is up."""

import asyncio
import os
from collections.abc import Awaitable, Callable
from contextlib import suppress
from pathlib import Path
from typing import TypeVar

T = TypeVar("T")

SECONDS = 60.0
INTERVAL = 0.02


async def until(look: Callable[[], Awaitable[T | None]], *, seconds: float = SECONDS) -> T:
    """What ``look`` awaits to, once that is true. Raises TimeoutError."""
    async with asyncio.timeout(seconds):
        while True:
            found = await look()
            if found:
                return found
            await asyncio.sleep(INTERVAL)


async def until_true(look: Callable[[], bool], *, seconds: float = SECONDS) -> None:
    """Wait until ``look`` returns true. Raises TimeoutError."""
    async with asyncio.timeout(seconds):
        while not look():  # noqa: ASYNC110 -- it looks at other processes
            await asyncio.sleep(INTERVAL)


def is_running(pid: int) -> bool:
    """Whether the process exists and is not a zombie."""
    try:
        state = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8").rpartition(")")[2].split()[0]
    except (FileNotFoundError, ProcessLookupError):
        return False
    return state != "Z"


def processes_of(root: Path) -> list[int]:
    """Ids of running processes that have the storage root in their environment."""
    found = []
    for folder in Path("/proc").iterdir():
        with suppress(FileNotFoundError, ProcessLookupError, PermissionError):
            if folder.name.isdecimal() and is_running(int(folder.name)):
                variables = (folder / "environ").read_bytes().split(b"\0")
                if f"VIDEOFLIX_STORAGE__ROOT={root}".encode() in variables:
                    found.append(int(folder.name))
    return found


def processes_naming(text: str) -> list[int]:
    """Ids of running processes whose command line holds ``text``, but not this one."""
    found = []
    for folder in Path("/proc").iterdir():
        if not folder.name.isdecimal() or int(folder.name) == os.getpid():
            continue
        try:
            line = (folder / "cmdline").read_bytes().replace(b"\0", b" ").decode("utf-8", "replace")
        except (FileNotFoundError, ProcessLookupError):
            continue
        if text in line and is_running(int(folder.name)):
            found.append(int(folder.name))
    return found
