"""Whether a title that was encoded in chunks is the one that a whole encode makes."""

import numpy as np

from media_pipeline.tables import FRAGMENT, SAMPLE, Rows, Table, fragments_file, samples_file
from media_pipeline.titles.title import Title


def rows_of(title: Title, track: str) -> Rows:
    table = Table.open(title.folder / samples_file(track), SAMPLE)
    return table.read(0, table.rows)


def init_of(title: Title, track: str) -> bytes:
    """The bytes before the first fragment: parameter sets, time scale, edit list."""
    first = Table.open(title.folder / fragments_file(track), FRAGMENT).read(0, 1)
    with (title.folder / f"{track}.mp4").open("rb") as file:
        return file.read(int(first["offset"][0]))


def assert_same_title(whole: Title, joined: Title) -> None:
    """Equal in frames, times, IDRs, durations, parameter sets; sounds and texts equal in every
    byte."""
    assert joined.names == whole.names
    assert joined.grid == whole.grid
    assert joined.manifest.audio == whole.manifest.audio
    assert joined.manifest.subtitles == whole.manifest.subtitles
    assert joined.manifest.left_out == whole.manifest.left_out
    sides = {f"{facts.name}.mp4" for facts in whole.manifest.audio}
    sides |= {f"{facts.name}.vtt" for facts in whole.manifest.subtitles}
    for name in sides:
        assert (joined.folder / name).read_bytes() == (whole.folder / name).read_bytes()
    for name in whole.names:
        assert init_of(joined, name) == init_of(whole, name)
        expected, found = rows_of(whole, name), rows_of(joined, name)
        for column in ("dts", "pts", "duration", "idr"):
            assert np.array_equal(found[column], expected[column]), (name, column)
    assert {path.name for path in joined.folder.iterdir()} == {
        path.name for path in whole.folder.iterdir()
    }
