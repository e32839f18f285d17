"""Media code in child processes: strangers' files are decoded nowhere else.

A child has a session of its own, which is killed as a whole, dies with this process
(``videoflix.leash``), and sees no settings and no secrets in its environment. Its time, its
processor time and its memory are limited from outside; further limits it sets itself
(``media_pipeline.sandbox``).
"""

import asyncio
import math
import os
import signal
import sys
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import media_pipeline
from videoflix.session_memory import session_memory

LINE_LIMIT = 64 * 1024
STDERR_KEPT = 8 * 1024
MEMORY_SECONDS = 0.5  # between looks at a child's memory

_LEASH = Path(__file__).with_name("leash.py")
_CODE = Path(media_pipeline.__file__).resolve().parent.parent
_PASSED = frozenset(
    {"HOME", "LANG", "LC_ALL", "LD_LIBRARY_PATH", "LD_PRELOAD", "PATH", "TMPDIR", "TZ"}
)


class ChildTooLarge(Exception):
    """The child held more memory than allowed and was killed."""


def media_command(module: str) -> tuple[str, ...]:
    """The command that runs a module of ``media_pipeline.programs`` with this interpreter."""
    return (sys.executable, "-m", f"media_pipeline.programs.{module}")


@dataclass(frozen=True, slots=True)
class ChildEnd:
    """``status`` is the exit status, negative for the signal that ended the child.
    ``stderr`` is the end of what it wrote there."""

    status: int
    stderr: str

    @property
    def plainly(self) -> str:
        """How it ended, in plain words: ``crashed (SIGSEGV)``."""
        if self.status >= 0:
            return f"ended unexpectedly (status {self.status})"
        if self.status == -signal.SIGXCPU:
            return "used more processor time than allowed"
        if self.status == -signal.SIGKILL:
            return "was killed (SIGKILL), perhaps because the machine ran out of memory"
        try:
            return f"crashed ({signal.Signals(-self.status).name})"
        except ValueError:
            return f"crashed (signal {-self.status})"


def _environment() -> Mapping[str, str]:
    kept = {name: value for name, value in os.environ.items() if name in _PASSED}
    return {**kept, "PYTHONPATH": str(_CODE), "PYTHONUNBUFFERED": "1"}


class _Protocol(asyncio.subprocess.SubprocessStreamProtocol):
    """Says when the child has ended. ``Process.wait`` returns only when its pipes are closed as
    well, and those a grandchild may hold open for ever."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        super().__init__(limit=LINE_LIMIT, loop=loop)
        self.ended = asyncio.Event()

    def process_exited(self) -> None:
        super().process_exited()
        self.ended.set()


@dataclass(frozen=True, slots=True)
class _Child:
    process: asyncio.subprocess.Process
    ended: asyncio.Event

    def kill(self) -> None:
        """Kill the whole session, also what its leader has left behind."""
        with suppress(ProcessLookupError, PermissionError):
            os.killpg(self.process.pid, signal.SIGKILL)


async def _spawn(argv: Sequence[str], cpu_seconds: int) -> _Child:
    loop = asyncio.get_running_loop()
    transport, protocol = await loop.subprocess_exec(
        lambda: _Protocol(loop),
        sys.executable,
        "-I",
        "-S",
        str(_LEASH),
        str(os.getpid()),
        f"cpu={cpu_seconds}",
        *argv,
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
        env=_environment(),
        start_new_session=True,
    )
    return _Child(asyncio.subprocess.Process(transport, protocol, loop), protocol.ended)


async def _read_lines(stream: asyncio.StreamReader, on_line: Callable[[bytes], None]) -> None:
    """Hand over every line; one beyond the limit is dropped."""
    while True:
        try:
            line = await stream.readline()
        except ValueError:
            continue
        if not line:
            return
        on_line(line)


async def _read_tail(stream: asyncio.StreamReader) -> bytes:
    tail = b""
    while chunk := await stream.read(STDERR_KEPT):
        tail = (tail + chunk)[-STDERR_KEPT:]
    return tail


async def _follow(child: _Child, on_line: Callable[[bytes], None]) -> ChildEnd:
    process = child.process
    if process.stdout is None or process.stderr is None:
        raise RuntimeError("the child was started without pipes")
    lines = asyncio.create_task(_read_lines(process.stdout, on_line))
    tail = asyncio.create_task(_read_tail(process.stderr))
    try:
        await child.ended.wait()
        child.kill()  # whoever still holds the pipes open
        await lines
        stderr = (await tail).decode("utf-8", "replace").strip()
        return ChildEnd(await process.wait(), stderr)
    finally:
        lines.cancel()
        tail.cancel()


async def _watch_memory(child: _Child, memory: int) -> None:
    """Returns never; raises ChildTooLarge."""
    while True:
        await asyncio.sleep(MEMORY_SECONDS)
        if await asyncio.to_thread(session_memory, child.process.pid) > memory:
            raise ChildTooLarge


async def _first_to_end(
    following: asyncio.Task[ChildEnd], watching: asyncio.Task[None]
) -> ChildEnd:
    try:
        await asyncio.wait((following, watching), return_when=asyncio.FIRST_COMPLETED)
        if not following.done():
            await watching
        return await following
    finally:
        following.cancel()
        watching.cancel()
        await asyncio.gather(following, watching, return_exceptions=True)


async def run_child(
    argv: Sequence[str], on_line: Callable[[bytes], None], *, seconds: float, memory: int
) -> ChildEnd:
    """Run ``argv`` (``argv[0]`` an absolute path) to its end.

    ``on_line`` gets each line of its output. Raises TimeoutError after ``seconds``, ChildTooLarge
    when all its processes together hold more than ``memory`` bytes (looked at twice a second),
    OSError when it cannot be started. However this ends, cancelled as well, no process is left.

    The kernel ends it when it has used ``seconds`` of processor time on every core: also when
    this process is stuck.
    """
    child = await _spawn(argv, math.ceil(seconds * (os.cpu_count() or 1)) + 1)
    try:
        async with asyncio.timeout(seconds):
            return await _first_to_end(
                asyncio.create_task(_follow(child, on_line)),
                asyncio.create_task(_watch_memory(child, memory)),
            )
    finally:
        child.kill()
        await asyncio.shield(child.process.wait())
