"""The systemd units as text: their directives, and the system calls that they allow."""

import subprocess
from functools import cache
from pathlib import Path

from tests.commands import REPOSITORY
from tests.programs import program

FOLDER = REPOSITORY / "deploy" / "systemd"
UNITS = tuple(sorted(FOLDER.glob("*.service")))


def directives(unit: Path) -> dict[str, list[str]]:
    """All values of each directive, in order; of all sections together."""
    found: dict[str, list[str]] = {}
    for line in unit.read_text(encoding="utf-8").splitlines():
        name, separator, value = line.partition("=")
        if separator and not line.startswith("#"):
            found.setdefault(name, []).append(value)
    return found


@cache
def _calls(name: str) -> frozenset[str]:
    """A system call, or all of a set, whose name begins with @ (systemd.exec(5))."""
    if not name.startswith("@"):
        return frozenset({name})
    command = [program("systemd-analyze"), "--no-pager", "syscall-filter", name]
    listed = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    inner = (line.strip() for line in listed.splitlines()[1:])
    return frozenset().union(*(_calls(name) for name in inner if name and name[0] != "#"))


def allowed_calls(unit: Path) -> set[str]:
    """Also what systemd always allows."""
    allowed = set(_calls("@default"))
    for line in directives(unit)["SystemCallFilter"]:
        calls = frozenset().union(*map(_calls, line.removeprefix("~").split()))
        allowed = allowed - calls if line.startswith("~") else allowed | calls
    return allowed
