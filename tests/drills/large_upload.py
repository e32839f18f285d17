"""R32: a film of 8 GB by each door. It is a real film followed by a box that readers skip, so
that it is accepted, and takes no room on the disk before it is sent."""

import asyncio
import os
import shutil
import signal
import time
from dataclasses import dataclass
from pathlib import Path

import httpx

from tests.clips.padding import pad_file
from tests.drills.report import Outcome
from tests.drills.serving import DrillServer, drill_server, memory_of
from tests.drills.work import WorkSite, film, work_site
from tests.processes import ended
from tests.programs import program
from tests.services import services_for_tests

SIZE = 8 * 1024**3
MOST_GROWN = 64 * 1024**2
MOST_LATE = 50.0  # milliseconds
IDLE_SECONDS = 20.0
LONGEST = 900.0  # seconds for one upload
DOORS = ("form", "tus")
TUS = {"Tus-Resumable": "1.0.0"}


@dataclass(frozen=True)
class Sent:
    """``grown`` is the server's memory at its highest over that before, in bytes."""

    status: int
    seconds: float
    grown: int
    stored: int


async def _curl(*arguments: str) -> int:
    """The status of the answer."""
    _, output, _ = await ended(
        *(program("curl"), "-s", "-o", os.devnull, "-w", "%{http_code}", *arguments),
        seconds=LONGEST,
    )
    return int(output)


async def _by_form(server: DrillServer, cookie: str, path: Path) -> int:
    url = f"{server.url}/api/admin/videos/"
    return await _curl("-b", cookie, "-F", "title=Large", "-F", f"file=@{path}", url)


async def _by_tus(server: DrillServer, client: httpx.AsyncClient, cookie: str, path: Path) -> int:
    size = {"Upload-Length": str(path.stat().st_size), "Upload-Metadata": "title QQ=="}
    made = await client.post("admin/uploads/", headers={**TUS, **size})
    headers = {
        **TUS,
        "Upload-Offset": "0",
        "Content-Type": "application/offset+octet-stream",
        "Expect": "",
    }
    options = [part for name, value in headers.items() for part in ("-H", f"{name}: {value}")]
    url = server.url + made.headers["Location"]
    return await _curl("-b", cookie, "-X", "PATCH", "-T", str(path), *options, url)


async def send(
    site: WorkSite,
    server: DrillServer,
    client: httpx.AsyncClient,
    path: Path,
    *,
    door: str,
    size: int,
) -> Sent:
    """Let the film at ``path`` grow to ``size`` bytes and send it."""
    pad_file(path, size)
    await client.get("admin/storage/")  # what a first request loads is not of the upload
    cookie = f"access_token={client.cookies['access_token']}"
    Path(f"/proc/{server.pid}/clear_refs").write_text("5", encoding="ascii")  # the highest so far
    before = memory_of(server.pid, "VmRSS")
    os.kill(server.pid, signal.SIGUSR1)
    began = time.monotonic()
    if door == "form":
        status = await _by_form(server, cookie, path)
    else:
        status = await _by_tus(server, client, cookie, path)
    seconds = time.monotonic() - began
    grown = memory_of(server.pid, "VmHWM") - before
    stored = sum(path.stat().st_size for path in site.root.glob("sources/*/source"))
    return Sent(status, seconds, grown, stored)


async def _idle(site: WorkSite) -> dict[str, float]:
    """How late the loop of a server without requests is: that much is the machine's."""
    async with drill_server(site) as (server, _):
        os.kill(server.pid, signal.SIGUSR1)
        await asyncio.sleep(IDLE_SECONDS)
        return await server.stop()


def _lateness(late: dict[str, float]) -> list[str]:
    return [f"{late[name]:.1f}" for name in ("p99", "worst", "own")]


async def drill(folder: Path) -> Outcome:
    outcome = Outcome(
        f"A film of {SIZE / 1e9:.1f} GB by each door; at most {MOST_GROWN / 2**20:.0f} MiB more "
        f"memory, the loop at most {MOST_LATE:g} ms late of its own: without waiting for a core.",
        (
            "door",
            "answer",
            "MB/s",
            "memory + MiB",
            "loop late ms: p99",
            "worst",
            "worst of its own",
        ),
    )
    clip = film(folder, width=64, height=48, seconds=1)
    with services_for_tests(folder / "services") as services:
        async with work_site(folder / "idle", services) as site:
            idle = await _idle(site)
        outcome.rows.append(("none", "", "", "", *_lateness(idle)))
        for door in DOORS:
            path = folder / f"{door}.mp4"
            shutil.copyfile(clip.path, path)
            async with (
                work_site(folder / door, services) as site,
                drill_server(site) as (server, client),
            ):
                sent = await send(site, server, client, path, door=door, size=SIZE)
                late = await server.stop()
                shutil.rmtree(site.root / "sources")
            path.unlink()
            outcome.rows.append(
                (
                    door,
                    str(sent.status),
                    f"{SIZE / 1e6 / sent.seconds:.0f}",
                    f"{sent.grown / 2**20:.1f}",
                    *_lateness(late),
                )
            )
            checks = {
                f"{door}: accepted, {sent.status}": sent.status in (201, 204),
                f"{door}: all of it is there": sent.stored == SIZE,
                f"{door}: memory": sent.grown <= MOST_GROWN,
                f"{door}: the loop is late by {late['own']:.0f} ms": late["own"] <= MOST_LATE,
            }
            outcome.misses += [text for text, holds in checks.items() if not holds]
    return outcome
