"""The table of measures: what was measured, its bar, and whether it is met; as text, JSON and
Markdown."""

import json
import statistics
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Self


@dataclass(frozen=True)
class Times:
    """Milliseconds of each try."""

    name: str
    tries: Sequence[float]

    @property
    def median(self) -> float:
        return statistics.median(self.tries)

    @property
    def p99(self) -> float:
        return sorted(self.tries)[min(len(self.tries) - 1, int(len(self.tries) * 0.99))]

    def __str__(self) -> str:
        return f"{self.name}: median {self.median:.2f} ms, p99 {self.p99:.2f} ms"


@dataclass(frozen=True)
class Row:
    """One measure. ``bar`` is the most it may be (``is_most``), or the least."""

    measure: str
    value: float
    bar: float
    unit: str
    is_most: bool
    details: Sequence[str] = field(default_factory=tuple)

    @property
    def is_met(self) -> bool:
        return self.value <= self.bar if self.is_most else self.value >= self.bar

    @property
    def cells(self) -> tuple[str, str, str, str]:
        sign = "≤" if self.is_most else "≥"
        bar = f"{sign} {self.bar:,g} {self.unit}"
        shown = f"{self.value:,.0f}" if abs(self.value) >= 1000 else f"{self.value:,.4g}"
        return (
            self.measure,
            bar,
            f"{shown} {self.unit}",
            "met" if self.is_met else "MISSED",
        )

    @classmethod
    def of(cls, values: Mapping[str, Any]) -> Self:
        """From what ``write`` wrote."""
        return cls(**{name: values[name] for name in cls.__dataclass_fields__})


def at_most(measure: str, value: float, bar: float, unit: str, *details: str) -> Row:
    return Row(measure, value, bar, unit, is_most=True, details=details)


def at_least(measure: str, value: float, bar: float, unit: str, *details: str) -> Row:
    return Row(measure, value, bar, unit, is_most=False, details=details)


def text(rows: Sequence[Row]) -> str:
    """For a terminal."""
    lines = [("measure", "bar", "measured", ""), *(row.cells for row in rows)]
    widths = [max(len(line[place]) for line in lines) for place in range(4)]
    shown = []
    for line, row in zip(lines, [None, *rows], strict=True):
        cells = (cell.ljust(width) for cell, width in zip(line, widths, strict=True))
        shown.append("  ".join(cells).rstrip())
        shown += [f"    {detail}" for detail in (row.details if row else ())]
    return "\n".join(shown)


def markdown(rows: Sequence[Row]) -> str:
    """For the documentation."""
    lines = ["| measure | bar | measured | |", "| --- | --- | --- | --- |"]
    for row in rows:
        measure, bar, value, met = row.cells
        details = "".join(f"<br>{detail}" for detail in row.details)
        lines.append(f"| {measure} | {bar} | {value}{details} | {met} |")
    return "\n".join(lines)


def write(folder: Path, name: str, rows: Sequence[Row], machine: Mapping[str, Any]) -> None:
    """``<folder>/<name>.json``."""
    folder.mkdir(parents=True, exist_ok=True)
    made = {"machine": machine, "rows": [{**asdict(row), "is_met": row.is_met} for row in rows]}
    content = json.dumps(made, indent=1, ensure_ascii=False) + "\n"
    (folder / f"{name}.json").write_text(content, encoding="utf-8")


def read(folder: Path, names: Sequence[str]) -> tuple[list[Row], Mapping[str, Any]]:
    """The rows that were written under these names, where there are any, and the machine."""
    rows: list[Row] = []
    machine: Mapping[str, Any] = {}
    for name in names:
        path = folder / f"{name}.json"
        if path.exists():
            found = json.loads(path.read_text(encoding="utf-8"))
            machine = found["machine"]
            rows += [Row.of(values) for values in found["rows"]]
    return rows, machine
