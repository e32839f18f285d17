"""Files a child process lets itself reach: its source, its output, its libraries, nothing else.

Without this, whoever takes a decoder over reads the server's keys and writes into other films.
Linux's Landlock (landlock(7), since 5.13) needs no privileges and cannot be taken back.
"""

import ctypes
import os
import stat
import sys
from collections.abc import Iterable
from pathlib import Path

_CREATE_RULESET, _ADD_RULE, _RESTRICT_SELF = 444, 445, 446
_GET_VERSION = 1
_PATH_BENEATH = 1
_PR_SET_NO_NEW_PRIVS = 38

# LANDLOCK_ACCESS_FS_*: bits, and the versions that brought the later ones.
_EXECUTE, _WRITE_FILE, _READ_FILE, _READ_DIR = 1, 2, 4, 8
_ALL_OF_VERSION = {1: 0x1FFF, 2: 0x3FFF, 3: 0x7FFF, 4: 0x7FFF}
_LATEST = 0xFFFF  # from version 5 on, all that stands here
_TRUNCATE, _IOCTL = 0x4000, 0x8000
_OF_FILES = _EXECUTE | _WRITE_FILE | _READ_FILE | _TRUNCATE | _IOCTL
_READ = _EXECUTE | _READ_FILE | _READ_DIR

# Of this interpreter, its libraries and the C library; never a folder that holds settings.
_SYSTEM = (
    "/usr",
    "/lib",
    "/lib64",
    "/etc/ld.so.cache",
    "/etc/localtime",
    "/dev/null",
    "/dev/urandom",
    "/proc/self",
    "/proc/cpuinfo",
    "/proc/meminfo",
    "/sys/devices/system/cpu",
)


class _Beneath(ctypes.Structure):
    """struct landlock_path_beneath_attr."""

    _pack_ = 1
    _fields_ = (("allowed", ctypes.c_uint64), ("parent", ctypes.c_int32))


def confine(reads: Iterable[Path], writes: Iterable[Path]) -> list[str]:
    """From now on this thread, and those that it starts, open nothing but what lies at or below
    ``reads``, and do as they like below the folders ``writes``; and the interpreter's own files.

    What does not exist is left out. Returns what the kernel refused, in plain words, for the log.
    """
    libc = ctypes.CDLL(None, use_errno=True)
    version = libc.syscall(_CREATE_RULESET, None, ctypes.c_size_t(0), _GET_VERSION)
    if version < 1:
        return [f"no confinement of files: {os.strerror(ctypes.get_errno())}"]
    handled = _ALL_OF_VERSION.get(version, _LATEST)
    attribute = ctypes.c_uint64(handled)
    rules = libc.syscall(_CREATE_RULESET, ctypes.byref(attribute), ctypes.c_size_t(8), 0)
    if rules < 0:
        return [f"no confinement of files: {os.strerror(ctypes.get_errno())}"]
    code = Path(__file__).parent
    own = [Path(name) for name in (*_SYSTEM, sys.prefix, sys.base_prefix)]
    try:
        for path in (*own, code, *reads):
            _allow(libc, rules, path, _READ & handled)
        for path in writes:
            _allow(libc, rules, path, handled)
        if libc.prctl(_PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) or libc.syscall(_RESTRICT_SELF, rules, 0):
            raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))
    except OSError as error:
        return [f"no confinement of files: {error.strerror}"]
    finally:
        os.close(rules)
    return []


def _allow(libc: ctypes.CDLL, rules: int, path: Path, access: int) -> None:
    try:
        parent = os.open(path, os.O_PATH | os.O_CLOEXEC)
    except FileNotFoundError:
        return
    try:
        if not stat.S_ISDIR(os.fstat(parent).st_mode):
            access &= _OF_FILES
        beneath = _Beneath(access, parent)
        if libc.syscall(_ADD_RULE, rules, _PATH_BENEATH, ctypes.byref(beneath), 0):
            raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))
    finally:
        os.close(parent)
