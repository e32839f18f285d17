"""D8: bytes of a mezzanine change on the disk."""

import asyncio
import random
from dataclasses import dataclass
from pathlib import Path

from media_pipeline.tables import FRAGMENT, Table, fragments_file
from tests.benchmarks.rows import at_most
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

ROUNDS = 60
FLIPS = 20


@dataclass
class Figures:
    """Of one track's file: rounds, requests that touched what was flipped, how many of those
    were refused; segments that were cached all the same; answers to others that were wrong."""

    rounds: int = 0
    detected: int = 0
    requests: int = 0
    refused: int = 0
    cached: int = 0
    wrong: int = 0


def _touched(site: CacheSite, track: str, positions: list[int]) -> set[int]:
    """Indexes of the segments that hold these bytes of a track's file."""
    title = site.title
    table = Table.open(site.folder / fragments_file(track), FRAGMENT)
    ends = (table.read(0, table.rows)["offset"] + table.read(0, table.rows)["size"]).tolist()
    gops = [next(gop for gop, end in enumerate(ends) if position < end) for position in positions]
    found = set()
    for index in range(title.grid.segment_count):
        segment = title.grid.segment(index)
        if any(segment.first_gop <= gop < segment.first_gop + segment.gops for gop in gops):
            found.add(index)
    return found


async def flip(site: CacheSite, track: str, chance: random.Random, found: Figures) -> None:
    """Flip bytes of a track's fragments, ask for what they are in and for the rest, and put the
    file back."""
    path = site.folder / f"{track}.mp4"
    whole = path.read_bytes()
    table = Table.open(site.folder / fragments_file(track), FRAGMENT)
    start = int(table.read(0, 1)["offset"][0])
    positions = sorted(chance.sample(range(start, len(whole)), FLIPS))
    touched = _touched(site, track, positions)
    is_sound = track not in site.title.names
    renditions = list(site.title.names) if is_sound else [track]
    damaged: list[Segment] = [(name, index) for name in renditions for index in touched]
    expected = await asyncio.to_thread(references, site.title, site.segments())
    for cached in site.cached().values():
        cached.unlink()
    flipped = bytearray(whole)
    for position in positions:
        flipped[position] ^= chance.randrange(1, 256)
    path.write_bytes(flipped)
    try:
        answers = await asyncio.gather(
            *map(site.get, damaged), *(site.get_cmaf(track, index) for index in touched)
        )
        refused = sum(
            answer.status_code == 500 and answer.content.startswith(b'{"detail":')
            for answer in answers
        )
        for segment in set(site.segments()) - set(damaged):
            answer = await site.get(segment)
            found.wrong += checksum(answer.content) != expected[segment]
        cached_all_the_same = set(damaged) & set(site.cached())
    finally:
        path.write_bytes(whole)
    found.rounds += 1
    found.detected += refused == len(answers)
    found.requests += len(answers)
    found.refused += refused
    found.cached += len(cached_all_the_same)


async def play_again(site: CacheSite) -> int:
    """How many segments are right, now that the files are."""
    expected = await asyncio.to_thread(references, site.title, site.segments())
    return sum(
        [checksum((await site.get(segment)).content) == expected[segment] for segment in expected]
    )


def misses(track: str, found: Figures) -> list[str]:
    checks = {
        f"{found.detected} of {found.rounds} detected": found.detected == found.rounds,
        f"{found.refused} of {found.requests} refused": found.refused == found.requests,
        f"{found.cached} of them are cached": found.cached == 0,
        f"{found.wrong} others are wrong": found.wrong == 0,
    }
    return [f"{track}: {text}" for text, holds in checks.items() if not holds]


async def drill(folder: Path) -> Outcome:
    outcome = Outcome(
        f"{FLIPS} bytes of a track's file flipped, {ROUNDS} times, under two server processes; "
        "each segment that they are in is asked for as MPEG-TS and as CMAF.",
        ("file", "detected", "requests", "refused", "cached", "others wrong"),
    )
    encoded = await asyncio.to_thread(long_title, folder, 10)
    chance = random.Random(8)  # noqa: S311 -- to be repeated
    with services_for_tests(folder / "services") as services:
        async with cache_site(folder / "root", services, encoded) as site:
            tracks = [*site.title.names, "audio-0"]
            for track in tracks:
                found = Figures()
                for _ in range(ROUNDS // len(tracks)):
                    await flip(site, track, chance, found)
                outcome.misses += misses(track, found)
                outcome.figures += [
                    all_of(f"D8 damages of {track} detected", found.detected, found.rounds),
                    at_most(f"D8 damaged segments of {track} cached", found.cached, 0, ""),
                ]
                outcome.rows.append(
                    (
                        track,
                        f"{found.detected} of {found.rounds}",
                        str(found.requests),
                        str(found.refused),
                        str(found.cached),
                        str(found.wrong),
                    )
                )
            right = await play_again(site)
            if right != len(site.segments()):
                outcome.misses.append(f"put back, {right} segments are right")
    return outcome
