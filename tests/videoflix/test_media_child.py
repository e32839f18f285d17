"""A child is limited from outside, whatever it does: R36."""

import signal
import sys

import pytest

from tests.videoflix.waiting import is_running, until_true
from videoflix.media_child import ChildEnd, ChildTooLarge, run_child

MIB = 2**20
SAY_PID = "import os; print(os.getpid(), flush=True);"


async def run(
    code: str, *, seconds: float = 60, memory: int = 1024 * MIB
) -> tuple[ChildEnd, list[bytes]]:
    lines: list[bytes] = []
    end = await run_child(
        (sys.executable, "-c", code), lines.append, seconds=seconds, memory=memory
    )
    return end, lines


async def test_r36_a_child_that_holds_too_much_memory_is_killed() -> None:
    lines: list[bytes] = []
    code = f"{SAY_PID} held = bytearray(b'x') * (300 * 2**20); import time; time.sleep(600)"
    with pytest.raises(ChildTooLarge):
        await run_child((sys.executable, "-c", code), lines.append, seconds=60, memory=200 * MIB)
    assert not is_running(int(lines[0]))


async def test_r36_memory_of_its_own_children_counts() -> None:
    held = "held = bytearray(b'x') * (120 * 2**20); import time; time.sleep(600)"
    code = (
        f"import subprocess, sys; subprocess.Popen([sys.executable, '-c', {held!r}]);"
        f"subprocess.Popen([sys.executable, '-c', {held!r}]).wait()"
    )
    with pytest.raises(ChildTooLarge):
        await run(code, memory=200 * MIB)


async def test_r36_a_child_below_its_limit_goes_on() -> None:
    code = "held = bytearray(b'x') * (100 * 2**20); import time; time.sleep(1.2); print('done')"
    end, lines = await run(code, memory=200 * MIB)
    assert (end.status, lines) == (0, [b"done\n"])


async def test_r36_a_stopped_child_is_killed_after_its_time() -> None:
    lines: list[bytes] = []
    code = f"{SAY_PID} import signal; os.kill(os.getpid(), signal.SIGSTOP)"
    with pytest.raises(TimeoutError):
        await run_child((sys.executable, "-c", code), lines.append, seconds=1, memory=1024 * MIB)
    assert not is_running(int(lines[0]))


async def test_r36_the_kernel_knows_the_limit_of_processor_time() -> None:
    """A child ends by it while nobody looks after it: the limit was there before its program."""
    code = (
        "import resource; soft, hard = resource.getrlimit(resource.RLIMIT_CPU);"
        "print(soft, hard - soft, flush=True);"
        "resource.setrlimit(resource.RLIMIT_CPU, (1, 1 + hard - soft))\n"
        "while True: pass"
    )
    end, lines = await run(code, seconds=30)
    soft, grace = map(int, lines[0].split())
    assert 30 <= soft <= 31 * 1024
    assert grace > 0
    assert end.status == -signal.SIGXCPU
    assert end.plainly == "used more processor time than allowed"


async def test_r36_nothing_of_a_killed_session_is_left() -> None:
    lines: list[bytes] = []
    code = (
        f"{SAY_PID} import subprocess, sys;"
        "child = subprocess.Popen([sys.executable, '-c', 'import time; time.sleep(600)']);"
        "print(child.pid, flush=True); child.wait()"
    )
    with pytest.raises(TimeoutError):
        await run_child((sys.executable, "-c", code), lines.append, seconds=2, memory=1024 * MIB)
    pids = [int(line) for line in lines]
    assert len(pids) == 2
    await until_true(lambda: not any(map(is_running, pids)))
