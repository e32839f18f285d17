"""Run a coroutine as a command: until it is done, or until the user or the system says stop."""

import asyncio
import os
import signal
from collections.abc import Callable, Coroutine
from typing import Any

EXIT_INTERRUPTED = 130


class Stopper:
    """What SIGINT, SIGTERM and SIGHUP do: cancel the command, so that everything it opened is
    closed; or, once ``gently`` was called, only set an event. They count once: a second Ctrl-C
    does not interrupt the stopping."""

    def __init__(self, task: asyncio.Task[None]) -> None:
        self._task = task
        self._event = asyncio.Event()
        self._is_gentle = False

    @property
    def is_requested(self) -> bool:
        return self._event.is_set()

    def gently(self) -> asyncio.Event:
        """The event that a stop sets from now on, in the place of a cancellation."""
        self._is_gentle = True
        return self._event

    def restarts(self) -> asyncio.Event:
        """The event that SIGHUP sets from now on, in the place of a stop; only the end of the
        terminal that this runs in still is one."""
        asked = asyncio.Event()
        is_told_to_stay = signal.getsignal(signal.SIGHUP) is signal.SIG_IGN  # nohup
        can_lose_terminal = not is_told_to_stay and _has_terminal()

        def hang_up() -> None:
            if can_lose_terminal and not _has_terminal():
                self.request()
            else:
                asked.set()

        asyncio.get_running_loop().add_signal_handler(signal.SIGHUP, hang_up)
        return asked

    def request(self) -> None:
        if not self._event.is_set():
            self._event.set()
            if not self._is_gentle:
                self._task.cancel()


def _has_terminal() -> bool:
    """Whether there is a controlling terminal (tty(4))."""
    try:
        os.close(os.open("/dev/tty", os.O_RDWR | os.O_NOCTTY))
    except OSError:
        return False
    return True


Command = Callable[[Stopper], Coroutine[Any, Any, None]]


async def _watched(command: Command) -> bool:
    task = asyncio.current_task()
    assert task is not None  # noqa: S101 -- asyncio.run has made one
    stopper = Stopper(task)
    loop = asyncio.get_running_loop()
    # SIGINT also where it comes in ignored (a background job of a shell script).
    signals = [signal.SIGINT, signal.SIGTERM]
    if signal.getsignal(signal.SIGHUP) is not signal.SIG_IGN:  # nohup
        signals.append(signal.SIGHUP)
    for number in signals:
        loop.add_signal_handler(number, stopper.request)
    try:
        await command(stopper)
    except asyncio.CancelledError:
        if not stopper.is_requested:
            raise
    return stopper.is_requested


def run_command(command: Command) -> bool:
    """Run it to its end; True when a signal asked it to stop.

    Whoever started this may have blocked signals, or ignored the end of children, which is
    inherited (signal(7)): then no stop would be heard, and no child's status (wait(2)).
    """
    signal.pthread_sigmask(signal.SIG_SETMASK, ())
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    return asyncio.run(_watched(command))
