"""The benchmarks of the packager on small films: they measure what they say, and no figure is
checked."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.benchmarks.__main__ import PARTS, measure
from tests.benchmarks.films import QUICK_LENGTHS, Material, quick_material
from tests.benchmarks.rows import Row, at_least, at_most, markdown, read
from tests.benchmarks.scale import QUICK
from tests.benchmarks.served import Films, catalogue
from tests.conftest import fresh_settings
from tests.media_pipeline.transport_stream import packets, units
from tests.programs import program
from tests.services import Services


@pytest.fixture(scope="module")
def material(tmp_path_factory: pytest.TempPathFactory) -> Material:
    return quick_material(tmp_path_factory.mktemp("films"))


def test_a_repeated_film_is_one_film(material: Material) -> None:
    for film, gops in zip((material.short, material.long), QUICK_LENGTHS, strict=True):
        title = film.title
        assert title.grid.gops == gops
        count = title.grid.segment_count
        joined = list(packets(b"".join(title.cut_ts("480p", n) for n in range(count))))
        pictures = sorted(unit.pts for unit in units(joined, 0x100))
        assert pictures == [126_000 + n * 3600 for n in range(title.grid.frames)]
        counters = [packet.counter for packet in joined if packet.pid == 0x100]
        assert counters == [n % 16 for n in range(len(counters))]


@pytest.fixture(scope="module")
def films(
    material: Material, services: Services, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Films]:
    with fresh_settings(tmp_path_factory.mktemp("site"), services) as settings:
        yield catalogue(settings, material, QUICK.titles)


@pytest.mark.parametrize("part", PARTS)
def test_each_part_measures(
    films: Films, part: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for name in ("nginx", "wrk"):
        program(name)
    found = measure([part], films, QUICK, tmp_path)
    printed = capsys.readouterr().out
    assert found
    assert all(row.measure in printed for row in found)
    rows, machine = read(tmp_path, [part])
    assert [row.cells for row in rows] == [row.cells for row in found]
    assert machine["cores"] > 0


def test_the_table_says_what_was_missed() -> None:
    rows: list[Row] = [
        at_most("time", 1.5, 1.5, "ms", "a detail"),
        at_most("late", 2.0, 1.5, "ms"),
        at_least("rate", 1999, 2000, "a second"),
    ]
    assert [row.is_met for row in rows] == [True, False, False]
    assert markdown(rows).splitlines()[2:] == [
        "| time | ≤ 1.5 ms | 1.5 ms<br>a detail | met |",
        "| late | ≤ 1.5 ms | 2 ms | MISSED |",
        "| rate | ≥ 2,000 a second | 1,999 a second | MISSED |",
    ]
