"""HTTP processes and their replacement where the system has nothing left to give."""

import asyncio
import os
import resource
import signal
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path

import pytest
from structlog.testing import capture_logs

from tests.videoflix.waiting import is_running, until_true
from videoflix.http_children import HttpChildren
from videoflix.processes import Family, Program, ProgramEndedError

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


async def test_a_child_that_cannot_come_back_takes_no_other_with_it(tmp_path: Path) -> None:
    """Status 2 is final at the first start alone: a setting may be wrong for the next start, a
    disk may be away for a moment, and the other process still answers."""
    wrong, started = tmp_path / "wrong", tmp_path / "started"
    script = f"echo $$ >> {started}; [ ! -e {wrong} ] || exit 2; {ANSWERS}"
    argv = ("/bin/sh", "-c", script, "child")
    family = Family()
    children = HttpChildren(family, Program("child", argv, final=frozenset({2})), [])

    def pids() -> list[int]:
        return [int(line) for line in started.read_text(encoding="utf-8").split()]

    try:
        await children.start(2)
        first, second = pids()
        failed = asyncio.create_task(family.failed())
        wrong.touch()
        os.kill(first, signal.SIGKILL)
        await until_true(lambda: len(pids()) >= 4)  # it was tried again, and again
        assert not failed.done()
        assert is_running(second)
        wrong.unlink()
        await until_true(lambda: is_running(pids()[-1]) and pids()[-1] != second)
        failed.cancel()
        await asyncio.wait([failed])
    finally:
        await family.stop()
        children.close()


async def test_a_child_that_never_answered_ends_all() -> None:
    family = Family()
    program = Program("child", ("/bin/sh", "-c", "exit 2"), final=frozenset({2}))
    children = HttpChildren(family, program, [])
    try:
        starting = asyncio.create_task(children.start(2))
        with pytest.raises(ProgramEndedError):
            await family.failed()
        starting.cancel()
        await asyncio.wait([starting])
    finally:
        await family.stop()
        children.close()
