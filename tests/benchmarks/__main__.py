"""``make bench``: prints a table, and writes ``build/bench/<part>.json``.

``make bench`` measures the packager and what serves its segments; ``make bench ARGS="cut serving"``
some parts of that; other parts go by their names alone. ``--quick`` takes tiny films and a try
or two, to see that all works; ``--material DIR`` keeps the films of the benchmark in a folder, and
finds them there; ``--markdown`` prints the table of what was measured last.
"""

import argparse
import json
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from tests.benchmarks import (
    accounts,
    chunks,
    cutting,
    documents,
    encode,
    memory,
    playback,
    quality,
    rows,
    serving,
)
from tests.benchmarks.films import Material, full_material, kept_material, quick_material
from tests.benchmarks.machine import machine
from tests.benchmarks.rows import Row
from tests.benchmarks.scale import FULL, QUICK, Scale
from tests.benchmarks.served import Films, published
from videoflix.allocator import keep_freed_memory
from videoflix.logs import configure_logging
from videoflix.settings_loader import load_settings

RESULTS = Path("build/bench")
Part = Callable[[Films, Scale, Path], list[Row]]
PARTS: Mapping[str, Part] = {
    "cut": cutting.measure,
    "serving": serving.measure,
    "documents": documents.measure,
    "playback": playback.measure,
    "memory": memory.measure,
}
# These print tables of their own.
OTHERS: Mapping[str, Callable[[Path], dict[str, Any]]] = {
    "accounts": accounts.run,
    "encode": encode.run,
    "chunks": chunks.run,
    "quality": quality.run,
}


def measure(names: Sequence[str], films: Films, scale: Scale, folder: Path) -> list[Row]:
    """Measure these parts, print their rows, write them below ``folder``."""
    found = []
    for name in names:
        began = time.monotonic()
        films.forget()
        with tempfile.TemporaryDirectory(dir=folder, prefix=f"{name}-") as scratch:
            made = PARTS[name](films, scale, Path(scratch))
        found += made
        rows.write(folder, name, made, machine())
        sys.stdout.write(f"== {name}, {time.monotonic() - began:.0f} s ==\n{rows.text(made)}\n\n")
        sys.stdout.flush()
    return found


@contextmanager
def _material(kept: Path | None, *, is_quick: bool) -> Iterator[Material]:
    """The films, kept where the caller says, else made anew."""
    if kept is not None:
        yield kept_material(kept)
        return
    with tempfile.TemporaryDirectory(dir=RESULTS, prefix="films-") as name:
        sys.stdout.write("making the films ...\n")
        sys.stdout.flush()
        yield quick_material(Path(name)) if is_quick else full_material(Path(name))


def _run_other(name: str) -> None:
    sys.stdout.write(f"== {name} ==\n")
    sys.stdout.flush()
    found = OTHERS[name](RESULTS)
    content = json.dumps({"machine": machine(), **found}, indent=1)
    (RESULTS / f"{name}.json").write_text(content + "\n", encoding="utf-8")


def main(arguments: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks")
    parser.add_argument("part", nargs="*", help=", ".join([*PARTS, *OTHERS]))
    parser.add_argument("--quick", action="store_true")
    parser.add_argument("--material", type=Path)
    parser.add_argument("--markdown", action="store_true")
    chosen = parser.parse_args(arguments)
    if unknown := set(chosen.part) - set(PARTS) - set(OTHERS):
        parser.error(f"there is no part {', '.join(sorted(unknown))}")
    if chosen.markdown:
        found, where = rows.read(RESULTS, list(PARTS))
        facts = ", ".join(f"{name} {value}" for name, value in where.items())
        sys.stdout.write(f"{rows.markdown(found)}\n\n{facts}\n")
        return
    RESULTS.mkdir(parents=True, exist_ok=True)
    keep_freed_memory()  # as the server's processes do
    configure_logging(load_settings(environment={"VIDEOFLIX_LOG__LEVEL": "warning"}))
    for name in chosen.part:
        if name in OTHERS:
            _run_other(name)
    names = [name for name in PARTS if name in chosen.part or not chosen.part]
    if names:
        scale = QUICK if chosen.quick else FULL
        with (
            _material(chosen.material, is_quick=chosen.quick) as material,
            tempfile.TemporaryDirectory(dir=RESULTS, prefix="site-") as folder,
            published(Path(folder), material, scale.titles) as films,
        ):
            # Figures of a try or two do not take the place of real ones.
            results = RESULTS / "quick" if chosen.quick else RESULTS
            results.mkdir(exist_ok=True)
            measure(names, films, scale, results)


if __name__ == "__main__":
    main()
