"""HTTP processes that share listening sockets.

The parent owns the sockets. Every child inherits them, also one that takes the place of another,
so that no connection is refused in between: what no child has taken yet waits in their queue.
(Sockets of their own, by SO_REUSEPORT, would lose what waits in the queue of one that ends.)
"""

import asyncio
import os
import socket
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, replace

import structlog

from videoflix.errors import ServiceUnavailable
from videoflix.metrics.serving import ChildFigures
from videoflix.processes import Family, KeptProcess, Program

READY_SECONDS = 60.0

_log = structlog.get_logger(__name__)


class ReadyPipe:
    """How a child, and each that is started again in its place, says that it answers requests: it
    writes to ``writer``."""

    def __init__(self) -> None:
        self._reader, self.writer = os.pipe2(os.O_NONBLOCK | os.O_CLOEXEC)
        self._is_ready = asyncio.Event()
        asyncio.get_running_loop().add_reader(self._reader, self._read)

    def _read(self) -> None:
        os.read(self._reader, 1024)
        self._is_ready.set()

    async def ready(self) -> None:
        """Wait until a child has written for the first time."""
        await self._is_ready.wait()

    def close(self) -> None:
        asyncio.get_running_loop().remove_reader(self._reader)
        os.close(self._reader)
        os.close(self.writer)


def tell_ready(writer: int) -> None:
    """In the child: say that requests are answered."""
    with suppress(BlockingIOError):  # said so often that nobody needs to hear it again
        os.write(writer, b"1")


@dataclass(frozen=True, slots=True)
class _Child:
    process: KeptProcess
    pipe: ReadyPipe


class HttpChildren:
    """Runs ``program`` in several processes, which belong to ``family``. It gets the options
    ``--fd`` for each of the sockets, ``--ready-fd`` for the pipe to answer by and, with
    ``figures``, ``--figures`` for where to tell its own."""

    def __init__(
        self,
        family: Family,
        program: Program,
        sockets: Sequence[socket.socket],
        figures: ChildFigures | None = None,
    ) -> None:
        descriptors = tuple(listener.fileno() for listener in sockets)
        inherited = [part for number in descriptors for part in ("--fd", str(number))]
        self._program = replace(program, argv=(*program.argv, *inherited), pass_fds=descriptors)
        self._family = family
        self._figures = figures
        self._children: list[_Child] = []

    async def start(self, count: int) -> None:
        """Returns when each of them answers.

        Raises ProgramEndedError when one ends for good and ServiceUnavailable when one does not
        answer in time.
        """
        for number in range(1, count + 1):
            self._children.append(await self._begin(number))
        for child in self._children:
            self._family.rely_on(child.process)
        try:
            async with asyncio.timeout(READY_SECONDS):
                for child in self._children:
                    await child.pipe.ready()
                    child.process.has_worked()
        except TimeoutError as error:
            raise ServiceUnavailable(
                f"the HTTP server did not answer within {READY_SECONDS:g} s"
            ) from error

    def close(self) -> None:
        """Forget the children, which have been stopped."""
        for child in self._children:
            child.pipe.close()
        self._children.clear()

    async def restart_when(self, asked: asyncio.Event) -> None:
        """Replace all children, one by one, each time ``asked`` is set. Never returns."""
        while True:
            await asked.wait()
            asked.clear()
            _log.info("HTTP processes are replaced", count=len(self._children))
            if await self._restart():
                _log.info("HTTP processes were replaced", count=len(self._children))

    async def _restart(self) -> bool:
        """Replace each child once its successor answers. False when one did not: then those that
        have not been replaced go on."""
        for index, old in enumerate(self._children):
            new = await self._successor(index + 1)
            if new is None:
                return False
            self._family.rely_on(new.process)
            self._children[index] = new
            await self._family.dismiss(old.process)
            old.pipe.close()
        return True

    async def _successor(self, number: int) -> _Child | None:
        try:
            new = await self._begin(number)
        except OSError as reason:  # no descriptors, processes or memory left
            _say_that_old_ones_go_on(reason)
            return None
        ready = asyncio.ensure_future(new.pipe.ready())
        ended = asyncio.ensure_future(new.process.ended())
        try:
            await asyncio.wait(
                [ready, ended], timeout=READY_SECONDS, return_when=asyncio.FIRST_COMPLETED
            )
            if ready.done():
                new.process.has_worked()
                return new
            error = ended.exception() if ended.done() else None
        finally:
            ready.cancel()
            ended.cancel()
        _say_that_old_ones_go_on(error)
        await self._family.dismiss(new.process)
        new.pipe.close()
        return None

    async def _begin(self, number: int) -> _Child:
        """Raises OSError when the system cannot do it; then nothing is left of it."""
        pipe = ReadyPipe()
        told = ("--figures", str(self._figures.socket(number))) if self._figures else ()
        program = replace(
            self._program,
            name=f"{self._program.name} {number}",
            argv=(*self._program.argv, "--ready-fd", str(pipe.writer), *told),
            pass_fds=(*self._program.pass_fds, pipe.writer),
        )
        try:
            return _Child(await self._family.start(program), pipe)
        except OSError:
            pipe.close()
            raise


def _say_that_old_ones_go_on(error: BaseException | None) -> None:
    _log.error("a new HTTP process does not answer; those that run go on", error=str(error or ""))
