"""The soak for a moment, with real processes, in every test run."""

from pathlib import Path

from tests.clips.fixtures import ClipCache
from tests.commands import running
from tests.drills.cache_site import cache_site
from tests.drills.soak import SETTINGS, Load, soak, verdict
from tests.handlers.films import encoded_title, small_film
from tests.services import Services

LOAD = Load(minutes=0.08, viewers=4, pace=6.0, upload=1024 * 1024, looks=3)


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
