"""How much memory the processes of a session hold, as the kernel says in ``/proc``."""

import os
from collections.abc import Iterator
from pathlib import Path

_PROC = Path("/proc")
_SESSION = 3  # field of stat after the name: state, parent, group, session (proc(5))
_RESIDENT = 1  # field of statm, in pages


def session_memory(session: int) -> int:
    """Resident bytes of all its processes together; 0 where the system has no ``/proc``.

    Pages that they share are counted for each. Looks at every process of the machine: takes
    milliseconds and belongs off the event loop.
    """
    return sum(map(_resident, _processes(session)))


def _processes(session: int) -> Iterator[int]:
    try:
        names = [entry.name for entry in os.scandir(_PROC) if entry.name.isdecimal()]
    except OSError:
        return
    for name in names:
        try:
            stat = (_PROC / name / "stat").read_text(encoding="utf-8", errors="replace")
        except OSError:  # it has ended
            continue
        # The name stands in parentheses and may hold any character.
        if int(stat.rpartition(")")[2].split()[_SESSION]) == session:
            yield int(name)


def _resident(pid: int) -> int:
    try:
        fields = (_PROC / str(pid) / "statm").read_text(encoding="utf-8").split()
    except OSError:
        return 0
    return int(fields[_RESIDENT]) * os.sysconf("SC_PAGE_SIZE")
