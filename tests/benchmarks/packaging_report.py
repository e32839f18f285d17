"""The section of ``make bench`` on cutting segments."""

import sys
import tempfile
from pathlib import Path
from typing import Any

import av

from tests.benchmarks.packaging import (
    LONG_GOPS,
    SETTINGS,
    SHORT_GOPS,
    Measured,
    make_films,
    measure_films,
)
from videoflix.demo_film import find_clip, make_film

TRIES = 60
SHORT, LONG = "2 min film", "2 h film"


def ratios(found: list[Measured]) -> dict[str, float]:
    """The figures that travel between machines."""
    median = {measured.name: measured.median for measured in found}
    cut_short, cut_long = median[f"cut, {SHORT}"], median[f"cut, {LONG}"]
    return {
        "a cut in the long film / in the short one (at most 1.2)": cut_long / cut_short,
        f"remux / cut, {SHORT} (at least 4)": median[f"open, seek, remux, {SHORT}"] / cut_short,
        f"remux / cut, {LONG} (at least 4)": median[f"open, seek, remux, {LONG}"] / cut_long,
        "cut / read and copy (no bar yet)": cut_short / median[f"read and copy, {SHORT}"],
    }


def report(found: list[Measured], size: float) -> dict[str, float]:
    """Print the table."""
    write = sys.stdout.write
    write(f"{'':34}{'median ms':>12}{'p99 ms':>12}\n")
    for measured in found:
        write(f"{measured.name:34}{measured.median:12.2f}{measured.p99:12.2f}\n")
    write(f"segments of {size / 1e6:.2f} MB on average, {len(found[0].tries)} tries each\n\n")
    figures = ratios(found)
    for name, value in figures.items():
        write(f"{name:60}{value:8.2f}\n")
    return figures


def run(build: Path) -> dict[str, Any]:
    """Measure, print, and return what goes into the results. Films are made under ``build``."""
    with tempfile.TemporaryDirectory(dir=build, prefix="bench-") as name:
        folder = Path(name)
        sys.stdout.write("making a 2-minute and a 2-hour film of the same packets (12 GB) ...\n")
        sys.stdout.flush()
        make_film(find_clip(), folder / "source.mp4")
        films = make_films(
            folder / "source.mp4", folder, SETTINGS, {SHORT: SHORT_GOPS, LONG: LONG_GOPS}
        )
        found, size = measure_films(films, TRIES)
    figures = report(found, size)
    times = {m.name: {"median_ms": m.median, "p99_ms": m.p99} for m in found}
    return {"av": av.__version__, "times": times, "ratios": figures}
