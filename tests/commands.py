"""Starting ``python -m videoflix`` as people do: a process of its own, with its own output."""

import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

from tests.processes import leashed, stop
from tests.services import UNLIMITED
from tests.videoflix.waiting import is_running

T = TypeVar("T")

REPOSITORY = Path(__file__).parents[1]
START_SECONDS = 120.0
STOP_SECONDS = 20.0  # a stop may take 10 s, and the machine may be busy


def environment(root: Path, extra: Mapping[str, str] | None = None) -> dict[str, str]:
    """Of the caller's environment only what programs need; state under ``root``; any free port."""
    return {
        "PATH": os.environ["PATH"],
        "HOME": str(root),
        "PYTHONPATH": str(REPOSITORY),
        "PYTHONWARNINGS": "error",
        "VIDEOFLIX_SERVER__PORT": "0",
        "VIDEOFLIX_STORAGE__ROOT": str(root),
        "VIDEOFLIX_STORAGE__FREE_FLOOR": "0",
        "VIDEOFLIX_AUTH__BCRYPT_COST": "4",
        "VIDEOFLIX_MEDIA__PRESET": "ultrafast",
        "VIDEOFLIX_MEDIA__RUNGS": "480p",
        **UNLIMITED,
        **(extra or {}),
    }


def until(look: Callable[[], T | None], seconds: float = START_SECONDS) -> T:
    """What ``look`` returns once that is true. Raises TimeoutError."""
    deadline = time.monotonic() + seconds
    while not (found := look()):
        if time.monotonic() > deadline:
            raise TimeoutError(f"not within {seconds:g} s")
        time.sleep(0.05)
    return found


def descendants(pid: int) -> set[int]:
    """Process ids of its children, their children, and so on."""
    children: dict[int, list[int]] = {}
    for folder in Path("/proc").iterdir():
        if folder.name.isdecimal():
            try:
                stat = (folder / "stat").read_text(encoding="utf-8")
            except (FileNotFoundError, ProcessLookupError):
                continue
            parent = int(stat.rpartition(")")[2].split()[1])
            children.setdefault(parent, []).append(int(folder.name))
    found: set[int] = set()
    waiting = [pid]
    while waiting:
        new = children.get(waiting.pop(), [])
        found.update(new)
        waiting += new
    return found


def child_running(pid: int, *words: str, other_than: int | None = None) -> int | None:
    """A descendant whose command line has all the words."""
    for child in descendants(pid) - {other_than}:
        try:
            line = Path(f"/proc/{child}/cmdline").read_bytes().decode("utf-8", "replace")
        except (FileNotFoundError, ProcessLookupError):
            continue
        # A leash that has not become its program yet holds the same words.
        if all(word in line for word in words) and "leash.py" not in line:
            return child
    return None


@dataclass
class Running:
    """A command that stays. Its output goes to files, so that it never waits for a reader."""

    process: subprocess.Popen[bytes]
    output: Path
    errors: Path

    def text(self) -> str:
        return self.output.read_text(encoding="utf-8")

    def line(self, pattern: str) -> re.Match[str]:
        """The first line of its output that matches. Raises AssertionError when it ends first."""

        def look() -> re.Match[str] | None:
            found = re.search(pattern, self.text(), re.MULTILINE)
            if found is None and self.process.poll() is not None:
                raise AssertionError(f"ended without it:\n{self.text()}\n{self.errors.read_text()}")
            return found

        return until(look)

    def child(self, *words: str, other_than: int | None = None) -> int:
        """The pid of a descendant with these words in its command line, once there is one."""

        def look() -> int | None:
            return child_running(self.process.pid, *words, other_than=other_than)

        return until(look)

    def interrupt(self) -> int:
        """Ctrl-C: SIGINT to its whole process group, and its exit status. It has to end in time
        and to leave no process behind."""
        family = descendants(self.process.pid)
        os.killpg(self.process.pid, signal.SIGINT)
        status = self.process.wait(STOP_SECONDS)
        assert [pid for pid in family if is_running(pid)] == []
        return status


@contextmanager
def running(
    *arguments: str,
    root: Path,
    extra: Mapping[str, str] | None = None,
    prefix: Sequence[str] = (),
) -> Iterator[Running]:
    """Run a command until the block ends; through the program ``prefix``, where there is one."""
    root.mkdir(parents=True, exist_ok=True)
    output, errors = root.with_suffix(".out"), root.with_suffix(".err")
    with output.open("wb") as out, errors.open("wb") as err:
        process = subprocess.Popen(
            leashed(*prefix, sys.executable, "-m", "videoflix", *arguments),
            cwd=root,
            env=environment(root, extra),
            stdin=subprocess.DEVNULL,
            stdout=out,
            stderr=err,
            umask=0o022,  # as most people have it
            start_new_session=True,
        )
    try:
        yield Running(process, output, errors)
    finally:
        if process.poll() is None:
            stop(process, STOP_SECONDS * 2)


def run(
    *arguments: str, root: Path, extra: Mapping[str, str] | None = None, stdin: str = ""
) -> subprocess.CompletedProcess[str]:
    """Run a command to its end."""
    root.mkdir(parents=True, exist_ok=True)
    return subprocess.run(
        leashed(sys.executable, "-m", "videoflix", *arguments),
        cwd=root,
        env=environment(root, extra),
        input=stdin,
        capture_output=True,
        text=True,
        check=False,
        timeout=START_SECONDS,
    )
