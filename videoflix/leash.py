"""Run a program that dies with its parent: ``python -I -S leash.py PARENT_PID [cpu=SECONDS]
PROGRAM [ARG...]``, PROGRAM being an absolute path.

A script of its own, and not a ``preexec_fn``: code between fork and exec of a process with
threads can deadlock. It asks the kernel for SIGKILL when the parent ends (``prctl(2)``,
PR_SET_PDEATHSIG; the setting survives exec), looks whether the parent has ended in between, and
becomes the program, which begins with signals as the kernel gives them: what the parent ignores or
blocks would be inherited (signal(7)). With ``cpu`` the program gets SIGXCPU once it has used that
much processor time in all its threads, and SIGKILL a little later, also while the parent is stuck.
Imports nothing of Videoflix and starts in milliseconds. Where the system has no ``prctl`` (not
Linux) the program runs without the leash.
"""

import ctypes
import os
import resource
import signal
import sys

PR_SET_PDEATHSIG = 1
CPU = "cpu="
CPU_GRACE = 5  # seconds from SIGXCPU to SIGKILL


def reset_signals() -> None:
    """None is blocked, none is ignored but those that cannot be changed."""
    signal.pthread_sigmask(signal.SIG_SETMASK, ())
    for number in signal.valid_signals() - {signal.SIGKILL, signal.SIGSTOP}:
        if signal.getsignal(number) is signal.SIG_IGN:
            signal.signal(number, signal.SIG_DFL)


def main(arguments: list[str]) -> None:
    """Become the program; returns only by raising OSError."""
    parent, *command = arguments
    reset_signals()
    prctl = getattr(ctypes.CDLL(None, use_errno=True), "prctl", None)
    if prctl is not None:
        prctl(PR_SET_PDEATHSIG, int(signal.SIGKILL), 0, 0, 0)
        if os.getppid() != int(parent):
            sys.exit(f"{command[0]}: the process that started it has ended")
    if command[0].startswith(CPU):
        seconds = int(command.pop(0).removeprefix(CPU))
        resource.setrlimit(resource.RLIMIT_CPU, (seconds, seconds + CPU_GRACE))
    os.execv(command[0], command)  # noqa: S606 -- no shell on purpose: the command is a list


if __name__ == "__main__":
    main(sys.argv[1:])
