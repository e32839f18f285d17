"""Child processes: restarted, stopped, never left behind."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from structlog.testing import capture_logs

from tests.commands import REPOSITORY, until
from tests.videoflix.waiting import is_running, until_true
from videoflix import processes
from videoflix.processes import FIRST_PAUSE, LOG_LIMIT, KeptProcess, Program, ProgramEndedError

SLEEP = ("/bin/sleep", "1000")


async def test_a_crashed_child_is_started_again() -> None:
    kept = KeptProcess(Program("sleep", SLEEP))
    await kept.start()
    first = kept.pid
    assert first
    os.kill(first, signal.SIGKILL)
    await until_true(lambda: kept.pid not in (None, first))
    second = kept.pid
    assert second
    assert is_running(second)
    await kept.stop()
    assert not is_running(second)
    assert kept.pid is None


async def test_a_child_that_ignores_the_stop_is_killed_with_what_it_started(tmp_path: Path) -> None:
    log = tmp_path / "log"
    script = "trap '' TERM; sleep 1000 & echo $!; wait; wait"
    kept = KeptProcess(Program("stubborn", ("/bin/sh", "-c", script), log=log, grace=0.2))
    await kept.start()
    await until_true(lambda: log.read_text(encoding="utf-8").strip().isdecimal())
    child, grandchild = kept.pid, int(log.read_text(encoding="utf-8"))
    await kept.stop()
    assert child
    assert not is_running(child)
    await until_true(lambda: not is_running(grandchild))


async def test_a_child_that_ends_at_once_is_started_less_and_less_often() -> None:
    with capture_logs() as logs:
        kept = KeptProcess(Program("brief", ("/bin/sh", "-c", "exit 7")))
        await kept.start()
        await until_true(lambda: len(logs) == 4)
        await kept.stop()
    assert [(entry["status"], entry["pause"]) for entry in logs] == [
        (7, FIRST_PAUSE * 2**number) for number in range(4)
    ]


async def test_a_child_that_cannot_be_started_for_a_while_is_started_then(tmp_path: Path) -> None:
    there, away = tmp_path / "there", tmp_path / "away"
    there.mkdir()
    with capture_logs() as logs:
        kept = KeptProcess(Program("sleep", SLEEP, log=there / "log"))
        await kept.start()
        first = kept.pid
        assert first
        there.rename(away)  # nothing to write its log to
        os.kill(first, signal.SIGKILL)
        await until_true(lambda: [e["event"] for e in logs].count("child cannot be started") == 2)
        away.rename(there)
        await until_true(lambda: kept.pid not in (None, first))
        await kept.stop()


async def test_a_child_begins_with_signals_as_the_kernel_gives_them(tmp_path: Path) -> None:
    """Whatever its parent ignores or has blocked, a stop gets through."""
    log = tmp_path / "log"
    ignored = {signal.SIGHUP, signal.SIGQUIT, signal.SIGUSR1}
    before = {number: signal.signal(number, signal.SIG_IGN) for number in ignored}
    blocked = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGTERM, signal.SIGHUP})
    try:
        kept = KeptProcess(Program("cat", ("/bin/cat", "/proc/self/status"), log=log))
        await kept.start()
        await until_true(lambda: "SigCgt" in log.read_text(encoding="utf-8"))
        await kept.stop()
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, blocked)
        for number, handler in before.items():
            signal.signal(number, handler)
    masks = dict(line.split(":\t") for line in log.read_text(encoding="utf-8").splitlines())
    # Without 32 and 33, which the C library keeps to itself: nobody can ask for them.
    own = ~(0b11 << 31)
    assert {int(masks[name], 16) & own for name in ("SigBlk", "SigIgn", "SigCgt")} == {0}


async def test_a_final_status_is_not_tried_again() -> None:
    program = Program("wrong", ("/bin/sh", "-c", "exit 2"), final=frozenset({2}))
    kept = KeptProcess(program)
    await kept.start()
    with pytest.raises(ProgramEndedError) as caught:
        await kept.ended()
    assert caught.value.status == 2
    await kept.stop()


async def test_a_final_status_does_not_end_what_has_worked_for_a_while(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(processes, "STEADY_AFTER", 0.0)
    log = tmp_path / "log"
    program = Program("steady", ("/bin/sh", "-c", "echo x; exit 2"), log=log, final=frozenset({2}))
    kept = KeptProcess(program)
    await kept.start()
    await until_true(lambda: log.read_text(encoding="utf-8").count("x") > 1)
    await kept.stop()


async def test_a_stop_during_the_pause_before_a_restart_starts_nothing(tmp_path: Path) -> None:
    log = tmp_path / "log"
    kept = KeptProcess(Program("brief", ("/bin/sh", "-c", "echo started"), log=log))
    await kept.start()
    await until_true(lambda: log.read_text(encoding="utf-8") != "" and kept.pid is None)
    before = log.read_text(encoding="utf-8")
    await kept.stop()
    assert kept.pid is None
    assert log.read_text(encoding="utf-8") == before


async def test_a_stop_before_the_start_is_fine() -> None:
    await KeptProcess(Program("never", SLEEP)).stop()


async def test_a_log_beyond_its_limit_begins_anew(tmp_path: Path) -> None:
    log = tmp_path / "log"
    log.write_bytes(b"x" * (LOG_LIMIT + 1))
    kept = KeptProcess(Program("speaker", ("/bin/sh", "-c", "echo new; exec sleep 1000"), log=log))
    await kept.start()
    await until_true(lambda: log.exists() and log.read_text(encoding="utf-8") == "new\n")
    await kept.stop()
    assert (tmp_path / "log.old").stat().st_size == LOG_LIMIT + 1


def test_children_die_with_a_killed_parent() -> None:
    script = (
        "import asyncio\n"
        "from videoflix.processes import KeptProcess, Program\n"
        "async def main():\n"
        f"    kept = KeptProcess(Program('sleep', {SLEEP!r}))\n"
        "    await kept.start()\n"
        "    print(kept.pid, flush=True)\n"
        "    await asyncio.sleep(1000)\n"
        "asyncio.run(main())\n"
    )
    with subprocess.Popen(
        [sys.executable, "-c", script], cwd=REPOSITORY, stdout=subprocess.PIPE
    ) as parent:
        assert parent.stdout
        child = int(parent.stdout.readline())
        # It is on its leash once it has become the program.
        until(lambda: b"sleep" in Path(f"/proc/{child}/cmdline").read_bytes().split(b"\0")[0])
        parent.kill()
    until(lambda: not is_running(child), seconds=10)
