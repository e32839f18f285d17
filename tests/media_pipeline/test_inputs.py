"""Every kind of source that is accepted, and what comes of it (see ``input_rows``)."""

from fractions import Fraction
from pathlib import Path

import pytest

from media_pipeline.titles.title import Title
from media_pipeline.transport.mpegts import TS_START
from tests.clips.colours import Colours, read_patches
from tests.clips.fixtures import ClipCache
from tests.clips.read import offsets_of, read_pictures, read_sound
from tests.clips.spec import ClipFacts
from tests.media_pipeline.input_rows import Row, first_picture
from tests.media_pipeline.input_table import ROWS, document
from tests.media_pipeline.titles import cached_title, joined

IN_SYNC = Fraction(20, 1000)
START = Fraction(TS_START, 90_000)
TICK = Fraction(1, 90_000)
BT709 = Colours("bt709")
TAGS = ("1", "1", "1", "1")  # range, matrix, primaries, transfer (Rec. ITU-T H.273)


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.name)
def test_a_source_of_this_kind(clip_cache: ClipCache, row: Row) -> None:
    facts = row.make(clip_cache)
    title = cached_title(clip_cache, facts.path, row.settings)
    sizes = {name: (made.width, made.height) for name, made in title.renditions.items()}
    assert sizes == dict(row.sizes)
    assert title.grid.rate == row.rate
    for rendition in title.names:
        check_pictures_and_sound(row, facts, title, rendition)
        check_colours(row, title, rendition)
    for check in row.also:
        check(facts, title)


def check_pictures_and_sound(row: Row, facts: ClipFacts, title: Title, rendition: str) -> None:
    if row.numbers is None:
        assert title.grid.duration >= facts.duration
        return
    pictures = read_pictures(joined(title, rendition))
    wanted = list(row.numbers(facts))
    assert [picture.number for picture in pictures] == wanted
    assert {(picture.width, picture.height) for picture in pictures} == {row.sizes[rendition]}
    late = [abs(picture.time - START - n / row.rate) for n, picture in enumerate(pictures)]
    assert max(late) <= TICK / 2
    assert title.grid.duration == len(wanted) / row.rate
    if not row.flashes:
        assert title.manifest.audio == () or row.flashes is None
        return
    sound = read_sound(joined(title, rendition))
    assert sound.gaps == ()
    assert sound.end - START >= title.grid.duration
    offsets = offsets_of(pictures, sound)
    assert len(offsets) == row.flashes
    assert max(abs(offset + row.delay) for offset in offsets) <= IN_SYNC


def check_colours(row: Row, title: Title, rendition: str) -> None:
    """BT.709 in limited range, marked as such, and the patches look as they did."""
    frame = first_picture(title, rendition)
    assert frame.format.name == "yuv420p"
    tags = (frame.color_range, frame.colorspace, frame.color_primaries, frame.color_trc)
    assert tuple(str(int(tag)) for tag in tags) == TAGS
    if row.tolerance is None:
        return
    for number, (seen, wanted) in enumerate(
        zip(read_patches(frame, BT709), row.patches, strict=True)
    ):
        apart = max(abs(a - b) for a, b in zip(seen, wanted, strict=True))
        assert apart <= row.tolerance, f"patch {number}: {seen}, not {wanted}"


def test_the_document_is_made_of_these_rows() -> None:
    """Else: python -m tests.media_pipeline.input_table >docs/inputs.md"""
    assert Path("docs/inputs.md").read_text(encoding="utf-8") == document()


def test_each_row_says_something_else() -> None:
    assert len({row.says for row in ROWS}) == len(ROWS)
