"""Freed memory stays with the process: in a child, for the setting lasts as long as a process."""

import subprocess
import sys

FAULTS = """
import resource, sys
from videoflix.allocator import keep_freed_memory

def faults(times):
    before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
    for _ in range(times):
        blocks = [bytearray(b"x") * 5_000_000 for _ in range(4)]
        del blocks
    return resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before

if sys.argv[1] == "kept":
    assert keep_freed_memory()
faults(2)
print(faults(50))
"""


def _faults(mode: str) -> int:
    done = subprocess.run(
        [sys.executable, "-c", FAULTS, mode], capture_output=True, text=True, check=True
    )
    return int(done.stdout)


def test_memory_that_was_freed_is_used_again_without_page_faults() -> None:
    given_back, kept = _faults("given back"), _faults("kept")
    assert kept < given_back / 10
