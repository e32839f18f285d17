"""D9: cached segments are cut off, changed and emptied under many viewers."""

import asyncio
import random
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from tests.benchmarks.rows import at_least, at_most
from tests.drills.cache_site import (
    CacheSite,
    Segment,
    cache_site,
    checksum,
    long_title,
    references,
)
from tests.drills.report import Outcome, all_of
from tests.services import services_for_tests
from tests.videoflix.waiting import until_true

SEGMENTS = 20
CLIENTS = 50


@dataclass(frozen=True)
class Figures:
    asked: int
    right: int
    cuts: int
    twice: int  # segments that were cut more than once
    seconds: float


def _damage(path: Path, kind: int, chance: random.Random) -> None:
    data = bytearray(path.read_bytes())
    position = chance.randrange(len(data))
    if kind == 0:
        data = data[:position]
    elif kind == 1:
        data[position] ^= chance.randrange(1, 256)
    else:
        data = bytearray()
    path.write_bytes(data)


async def damage(
    site: CacheSite, segments: Sequence[Segment], clients: int, chance: random.Random
) -> Figures:
    """Warm the cache, damage it, and let many ask for the same segments at once."""
    expected = await asyncio.to_thread(references, site.title, segments)
    for segment in segments:
        assert checksum((await site.get(segment)).content) == expected[segment]
    before = site.cuts()
    assert len(before) == len(segments), "the film has no others"
    # Viewers are answered ahead of the cache.
    await until_true(lambda: len(site.cached()) == len(segments))
    for number, segment in enumerate(segments):
        _damage(site.cached()[segment], number % 3, chance)
    asked = [segment for segment in segments for _ in range(clients)]
    began = asyncio.get_running_loop().time()
    answers = await asyncio.gather(*(_checked(site, segment) for segment in asked))
    seconds = asyncio.get_running_loop().time() - began
    right = sum(found == expected[segment] for segment, found in zip(asked, answers, strict=True))
    after: Counter[str] = site.cuts() - before
    twice = sum(count > 1 for count in after.values())
    return Figures(len(asked), right, after.total(), twice, seconds)


async def _checked(site: CacheSite, segment: Segment) -> int:
    answer = await site.get(segment)
    return checksum(answer.content) if answer.status_code == 200 else 0


def misses(found: Figures, segments: int) -> list[str]:
    checks = {
        f"{found.right} of {found.asked} are right": found.right == found.asked,
        f"{found.cuts} cuts, not {segments}": found.cuts == segments,
        f"{found.twice} were cut twice": found.twice == 0,
    }
    return [text for text, holds in checks.items() if not holds]


async def drill(folder: Path) -> Outcome:
    outcome = Outcome(
        "Cached segments cut off, one byte flipped, or emptied; then many clients ask two server "
        "processes for each.",
        ("segments", "clients each", "right", "cuts", "s"),
    )
    encoded = await asyncio.to_thread(long_title, folder, SEGMENTS // 2)
    chance = random.Random(9)  # noqa: S311 -- to be repeated
    with services_for_tests(folder / "services") as services:
        async with cache_site(folder / "root", services, encoded) as site:
            found = await damage(site, site.segments(), CLIENTS, chance)
    outcome.misses = misses(found, SEGMENTS)
    outcome.figures = [
        all_of("D9 right answers", found.right, found.asked),
        at_most("D9 cuts, at most", found.cuts, SEGMENTS, ""),
        at_least("D9 cuts, at least", found.cuts, SEGMENTS, ""),
    ]
    outcome.rows.append(
        (
            str(SEGMENTS),
            str(CLIENTS),
            f"{found.right} of {found.asked}",
            str(found.cuts),
            f"{found.seconds:.1f}",
        )
    )
    return outcome
