"""``make bench``: prints each section, and writes ``build/bench.json``.

``make bench ARGS=accounts`` runs one section and leaves the results of the others as they are.
"""

import json
import os
import platform
import sys
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

from tests.benchmarks import accounts, chunks, encode, packaging_report, quality
from videoflix.allocator import keep_freed_memory

RESULT = Path("build/bench.json")
SECTIONS: dict[str, Callable[[Path], dict[str, Any]]] = {
    "packaging": packaging_report.run,
    "accounts": accounts.run,
    "encode": encode.run,
    "chunks": chunks.run,
    "quality": quality.run,
}


def _results_so_far() -> dict[str, Any]:
    with suppress(OSError, ValueError):
        found = json.loads(RESULT.read_text(encoding="utf-8"))
        if isinstance(found, dict):
            return {name: found[name] for name in SECTIONS if name in found}
    return {}


def main(chosen: list[str]) -> None:
    if unknown := set(chosen) - set(SECTIONS):
        sys.exit(f"there is no section {', '.join(unknown)}; there are {', '.join(SECTIONS)}")
    RESULT.parent.mkdir(exist_ok=True)
    keep_freed_memory()  # as the server's processes do
    results = _results_so_far()
    for name in chosen or SECTIONS:
        sys.stdout.write(f"== {name} ==\n")
        sys.stdout.flush()
        results[name] = SECTIONS[name](RESULT.parent)
        sys.stdout.write("\n")
    machine = {
        "cpus": os.cpu_count(),
        "machine": platform.machine(),
        "python": platform.python_version(),
    }
    RESULT.write_text(json.dumps({"machine": machine, **results}, indent=1) + "\n")
    sys.stdout.write(f"written to {RESULT}\n")


if __name__ == "__main__":
    main(sys.argv[1:])
