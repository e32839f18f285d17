"""``python -m videoflix``."""

import os
import sys

from videoflix.cli import main

_ERRORS = 2  # the number of standard errors; input and output have those below


def open_standard_streams() -> None:
    """Whoever started this may have closed standard input, output or errors: a socket must not
    get one of their numbers, under which children have files of their own."""
    while (descriptor := os.open(os.devnull, os.O_RDWR)) <= _ERRORS:
        os.set_inheritable(descriptor, True)
    os.close(descriptor)
    sys.stdin = sys.stdin or os.fdopen(0, "r")
    sys.stdout = sys.stdout or os.fdopen(1, "w")
    sys.stderr = sys.stderr or os.fdopen(_ERRORS, "w")


if __name__ == "__main__":
    open_standard_streams()
    os.umask(0o077)  # whatever this and its children write is for its owner alone
    main(prog_name="python -m videoflix")
