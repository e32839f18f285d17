"""The scheduling of the process that encodes test clips."""

import os
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def ordinary_scheduling() -> Iterator[None]:
    """Leaves the calling thread with the policy and priority that it had.

    SVT-AV1, run by root, gives it the highest real-time priority and lets it keep that. All that
    is started afterwards would inherit it, and a few such processes that wait for each other
    (Chromium's, for one) leave nothing of the machine to the others.
    """
    policy, priority = os.sched_getscheduler(0), os.sched_getparam(0)
    try:
        yield
    finally:
        os.sched_setscheduler(0, policy, priority)
