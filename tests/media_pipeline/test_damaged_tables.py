"""Damage to a title's tables, its manifest and its measures is found, never believed (R53)."""

import shutil
from contextlib import suppress
from pathlib import Path

import numpy as np
import pytest

from media_pipeline.errors import DamagedTitle, Unmeasured
from media_pipeline.packages import dash, hls_cmaf, hls_ts
from media_pipeline.tables import SAMPLE, Table, samples_file, segments_file, write_table
from media_pipeline.titles.iframes import TS_I_FRAME, i_frames_file
from media_pipeline.titles.manifest import MANIFEST, Manifest
from media_pipeline.titles.measures import Measures
from media_pipeline.titles.measuring import measure_title
from media_pipeline.titles.small_files import segment_tables, track_tables
from media_pipeline.titles.title import Title
from tests.clips.fixtures import ClipCache
from tests.media_pipeline.damage import as_version_3, flip
from tests.media_pipeline.titles import packaged, rich_title, segments

KINDS = ("samples", "fragments", "segments", "iframes")
TABLES = [
    f"{track}.{kind}.npy"
    for track in ("480p", "720p", "audio-0", "audio-2")
    for kind in (KINDS if track.endswith("p") else KINDS[:2])
]


@pytest.fixture
def folder(clip_cache: ClipCache, tmp_path: Path) -> Path:
    """A title of its own, two renditions and three sounds."""
    return Path(shutil.copytree(rich_title(clip_cache).folder, tmp_path / "title"))


def documents(title: Title) -> list[str]:
    package = packaged(title)
    return [
        hls_ts.multivariant(package),
        hls_ts.media(package, "480p"),
        hls_ts.i_frames(package, "480p"),
        hls_ts.packed(package, "audio-1"),
        hls_cmaf.multivariant(package),
        hls_cmaf.i_frames(package, "480p"),
        dash.presentation(package),
    ]


def test_the_manifest_lists_every_table(folder: Path) -> None:
    manifest = Manifest.load(folder)
    on_disk = {path.name for path in folder.glob("*.npy")}
    assert {facts.name for facts in manifest.files} >= on_disk
    assert {*track_tables(manifest), *segment_tables(manifest)} == on_disk
    assert on_disk >= set(TABLES)


@pytest.mark.parametrize("table", TABLES)
@pytest.mark.parametrize("byte", [3, 40, -20, -1], ids=["magic", "header", "rows", "last byte"])
def test_r53_a_flipped_bit_in_any_table_is_found_when_the_title_is_opened(
    folder: Path, table: str, byte: int
) -> None:
    flip(folder / table, byte)
    with pytest.raises(DamagedTitle, match=f"{table} is damaged") as found:
        Title.open(folder)
    assert not isinstance(found.value, Unmeasured)


@pytest.mark.parametrize("table", ["480p.samples.npy", "audio-0.fragments.npy"])
def test_r53_a_table_that_is_cut_off_or_gone_is_found(folder: Path, table: str) -> None:
    path = folder / table
    path.write_bytes(path.read_bytes()[:-8])
    with pytest.raises(DamagedTitle, match=table):
        Title.open(folder)
    path.unlink()
    with pytest.raises(DamagedTitle, match=table):
        Title.open(folder)


@pytest.mark.parametrize("table", [segments_file("480p"), i_frames_file("480p")])
def test_tables_of_segments_that_are_gone_can_be_made_again(folder: Path, table: str) -> None:
    (folder / table).unlink()
    with pytest.raises(Unmeasured):
        Title.open(folder)
    measure_title(folder).save(folder)
    assert Title.open(folder).grid.segment_count == 3


def test_r53_nothing_is_measured_by_damaged_tables(folder: Path) -> None:
    flip(folder / samples_file("480p"), -1)
    with pytest.raises(DamagedTitle, match=r"480p\.samples\.npy is damaged"):
        measure_title(folder)


def test_r53_playlists_notice_damage_that_came_after_the_title_was_opened(folder: Path) -> None:
    title = Title.open(folder)
    package = packaged(title)
    assert documents(title)
    flip(folder / "480p.fragments.npy", -2)
    with pytest.raises(DamagedTitle, match=r"480p\.fragments"):
        hls_cmaf.media(package, "480p")
    flip(folder / "720p.iframes.npy", -2)
    with pytest.raises(DamagedTitle, match=r"720p\.iframes"):
        hls_ts.i_frames(package, "720p")
    flip(folder / "720p.samples.npy", -2)
    with pytest.raises(DamagedTitle, match=r"720p\.samples"):
        hls_cmaf.i_frames(package, "720p")


def test_titles_of_version_3_are_what_they_were(folder: Path) -> None:
    before = Title.open(folder)
    expected = (documents(before), segments(before, "720p"))
    as_version_3(folder)
    after = Title.open(folder)
    assert not [name for name in after.files if name.endswith(".npy")]
    assert (documents(after), segments(after, "720p")) == expected


def test_no_byte_of_a_header_raises_anything_else(tmp_path: Path) -> None:
    """Also where no checksum says so before, as in titles of version 3."""
    path = tmp_path / "table.npy"
    write_table(path, np.zeros(2, SAMPLE))
    whole = path.read_bytes()
    start = len(whole) - 2 * SAMPLE.itemsize
    for byte in range(start):
        flip(path, byte, 1 << byte % 8)
        with pytest.raises(DamagedTitle):
            Table.open(path, SAMPLE)
        path.write_bytes(whole)
    assert not any(Table.open(path, SAMPLE).read(0, 2)["idr"])


def test_a_table_of_other_columns_or_of_a_later_version_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "table.npy"
    write_table(path, np.zeros(2, TS_I_FRAME))
    with pytest.raises(DamagedTitle, match="expected columns"):
        Table.open(path, SAMPLE)
    with path.open("wb") as file:
        np.lib.format.write_array(file, np.zeros(2, TS_I_FRAME), version=(2, 0))
    with pytest.raises(DamagedTitle, match="not a table of this version"):
        Table.open(path, TS_I_FRAME)


def test_r53_no_byte_of_a_manifest_can_change_unnoticed(folder: Path) -> None:
    path = folder / MANIFEST
    whole, expected = path.read_bytes(), Manifest.load(folder)
    for byte in range(0, len(whole), 7):
        flip(path, byte, 1 << byte % 8)
        with suppress(DamagedTitle):
            assert Manifest.load(folder) == expected, byte  # white space alone
        path.write_bytes(whole)


def test_r53_no_byte_of_measures_can_change_unnoticed(folder: Path) -> None:
    manifest = Manifest.load(folder)
    measures = measure_title(folder)
    whole = measures.to_bytes()

    def rows(found: Measures) -> list[object]:
        return [
            (name, each.facts, each.segments.tolist(), each.i_frames.tolist())
            for name, each in found.renditions.items()
        ]

    expected = rows(Measures.from_bytes(whole, manifest))
    refused = 0
    for byte in range(0, len(whole), 5):
        damaged = bytearray(whole)
        damaged[byte] ^= 1 << byte % 8
        try:
            found = Measures.from_bytes(bytes(damaged), manifest)
        except DamagedTitle:
            refused += 1
        else:
            assert rows(found) == expected, byte  # times, attributes of the archive
    assert refused > len(whole) / 10
