"""Limits a child process puts on itself before it touches a stranger's file.

Imports nothing that starts threads: a user namespace can only be entered by a process with one
thread, so ``enter`` has to run before numpy and PyAV are imported.
"""

import contextlib
import ctypes
import os
import resource
import signal
import sys
from pathlib import Path

_PR_SET_PDEATHSIG = 1
_CLONE_NEWUSER = 0x10000000
_CLONE_NEWNET = 0x40000000
_OPEN_FILES = 256
# Address space, not memory: an encode of 1080p reserves about 0.9 GB on two cores and more with
# every thread, so this is only a backstop.
_ADDRESS_SPACE = 32 * 1024**3
_NICENESS = 10
_THREAD_POOLS = ("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS")


def enter() -> list[str]:
    """Die with the parent; no network; no core files; few open files; no thread but those that
    are asked for; yield to the server.

    Returns what the kernel refused, in plain words, for the log.
    """
    libc = ctypes.CDLL(None, use_errno=True)
    refused = []
    parent = os.getppid()
    if libc.unshare(_CLONE_NEWUSER | _CLONE_NEWNET) != 0:
        refused.append(f"no network namespace: {os.strerror(ctypes.get_errno())}")
    # After unshare: a change of credentials clears the signal again (prctl(2)).
    if libc.prctl(_PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0) != 0:
        refused.append(f"no parent-death signal: {os.strerror(ctypes.get_errno())}")
    if os.getppid() != parent:
        sys.exit("the parent process is gone")
    _lower(resource.RLIMIT_CORE, 0)
    _lower(resource.RLIMIT_NOFILE, _OPEN_FILES)
    _lower(resource.RLIMIT_AS, _ADDRESS_SPACE)
    with contextlib.suppress(OSError):
        os.nice(_NICENESS)
    # Libraries that numpy brings start a thread for each core when they are loaded.
    os.environ.update(dict.fromkeys(_THREAD_POOLS, "1"))
    with contextlib.suppress(OSError):
        # Where the machine runs out of memory, the kernel ends this and not the server.
        Path("/proc/self/oom_score_adj").write_text("1000", encoding="ascii")
    return refused


def limit_files(size: int) -> None:
    """No file that is written from now on becomes larger than ``size`` bytes.

    A write beyond it raises OSError (EFBIG): Python ignores the signal that would end it.
    """
    signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    _lower(resource.RLIMIT_FSIZE, size)


def _lower(limit: int, value: int) -> None:
    """Never raises a limit that is there already."""
    bounds = [value, *(b for b in resource.getrlimit(limit) if b != resource.RLIM_INFINITY)]
    resource.setrlimit(limit, (min(bounds), min(bounds)))
