"""D5: the cache is on a disk that is too small, or that cannot be written."""

import asyncio
from collections import Counter
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from tests.drills.cache_site import (
    CacheSite,
    Segment,
    cache_site,
    can_mount,
    checksum,
    long_title,
    references,
    small_disk,
)
from tests.drills.report import Outcome, all_of
from tests.services import services_for_tests
from tests.videoflix.waiting import until_true

SIZE = 64 * 1024 * 1024
SEGMENTS = 200
AT_ONCE = 4
PROCESSES = 2


@dataclass(frozen=True)
class Figures:
    """``right`` of ``asked`` answers had the reference's checksum. ``cached`` are segments and
    ``used`` their bytes at the end, ``largest`` at any look.
    ``warnings`` are those of the cache, of the kind that came most often."""

    asked: int
    right: int
    bytes: int
    statuses: Counter[int]
    logins: list[int]
    cached: int
    used: int
    largest: int
    warnings: int


async def play(site: CacheSite, segments: list[Segment], *, takes_some: bool) -> Figures:
    """Ask for all segments, some at a time, and sign in now and then. ``takes_some`` is whether
    the disk can be written: what was answered is written afterwards, so that is waited for."""
    expected = await asyncio.to_thread(references, site.title, segments)
    right, total, largest = 0, 0, 0
    statuses: Counter[int] = Counter()
    logins = []
    for start in range(0, len(segments), AT_ONCE):
        batch = segments[start : start + AT_ONCE]
        for segment, answer in zip(batch, await asyncio.gather(*map(site.get, batch)), strict=True):
            statuses[answer.status_code] += 1
            total += len(answer.content)
            right += checksum(answer.content) == expected[segment]
        largest = max(largest, _used(site)[1])
        if start % (AT_ONCE * 10) == 0:
            logins.append(await site.login())
    logins.append(await site.login())
    if takes_some:
        with suppress(TimeoutError):  # the figures say it
            await until_true(lambda: bool(site.cached()))
    count, used = _used(site)
    warnings = Counter(text for text in site.warnings() if "cached" in text)
    most = max(warnings.values(), default=0)
    return Figures(len(segments), right, total, statuses, logins, count, used, largest, most)


def _used(site: CacheSite) -> tuple[int, int]:
    sizes = []
    for path in site.cached().values():
        try:
            sizes.append(path.stat().st_size)
        except FileNotFoundError:  # evicted at this moment
            continue
    return len(sizes), sum(sizes)


def misses(name: str, found: Figures, size: int) -> list[str]:
    checks = {
        f"{found.right} of {found.asked} are right": found.right == found.asked,
        f"all answers are 200: {dict(found.statuses)}": set(found.statuses) == {200},
        f"login: {found.logins}": set(found.logins) == {200},
        f"the disk is too small: {found.bytes} bytes were sent": found.bytes > size,
        f"within the disk: {found.largest} bytes": found.largest <= size,
        f"one warning a process: {found.warnings}": 1 <= found.warnings <= 2 * PROCESSES,
    }
    return [f"{name}: {text}" for text, holds in checks.items() if not holds]


async def drill(folder: Path) -> Outcome:
    outcome = Outcome(
        f"Two server processes; the cache is a disk of {SIZE >> 20} MiB, and its budget is larger.",
        ("disk", "right", "MB sent", "login", "cached at the end", "MB there", "most", "warnings"),
    )
    encoded = await asyncio.to_thread(long_title, folder, SEGMENTS // 2)
    with services_for_tests(folder / "services") as services:
        for name, options in (("too small", ""), ("read-only", ",ro")):
            root = folder / name
            prefix = small_disk(root / "cache", SIZE, options)
            async with cache_site(root, services, encoded, prefix=prefix) as site:
                takes_some = not options and can_mount()
                found = await play(site, site.segments()[:SEGMENTS], takes_some=takes_some)
            outcome.misses += misses(name, found, SIZE)
            if takes_some and not found.cached:
                outcome.misses.append(f"{name}: it is still of use")
            outcome.figures += [
                all_of(f"D5 right answers, disk {name}", found.right, found.asked),
                all_of(f"D5 logins, disk {name}", found.logins.count(200), len(found.logins)),
            ]
            outcome.rows.append(
                (
                    name,
                    f"{found.right} of {found.asked}",
                    f"{found.bytes / 1e6:.0f}",
                    f"{found.logins.count(200)} of {len(found.logins)}",
                    str(found.cached),
                    f"{found.used / 1e6:.0f}",
                    f"{found.largest / 1e6:.0f}",
                    str(found.warnings),
                )
            )
    return outcome
