"""Ports for the servers of tests, which several processes run at the same time."""

import itertools
import os
import secrets
from collections.abc import Iterator
from functools import cache

from videoflix.embedded.record import is_free

# Below those that Linux gives to outgoing connections, above those that embedded services take.
_FIRST = 20_000
_EACH = 1_500  # ports that one test process has for itself
_PROCESSES = 8


@cache
def _own() -> Iterator[int]:
    """All ports of this process, over and over, from anywhere among them: what it had a moment ago
    comes last."""
    worker = os.environ.get("PYTEST_XDIST_WORKER", "")
    number = int(worker.removeprefix("gw")) if worker else secrets.randbelow(_PROCESSES)
    first = _FIRST + number % _PROCESSES * _EACH
    start = secrets.randbelow(_EACH)
    return (first + (start + count) % _EACH for count in itertools.count())


def free_port() -> int:
    """A port on loopback that nobody listens on and no other test process is given."""
    return next(port for port in _own() if is_free(port))
