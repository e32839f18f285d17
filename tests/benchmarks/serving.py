"""Segments over HTTP: MPEG-TS from the cache beside nginx, and CMAF beside a plain file.

Server, nginx and client share the machine, so the figures are ratios of what was measured in
turns. nginx is Debian's with one worker and sendfile, and serves the very file of the cache.
"""

import statistics
from collections.abc import Iterator
from contextlib import closing, contextmanager, nullcontext
from dataclasses import dataclass
from pathlib import Path

from tests.benchmarks.load import Client, wrk
from tests.benchmarks.rows import Row, Times, at_least, at_most
from tests.benchmarks.scale import QUICK, Scale
from tests.benchmarks.served import Films, Served, served
from tests.nginx import PREFIX, nginx

_CONNECTIONS = 4
_HANDED_OVER = {"VIDEOFLIX_SERVER__ACCEL_PREFIX": PREFIX}


@dataclass(frozen=True)
class _Servers:
    """All on one cache. ``front`` is the URL of nginx before ``checked``."""

    one: Served
    two: Served
    checked: Served
    front: str  # without TLS


@contextmanager
def _servers(films: Films, folder: Path, *, is_quick: bool) -> Iterator[_Servers]:
    with (
        served(films) as one,
        nullcontext(one) if is_quick else served(films, processes=2) as two,
        served(films, _HANDED_OVER) as checked,
        nginx(folder / "nginx", checked.url.removeprefix("http://"), films.cache) as front,
    ):
        yield _Servers(one, two, checked, front.plain)


def _rates(films: Films, servers: _Servers, scale: Scale) -> tuple[dict[str, float], int]:
    """Segments a second by who serves them, and the segment's bytes."""
    path = f"/api/video/{films.ids[0]}/{films.rendition}/segment_001.ts"
    for server in (servers.one, servers.two, servers.checked):
        server.get(path)
    (file,) = films.cache.rglob("segment_001.ts")
    urls = {
        "nginx": f"{servers.front}/plain/{file.relative_to(films.cache)}",
        "one": servers.one.url + path,
        "two": servers.two.url + path,
        "checked": servers.front + path,
    }
    rates: dict[str, list[float]] = {name: [] for name in urls}
    for _ in range(scale.rounds):
        for name, url in urls.items():
            load = wrk(
                url,
                connections=_CONNECTIONS,
                seconds=scale.seconds,
                cookie=servers.one.cookie,
            )
            rates[name].append(load.rate)
    return {name: statistics.median(found) for name, found in rates.items()}, file.stat().st_size


def _throughput(films: Films, servers: _Servers, scale: Scale) -> list[Row]:
    rate, size = _rates(films, servers, scale)
    ratio = {name: found / rate["nginx"] for name, found in rate.items()}
    return [
        at_least(
            "warm MPEG-TS segments with the access check, one process, beside nginx",
            ratio["one"],
            0.75,
            "of its throughput",
            f"{rate['one']:.0f} and {rate['nginx']:.0f} segments of {size / 1e6:.2f} MB a second",
            f"two processes: {ratio['two']:.2f} ({rate['two']:.0f} a second)",
            f"{_CONNECTIONS} connections, median of {scale.rounds} runs in turns",
        ),
        at_least(
            "the same through nginx with X-Accel-Redirect after the check",
            ratio["checked"],
            0.95,
            "of its throughput",
            f"{rate['checked']:.0f} segments a second",
        ),
    ]


def _cmaf(films: Films, servers: _Servers, scale: Scale) -> Row:
    """Each CMAF segment once, in turns with a plain file of the same bytes, which the server sends
    without a check of session or content (it is in the place of a thumbnail)."""
    count = films.material.short.title.grid.segment_count
    paths = [
        f"/api/video/{video}/cmaf/{films.rendition}/segment_{index:03}.m4s"
        for video in films.ids
        for index in range(count)
    ][: scale.requests]
    pictures = films.settings.storage.root / "thumbnails"
    pictures.mkdir(mode=0o700, exist_ok=True)
    for number, path in enumerate(paths, 1):
        (pictures / f"video_{number}.jpg").write_bytes(servers.two.get(path).content)
    segments, plain = [], []
    # This server has not been asked for any of them.
    with closing(Client(servers.one.url, servers.one.cookie)) as client:
        for video in dict.fromkeys(path.split("/")[3] for path in paths):
            client.timed(f"/api/video/{video}/cmaf/{films.rendition}/init.mp4")
        for number, path in enumerate(paths, 1):
            _, ended, size = client.timed(path)
            segments.append(ended)
            _, ended, plain_size = client.timed(f"/media/thumbnails/video_{number}.jpg")
            plain.append(ended)
            assert size == plain_size
    ours, theirs = Times("CMAF segment", segments), Times("plain file", plain)
    return at_most(
        "a CMAF segment, first request, beside a plain file of the same bytes",
        ours.median / theirs.median,
        1.3,
        "times",
        str(ours),
        str(theirs),
    )


def measure(films: Films, scale: Scale, folder: Path) -> list[Row]:
    with _servers(films, folder, is_quick=scale is QUICK) as servers:
        return [_cmaf(films, servers, scale), *_throughput(films, servers, scale)]
