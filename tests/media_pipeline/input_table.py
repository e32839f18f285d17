"""All rows of the table of inputs, and ``docs/inputs.md``, which is made of them.

python -m tests.media_pipeline.input_table >docs/inputs.md
"""

import sys

from tests.media_pipeline import (
    input_rows_containers,
    input_rows_pictures,
    input_rows_sounds,
    input_rows_times,
)
from tests.media_pipeline.input_rows import Row

GROUPS: dict[str, tuple[Row, ...]] = {
    "Containers and codecs": input_rows_containers.ROWS,
    "Shapes": input_rows_pictures.SHAPES,
    "Orientations": input_rows_pictures.ORIENTATIONS,
    "Pixels": input_rows_pictures.PIXELS,
    "Colours": (
        *input_rows_pictures.COLOURS,
        *input_rows_pictures.MAPPED,
        *input_rows_pictures.ALPHA,
    ),
    "Interlaced": input_rows_pictures.INTERLACED,
    "Rates": (*input_rows_times.RATES, *input_rows_times.VARIABLE),
    "Timestamps": input_rows_times.TIMES,
    "Lengths": input_rows_times.LENGTHS,
    "Sounds and texts": input_rows_sounds.ROWS,
    "Sound alone, covers": input_rows_times.SOUND_ALONE,
}
ROWS = tuple(row for rows in GROUPS.values() for row in rows)

INTRODUCTION = """# What can be uploaded

Made from the table of inputs by `python -m tests.media_pipeline.input_table`; each line is a test
(`tests/media_pipeline/test_inputs.py`). Whatever comes in, a title has the same shape: H.264 in
8 bits of BT.709, AAC in stereo at 48 kHz, on one grid of 12 to 60 pictures a second.

What is checked of a line: **size** of each rendition, **rate**, **pictures** (each one that is to
be shown, in order, on its point of the grid, so many and no more), **sync** (flashes and beeps
within 20 ms), **colours** (six patches, within 8 of 256 levels), **marks** (BT.709, limited
range), and **more**: what is particular to the line.

MPEG-TS, MPEG-PS, FLV and OGG do not say how long they are: a file of these that was cut off is
taken as a shorter film. MP4, MOV and Matroska do, and a film that was cut off is refused.
"""


def _checked(row: Row) -> str:
    checks = ["size", "rate", "marks"]
    if row.numbers is not None:
        checks.append("pictures")
        if row.flashes:
            checks.append("sync")
    if row.tolerance is not None:
        checks.append("colours")
    if row.also:
        checks.append("more")
    return ", ".join(checks)


def document() -> str:
    parts = [INTRODUCTION]
    for group, rows in GROUPS.items():
        lines = [f"| {row.says} | {row.treated or 'Kept.'} | {_checked(row)} |" for row in rows]
        head = [
            f"## {group}",
            "",
            "| source | what becomes of it | checked |",
            "| --- | --- | --- |",
        ]
        parts.append("\n".join([*head, *lines, ""]))
    return "\n".join(parts)


if __name__ == "__main__":
    sys.stdout.write(document())
