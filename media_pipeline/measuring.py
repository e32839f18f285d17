"""Cutting every segment once, to know what the muxer makes of a title.

``python -m media_pipeline.measuring FOLDER`` does it for a published title and keeps the result
beside it (``measures``). Several at a time wait for the first one. Where it cannot be kept, as on
a read-only disk, it is written to standard output in lines of base64. Exit status 1 and a line on
standard error: the title is damaged.
"""

import base64
import fcntl
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import replace
from fractions import Fraction
from pathlib import Path

import numpy as np
import xxhash

from media_pipeline.errors import DamagedTitle
from media_pipeline.iframes import i_frames
from media_pipeline.manifest import RenditionFacts
from media_pipeline.measures import Measures, RenditionMeasures
from media_pipeline.mpegts import Counters, next_counters
from media_pipeline.tables import TS_SEGMENT
from media_pipeline.title import Mezzanine, Title

_NICE = 10
_LINE = 32 * 1024  # characters


def measure_rendition(title: Mezzanine, facts: RenditionFacts) -> RenditionMeasures:
    """Raises DamagedTitle."""
    grid = title.grid
    rows = np.zeros(grid.segment_count, TS_SEGMENT)
    idrs = []
    counters = Counters(0, 0, 0)
    peak = Fraction(0)
    for index in range(grid.segment_count):
        segment = title.mux_ts(facts.name, index, counters)
        rows[index] = (
            len(segment),
            xxhash.xxh3_64_intdigest(segment),
            counters.video,
            counters.audio,
        )
        idrs.append(i_frames(segment))
        counters = next_counters(segment, counters)
        peak = max(peak, len(segment) * 8 / grid.segment_seconds(index))
    average = int(rows["size"].sum()) * 8 / grid.duration
    facts = replace(facts, peak_bandwidth=-int(-peak // 1), average_bandwidth=-int(-average // 1))
    return RenditionMeasures(facts, rows, np.concatenate(idrs))


def measure_title(folder: Path) -> Measures:
    """All of a published title. Some segments are cut again by what was found, as they will be
    for viewers. Raises DamagedTitle."""
    mezzanine = Mezzanine(folder)
    mezzanine.check_tracks()
    measures = Measures(
        {facts.name: measure_rendition(mezzanine, facts) for facts in mezzanine.manifest.renditions}
    )
    measures = Measures.from_bytes(measures.to_bytes(), mezzanine.manifest)
    title = Title(folder, measures)
    for name in title.names:
        for index in {0, title.grid.segment_count - 1}:
            title.cut_ts(name, index)
    return measures


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
