"""Child processes that are kept alive: restarted when they crash, stopped together, and never
left behind.

Each child runs in a session of its own, so that a Ctrl-C in the terminal reaches only the
parent, which then stops the children in order; and on a leash (``videoflix.leash``), so that it
dies with a parent that was killed. Needs an event loop on a thread that outlives the children:
the kernel's leash is tied to the thread that started them.
"""

import asyncio
import os
import signal
import sys
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import structlog

from videoflix.errors import VideoflixError

FIRST_PAUSE = 0.2
LONGEST_PAUSE = 10.0
STEADY_AFTER = 20.0
WAKE_SECONDS = 0.1
LOG_LIMIT = 1024 * 1024

_LEASH = Path(__file__).with_name("leash.py")
_log = structlog.get_logger(__name__)


class ProgramEndedError(VideoflixError):
    """A child ended in a way that a restart cannot mend. ``status`` is its exit status."""

    code = "program_ended"

    def __init__(self, message: str, status: int) -> None:
        super().__init__(message)
        self.status = status


@dataclass(frozen=True, slots=True)
class Program:
    """What to run. ``argv[0]`` is an absolute path.

    ``log`` is a file that its output is appended to (None: the parent's own output).
    ``grace`` is the pause in seconds between SIGTERM and SIGKILL when it is stopped.
    A child that ends by itself with one of ``final`` exit statuses is not started again, unless
    it has worked before.
    ``umask`` is that of its files (-1: inherited). ``while_stopping`` is called about ten times
    a second from SIGTERM until the child has ended, for a child that has to be woken.
    """

    name: str
    argv: tuple[str, ...]
    environment: Mapping[str, str] | None = None
    pass_fds: tuple[int, ...] = ()
    log: Path | None = None
    grace: float = 5.0
    final: frozenset[int] = frozenset()
    umask: int = -1
    while_stopping: Callable[[], None] | None = None


def _open_log(path: Path) -> int:
    """Open for appending; an old log beyond the limit is kept once as ``<name>.old``."""
    with suppress(FileNotFoundError):
        if path.stat().st_size > LOG_LIMIT:
            path.replace(path.with_name(path.name + ".old"))
    return os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o600)


async def _spawn(program: Program) -> asyncio.subprocess.Process:
    log = _open_log(program.log) if program.log else None
    try:
        return await asyncio.create_subprocess_exec(
            sys.executable,
            "-I",
            "-S",
            str(_LEASH),
            str(os.getpid()),
            *program.argv,
            stdin=asyncio.subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            env=None if program.environment is None else dict(program.environment),
            pass_fds=program.pass_fds,
            umask=program.umask,
            start_new_session=True,
        )
    finally:
        if log is not None:
            os.close(log)


def _signal(process: asyncio.subprocess.Process, number: signal.Signals) -> None:
    with suppress(ProcessLookupError):
        process.send_signal(number)


def _kill_session(process: asyncio.subprocess.Process) -> None:
    with suppress(ProcessLookupError, PermissionError):
        os.killpg(process.pid, signal.SIGKILL)


