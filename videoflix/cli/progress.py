"""How far something is: a bar on a terminal, a line for every tenth elsewhere."""

import sys
from contextlib import ExitStack
from types import TracebackType
from typing import Self

import click

STEP = 10


class Meter:
    """Shows 0 to 100 percent under a label. Use it as a context manager."""

    def __init__(self, label: str) -> None:
        self._label = label
        self._shown = -STEP
        self._stack = ExitStack()
        self._bar = click.progressbar(length=100, label=label) if sys.stdout.isatty() else None

    def __enter__(self) -> Self:
        if self._bar is not None:
            self._stack.enter_context(self._bar)
            self._bar.update(0)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._stack.__exit__(kind, error, trace)

    def of(self, done: int, total: int) -> None:
        self.percent(done * 100 // total if total else 100)

    def percent(self, value: int) -> None:
        """Show ``value``. A bar may go back (a second attempt); lines are not repeated."""
        if self._bar is not None:
            if value != self._bar.pos:
                self._bar.update(value - self._bar.pos)
        elif value >= self._shown + STEP:
            self._shown = value - value % STEP
            click.echo(f"{self._label}: {value} %")
