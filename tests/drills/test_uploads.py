"""The drills of uploads in small, with real processes, in every test run."""

from pathlib import Path

import pytest

from tests.clips.fixtures import ClipCache
from tests.drills import large_upload
from tests.drills.serving import drill_server
from tests.drills.uploads import POINTS, Uploader, cut_at_end, cut_often, misses
from tests.drills.work import work_site
from tests.handlers.films import small_film
from tests.services import Services

MiB = 1024 * 1024
SMALL = 400 * MiB
IN_BETWEEN = ("before the insert", "after the insert")


async def test_d7_the_server_is_killed_while_it_takes_a_film_in(
    tmp_path: Path, services: Services, clip_cache: ClipCache
) -> None:
    """D7"""
    data = small_film(clip_cache, 4 * MiB)
    async with work_site(tmp_path, services) as site, drill_server(site) as (server, client):
        uploader = Uploader(site, server, client)
        assert misses(await cut_often(uploader, data, 1)) == []
        for point in POINTS:
            if point.name in IN_BETWEEN:
                assert misses(await cut_at_end(uploader, data, point)) == []


@pytest.mark.parametrize("door", large_upload.DOORS)
async def test_r32_memory_stays_flat_while_a_large_film_arrives(
    tmp_path: Path, services: Services, clip_cache: ClipCache, door: str
) -> None:
    """R32, in small: how late the loop is, is measured by the drill."""
    film = tmp_path / "film.mp4"
    film.write_bytes(small_film(clip_cache))
    async with work_site(tmp_path, services) as site, drill_server(site) as (server, client):
        found = await large_upload.send(site, server, client, film, door=door, size=SMALL)
    assert found.status in (201, 204)
    assert found.grown <= large_upload.MOST_GROWN
    assert found.stored == SMALL
