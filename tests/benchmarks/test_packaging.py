"""The benchmark on small films: it compares what it says, and its films keep the rules."""

from pathlib import Path

import pytest

from media_pipeline.job import EncodeSettings
from tests.benchmarks.material import UNIT
from tests.benchmarks.packaging import Film, make_films, measure_films
from tests.benchmarks.packaging_report import LONG, SHORT, report
from tests.clips.fixtures import ClipCache
from tests.media_pipeline.transport_stream import packets, units

TINY = EncodeSettings(preset="ultrafast", rungs=("480p=320x180",))
LENGTHS = {SHORT: UNIT + 6, LONG: 3 * UNIT}


@pytest.fixture(scope="module")
def films(clip_cache: ClipCache, tmp_path_factory: pytest.TempPathFactory) -> list[Film]:
    clip = clip_cache.clip(width=320, height=180, seconds=2 * UNIT + 2)
    folder: Path = tmp_path_factory.mktemp("films")
    return make_films(clip.path, folder, TINY, LENGTHS)


def test_a_repeated_film_is_one_film(films: list[Film]) -> None:
    for film, gops in zip(films, LENGTHS.values(), strict=True):
        title = film.title
        assert title.grid.gops == gops
        count = title.grid.segment_count
        joined = list(packets(b"".join(title.cut_ts("480p", n) for n in range(count))))
        pictures = sorted(unit.pts for unit in units(joined, 0x100))
        assert pictures == [126_000 + n * 3600 for n in range(title.grid.frames)]
        counters = [packet.counter for packet in joined if packet.pid == 0x100]
        assert counters == [n % 16 for n in range(len(counters))]


def test_the_report_compares_the_films(
    films: list[Film], capsys: pytest.CaptureFixture[str]
) -> None:
    found, size = measure_films(films, tries=2)
    figures = report(found, size)
    assert len(figures) == 4
    assert all(value > 0 for value in figures.values())
    printed = capsys.readouterr().out
    assert all(name in printed for name in figures)
