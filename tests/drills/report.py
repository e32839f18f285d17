"""What a drill found, as a table for people."""

from collections.abc import Sequence
from dataclasses import dataclass, field


@dataclass
class Outcome:
    """``misses`` says in plain words what was not as it has to be; empty when all was."""

    title: str
    columns: Sequence[str]
    rows: list[Sequence[str]] = field(default_factory=list)
    misses: list[str] = field(default_factory=list)

    def table(self) -> str:
        lines = [self.columns, *self.rows]
        widths = [max(len(line[place]) for line in lines) for place in range(len(self.columns))]
        text = [self.title, ""]
        for line in lines:
            first, *rest = (cell.ljust(width) for cell, width in zip(line, widths, strict=True))
            text.append("  ".join([first, *(cell.strip().rjust(len(cell)) for cell in rest)]))
        text += ["", *(f"MISSED: {miss}" for miss in self.misses)]
        text.append("missed" if self.misses else "all as it has to be")
        return "\n".join(text)
