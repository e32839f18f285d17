"""``python -m videoflix``."""

import os

from videoflix.cli import main

if __name__ == "__main__":
    os.umask(0o077)  # whatever this and its children write is for its owner alone
    main(prog_name="python -m videoflix")
