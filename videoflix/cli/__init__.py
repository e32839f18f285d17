"""The command line: ``python -m videoflix``."""

from videoflix.cli.commands import main

__all__ = ["main"]
