"""HTTP processes and their replacement where the system has nothing left to give."""

import asyncio
import os
import resource
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path

import pytest
from structlog.testing import capture_logs

from tests.videoflix.waiting import until_true
from videoflix.http_children import HttpChildren
from videoflix.processes import Family, Program

ANSWERS = 'echo 1 > "/proc/self/fd/$2"; exec sleep 1000'  # after --ready-fd
CHILD = Program("child", ("/bin/sh", "-c", ANSWERS, "child"))


@asynccontextmanager
async def two_children() -> AsyncIterator[asyncio.Event]:
    """What to set so that they are replaced. Fails when a replacement has ended otherwise than
    by its end here."""
    family, asked = Family(), asyncio.Event()
    children = HttpChildren(family, CHILD, [])
    try:
        await children.start(2)
        replacing = asyncio.create_task(children.restart_when(asked))
        yield asked
        assert not replacing.done()
        replacing.cancel()
        await asyncio.wait([replacing])
    finally:
        await family.stop()
        children.close()


@contextmanager
def descriptors_left(count: int) -> Iterator[None]:
    """Of this process."""
    before = resource.getrlimit(resource.RLIMIT_NOFILE)
    free = [os.dup(0) for _ in range(count + 1)]
    for descriptor in free:
        os.close(descriptor)
    resource.setrlimit(resource.RLIMIT_NOFILE, (max(free), before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, before)


def descriptors() -> int:
    return len(list(Path("/proc/self/fd").iterdir()))


@pytest.mark.parametrize("left", [0, 2], ids=["for no pipe", "for no process"])
async def test_a_restart_that_nothing_is_left_for_changes_nothing(left: int) -> None:
    """The next one, when there is, replaces all."""
    async with two_children() as asked:
        with capture_logs() as logs:

            def said(text: str) -> bool:
                return any(text in entry["event"] for entry in logs)

            held = descriptors()
            with descriptors_left(left):
                asked.set()
                await until_true(lambda: said("those that run go on"), seconds=10)
            assert descriptors() == held
            assert not said("were replaced")
            asked.set()
            await until_true(lambda: said("were replaced"))
        [failed] = [entry for entry in logs if entry["log_level"] == "error"]
        assert "Too many open files" in failed["error"]
