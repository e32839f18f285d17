"""Measure a published title and keep the result beside it (``measures``):
``python -m media_pipeline.programs.measure FOLDER``.

Several at a time wait for the first one. Where it cannot be kept, as on a read-only disk, it is
written to standard output in lines of base64. Exit status 1 and a line on standard error: the
title is damaged.
"""

import base64
import fcntl
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from media_pipeline.errors import DamagedTitle
from media_pipeline.titles.measures import Measures
from media_pipeline.titles.measuring import measure_title
from media_pipeline.titles.title import Mezzanine

_NICE = 10
_LINE = 32 * 1024  # characters


@contextmanager
def _alone(folder: Path) -> Iterator[None]:
    """Wait for others who measure the same title. The lock is on the folder itself: nothing has
    to be written. Where it cannot be had, the work is done twice, with the same result."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        with suppress(OSError):
            fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)


def main(folder: Path) -> int:
    os.nice(_NICE)
    try:
        with _alone(folder):
            if Measures.load(folder, Mezzanine(folder).manifest) is not None:
                return 0
            measures = measure_title(folder)
            try:
                measures.save(folder)
            except OSError:
                text = base64.b64encode(measures.to_bytes()).decode()
                for start in range(0, len(text), _LINE):
                    sys.stdout.write(text[start : start + _LINE] + "\n")
    except (DamagedTitle, OSError) as error:
        sys.stderr.write(f"{error}\n")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1])))
