"""``python -m videoflix``."""

from videoflix.cli import main

if __name__ == "__main__":
    main(prog_name="python -m videoflix")
