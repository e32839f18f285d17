"""Playlists and the catalogue: how many a second, and how late answers are, alone and while
others pull segments that are cut for them."""

import subprocess
import time
from contextlib import closing
from pathlib import Path

from tests.benchmarks.load import Client, Load, command, paced_script, walk_script, wrk
from tests.benchmarks.rows import Row, Times, at_least, at_most
from tests.benchmarks.scale import Scale
from tests.benchmarks.served import Films, Served, served

CATALOGUE = "/api/video/"
_CONNECTIONS = 50
_USUAL = 3.0  # milliseconds that an answer takes then
_PACES = 5  # tried, each with shorter rests, until so many are answered as the bar wants
_PULLERS = 8
_PAUSE = 0.01  # seconds between two requests for JSON
# Far less than the film has: what is asked for next has never been cut or was evicted.
_SMALL_CACHE = {"VIDEOFLIX_CACHE__MAX_BYTES": str(512 * 1024 * 1024)}


def _rates(films: Films, server: Served, scale: Scale, folder: Path) -> list[Row]:
    """The rate when every connection asks again at once; lateness at the rate of the bar or a
    little above, with requests that come at random. Where all ask at once, 50 connections wait for
    one another: 50 divided by the rate is what an answer takes then, whatever the server does."""
    rows = []
    playlist = f"/api/video/{films.ids[0]}/{films.rendition}/index.m3u8"
    for name, path, bar in (
        ("media playlists", playlist, 2500),
        (f"catalogue of {scale.titles} titles", CATALOGUE, 1500),
    ):
        size = len(server.get(path).content)
        loads = [
            wrk(
                server.url + path,
                connections=_CONNECTIONS,
                seconds=scale.documents_seconds,
                cookie=server.cookie,
            )
            for _ in range(scale.documents_rounds)
        ]
        load = sorted(loads, key=lambda load: load.rate)[len(loads) // 2]
        paced = _paced(server, path, bar, scale, folder) or load
        rows += [
            at_least(
                f"{name}, one process",
                load.rate,
                bar,
                "a second",
                f"{_CONNECTIONS} connections, {size:,} bytes each, median of {len(loads)} runs",
                f"median {load.median:.1f} ms, p99 {load.p99:.1f} ms",
            ),
            at_most(
                f"{name}, p99 at that rate",
                paced.p99,
                20,
                "ms",
                f"{paced.rate:,.0f} a second at random, {_CONNECTIONS} connections",
                f"median {paced.median:.1f} ms",
            ),
        ]
    return rows


def _paced(server: Served, path: str, bar: float, scale: Scale, folder: Path) -> Load | None:
    """With rests that are as long as the rate of the bar lets them be; None where it is not
    reached with any."""
    rest = 1000 * _CONNECTIONS / bar - _USUAL
    for _ in range(_PACES):
        paced = wrk(
            server.url + path,
            connections=_CONNECTIONS,
            seconds=scale.documents_seconds,
            cookie=server.cookie,
            script=paced_script(folder / "paced.lua", rest),
        )
        if paced.rate >= bar:
            return paced
        # So much longer than it should each round took, and a little more.
        rest -= 1100 * _CONNECTIONS * (1 / paced.rate - 1 / bar)
        if rest <= 0:
            break
    return None


def _busy(films: Films, server: Served, scale: Scale, folder: Path) -> Row:
    count = films.material.long.title.grid.segment_count
    paths = [
        f"/api/video/{films.long_id}/{films.rendition}/segment_{index:03}.ts"
        for index in range(count)
    ]
    script = walk_script(folder / "walk.lua", paths)
    times = []
    pulling = command(
        server.url,
        connections=_PULLERS,
        seconds=scale.busy_seconds + 1,
        cookie=server.cookie,
        script=script,
    )
    with closing(Client(server.url, server.cookie)) as client:
        client.timed(CATALOGUE)
        with subprocess.Popen(pulling, stdout=subprocess.PIPE, text=True) as process:
            until = time.monotonic() + scale.busy_seconds
            while time.monotonic() < until:
                times.append(client.timed(CATALOGUE)[1])
                time.sleep(_PAUSE)
            output, _ = process.communicate()
    pulled = next(line.strip() for line in output.splitlines() if "requests in" in line)
    found = Times("catalogue", times)
    return at_most(
        f"JSON while {_PULLERS} clients pull cold segments, p99",
        found.p99,
        50,
        "ms",
        f"median {found.median:.1f} ms of {len(times)} requests for the catalogue",
        f"pulled: {pulled}",
    )


def measure(films: Films, scale: Scale, folder: Path) -> list[Row]:
    with served(films, _SMALL_CACHE) as server:
        return [*_rates(films, server, scale, folder), _busy(films, server, scale, folder)]
