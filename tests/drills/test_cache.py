"""The drills of the cache in small, with real server processes, in every test run."""

import asyncio
import random
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.clips.fixtures import ClipCache
from tests.drills import damaged_cache, damaged_title, full_cache
from tests.drills.cache_site import CacheSite, cache_site, can_mount, small_disk
from tests.handlers.films import encoded_title
from tests.services import Services

SMALL = 512 * 1024


@pytest.fixture
async def site(
    tmp_path: Path, services: Services, clip_cache: ClipCache
) -> AsyncIterator[CacheSite]:
    async with cache_site(tmp_path / "root", services, encoded_title(clip_cache)) as running:
        yield running


async def test_d5_a_cache_on_a_small_disk_costs_no_playback(
    tmp_path: Path, services: Services, clip_cache: ClipCache
) -> None:
    root = tmp_path / "root"
    prefix = small_disk(root / "cache", SMALL)
    encoded = encoded_title(clip_cache)
    async with cache_site(root, services, encoded, prefix=prefix, processes=1) as site:
        found = await full_cache.play(site, site.segments(), takes_some=can_mount())
    assert full_cache.misses("small", found, SMALL) == []
    assert found.cached or not can_mount()  # room is made, so that it is still of use


async def test_r51_d8_d9_one_cut_for_all_and_no_damage_is_served(site: CacheSite) -> None:
    """One server of two processes for all: a cold segment, then cached ones, then the film."""
    chance = random.Random(9)  # noqa: S311 -- to be repeated
    segments = site.segments()
    bodies = {
        answer.content
        for answer in await asyncio.gather(*(site.get(segments[0]) for _ in range(50)))
    }
    assert (len(bodies), max(site.cuts().values())) == (1, 1)
    cached = await damaged_cache.damage(site, segments, 8, chance)
    assert damaged_cache.misses(cached, len(segments)) == []
    found = damaged_title.Figures()
    for track in ("480p", "audio-0"):
        await damaged_title.flip(site, track, chance, found)
    assert damaged_title.misses("small", found) == []
    assert await damaged_title.play_again(site) == len(segments)