class KeptProcess:
    """One program, started with ``start`` and kept running until ``stop``.

    A child that ends by itself is started again after a pause that doubles from 0.2 s to 10 s
    and falls back once a child has lived for 20 s; for ever, since what it misses (a database, a
    disk) may come back, and those beside it still serve. Each time is a warning in the log.
    So a final status counts only until the program has worked (``has_worked``, or 20 s of life):
    it could with these settings, and those beside it still do.
    """

    def __init__(self, program: Program) -> None:
        self.program = program
        self._process: asyncio.subprocess.Process | None = None
        self._stopping = asyncio.Event()
        self._watcher: asyncio.Task[None] | None = None
        self._final = program.final

    def has_worked(self) -> None:
        """It did what it is for: from now on no exit status ends it for good."""
        self._final = frozenset()

    @property
    def pid(self) -> int | None:
        """The process id of the child that runs now."""
        process = self._process
        return process.pid if process and process.returncode is None else None

    async def start(self) -> None:
        """Start the child. Raises OSError when the program cannot be run at all."""
        self._process = await _spawn(self.program)
        self._watcher = asyncio.create_task(self._watch(), name=f"watch {self.program.name}")

    async def ended(self) -> None:
        """Wait until the program has ended for good: stopped (returns), or ended with a final
        status (raises ProgramEndedError)."""
        if self._watcher is not None:
            await asyncio.shield(self._watcher)

    async def stop(self) -> None:
        """SIGTERM, then SIGKILL after the grace; returns when the child is gone."""
        self._stopping.set()
        if self._process is None or self._watcher is None:
            return
        _signal(self._process, signal.SIGTERM)
        try:
            async with asyncio.timeout(self.program.grace):
                await self._end()
        except TimeoutError:
            _log.warning("child did not stop in time and is killed", child=self.program.name)
            _signal(self._process, signal.SIGKILL)
            await asyncio.wait([self._watcher])
        if not self._watcher.cancelled():
            self._watcher.exception()  # an end that nobody waited for was logged when it came
        _kill_session(self._process)

    async def _end(self) -> None:
        wake = self.program.while_stopping
        while self._watcher is not None and not self._watcher.done():
            await asyncio.wait([self._watcher], timeout=WAKE_SECONDS if wake else None)
            if wake and not self._watcher.done():
                wake()

    async def _watch(self) -> None:
        pause = FIRST_PAUSE
        while self._process is not None:
            started = time.monotonic()
            status = await self._process.wait()
            if self._stopping.is_set():
                return
            if time.monotonic() - started > STEADY_AFTER:
                self.has_worked()
                pause = FIRST_PAUSE
            if status in self._final:
                raise ProgramEndedError(f"{self.program.name} ended with status {status}", status)
            _log.warning(
                "child ended and is started again",
                child=self.program.name,
                status=status,
                pause=pause,
            )
            _kill_session(self._process)
            while not await self._start_again(pause):
                if self._stopping.is_set():
                    return
                pause = min(pause * 2, LONGEST_PAUSE)
            pause = min(pause * 2, LONGEST_PAUSE)

    async def _start_again(self, pause: float) -> bool:
        """After the pause. False when a stop came first, or when the system cannot do it at the
        moment: it may have no memory, processes or descriptors left."""
        with suppress(TimeoutError):
            async with asyncio.timeout(pause):
                await self._stopping.wait()
        if self._stopping.is_set():
            return False
        try:
            process = await _spawn(self.program)
        except OSError as error:
            _log.warning("child cannot be started", child=self.program.name, reason=str(error))
            return False
        if self._stopping.is_set():  # ``stop`` looked while this child was being made
            _signal(process, signal.SIGTERM)
        self._process = process
        return True


class Family:
    """Programs that run together and stop together. Some may be replaced meanwhile."""

    def __init__(self) -> None:
        self._members: dict[KeptProcess, asyncio.Task[None] | None] = {}
        self._failed: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    async def start(self, program: Program) -> KeptProcess:
        """Start it. Whatever happens, it is stopped with the others from now on; but where the
        program cannot be run at all (OSError), there is nothing to stop."""
        member = KeptProcess(program)
        self._members[member] = None
        try:
            await member.start()
        except OSError:
            del self._members[member]
            raise
        return member

    def rely_on(self, member: KeptProcess) -> None:
        """From now on the family has failed when this one ends for good."""
        watch = asyncio.create_task(member.ended(), name=f"rely on {member.program.name}")
        self._members[member] = watch
        watch.add_done_callback(self._has_ended)

    async def dismiss(self, member: KeptProcess) -> None:
        """Stop this one alone."""
        await member.stop()
        del self._members[member]

    async def failed(self) -> None:
        """Wait for ever; raises ProgramEndedError when one that is relied on ends for good."""
        await asyncio.shield(self._failed)

    async def stop(self) -> None:
        """Stop all of them, at the same time."""
        await asyncio.gather(*(member.stop() for member in self._members))
        for watch in filter(None, self._members.values()):
            watch.cancel()
        if not self._failed.done():
            self._failed.cancel()

    def _has_ended(self, watch: asyncio.Task[None]) -> None:
        error = None if watch.cancelled() else watch.exception()
        if error and not self._failed.done():
            self._failed.set_exception(error)
            self._failed.exception()  # perhaps nobody waits for it any more
