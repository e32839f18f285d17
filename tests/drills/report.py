"""What a drill found, as a table for people, and its figures beside what they have to be."""

from collections.abc import Sequence
from dataclasses import dataclass, field

from tests.benchmarks.rows import Row, at_least


@dataclass
class Outcome:
    """``misses`` says in plain words what was not as it has to be; empty when all was. ``figures``
    go into the table of all drills; each that is not met is a miss, too."""

    title: str
    columns: Sequence[str] = ()
    rows: list[Sequence[str]] = field(default_factory=list)
    misses: list[str] = field(default_factory=list)
    figures: list[Row] = field(default_factory=list)

    @property
    def is_missed(self) -> bool:
        return bool(self.misses) or not all(figure.is_met for figure in self.figures)

    def table(self) -> str:
        lines = [self.columns, *self.rows] if self.columns else []
        widths = [max(len(line[place]) for line in lines) for place in range(len(self.columns))]
        text = [self.title, ""]
        for line in lines:
            first, *rest = (cell.ljust(width) for cell, width in zip(line, widths, strict=True))
            text.append("  ".join([first, *(cell.strip().rjust(len(cell)) for cell in rest)]))
        if self.columns:
            text.append("")
        text += [" ".join(figure.cells) for figure in self.figures if not self.columns]
        text += [f"MISSED: {miss}" for miss in self.misses]
        text += [f"MISSED: {' '.join(row.cells)}" for row in self.figures if not row.is_met]
        text.append("missed" if self.is_missed else "all as it has to be")
        return "\n".join(text)


def all_of(measure: str, count: int, wanted: int, *details: str) -> Row:
    """Of ``wanted``, ``count`` were as they have to be."""
    return at_least(measure, count, wanted, "", *details)
