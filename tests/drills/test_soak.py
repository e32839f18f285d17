"""The soak for a moment, with real processes, in every test run."""

from pathlib import Path

import pytest

from tests.clips.fixtures import ClipCache
from tests.commands import running
from tests.drills.cache_site import cache_site
from tests.drills.soak import SETTINGS, Load, Look, MiB, Seen, slope, soak, verdict
from tests.handlers.films import encoded_title, small_film
from tests.services import Services

LOAD = Load(minutes=0.08, viewers=4, pace=6.0, upload=1024 * 1024, looks=3)


def _look(minute: float, grown: float) -> Look:
    memory = int((200 + grown) * MiB)
    return Look(minute, memory, 90, memory, 15, 0, 1, 1.0, 1, 0)


@pytest.mark.parametrize(
    ("an_hour", "minutes", "is_met"), [(20.0, 30, False), (20.0, 10, True), (5.0, 30, True)]
)
def test_memory_that_grows_slowly_is_seen_in_a_long_run(
    an_hour: float, minutes: int, is_met: bool
) -> None:
    """What is taken in the first third is not counted."""
    first = minutes // 3
    looks = [_look(n, 0.0 if n <= first else 50 + an_hour * n / 60) for n in range(1, minutes + 1)]
    times = [one.minute for one in looks]
    assert slope(times, [one.server / MiB for one in looks]) == pytest.approx(an_hour, abs=0.01)
    found = verdict(Seen(segments=100, ready=1, looks=looks), Load(minutes=minutes))
    assert all(row.is_met for row in found) is is_met


async def test_viewers_uploads_and_encodes_at_once(
    tmp_path: Path, services: Services, clip_cache: ClipCache
) -> None:
    encoded = encoded_title(clip_cache)
    data = small_film(clip_cache, LOAD.upload)
    async with cache_site(
        tmp_path / "root", services, encoded, processes=1, settings=SETTINGS, is_staff=True
    ) as site:
        with running("worker", root=tmp_path / "worker", extra=site.environment) as worker:
            seen = await soak(site, worker.process.pid, data, LOAD)
    assert seen.errors == []
    assert seen.segments >= LOAD.viewers
    assert len(seen.looks) == LOAD.looks
    assert all(one.server and one.worker and one.server_descriptors for one in seen.looks)
    assert {row.measure for row in verdict(seen, LOAD) if not row.is_met} <= {
        "soak: films uploaded and encoded"  # a busy machine may take longer for the first
    }
