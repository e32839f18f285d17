"""D7: uploads are cut, and the server is killed while it takes them in."""

import asyncio
import os
import signal
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx

from tests.benchmarks.rows import at_most
from tests.clips.padding import padded
from tests.drills.report import Outcome, all_of
from tests.drills.serving import DrillServer, drill_server
from tests.drills.work import WorkSite, film, work_site
from tests.programs import program
from tests.services import services_for_tests
from tests.videoflix.waiting import until
from videoflix.models import VideoQuery

SIZE = 4 * 1024 * 1024
CUTS = 10
TUS = {"Tus-Resumable": "1.0.0"}
ALL = VideoQuery()


@dataclass(frozen=True)
class Point:
    """A system call of the server that it does not live to make: ``path`` is what it is about,
    of the storage root, the upload's folder and the video's id."""

    name: str
    call: str
    path: Callable[[Path, Path, int], Path]


POINTS = (
    Point("before the film's fsync", "fsync", lambda _root, upload, _id: upload / "film"),
    Point("before the place is noted", "/rename", lambda _root, up, _id: up / "record.new"),
    Point("before the film's rename", "/rename", lambda _root, upload, _id: upload / "film"),
    Point("before the insert", "fsync", lambda root, _upload, _id: root / "sources"),
    Point(
        "after the insert",
        "/unlink",
        lambda root, _upload, video_id: root / "sources" / str(video_id) / "unconfirmed",
    ),
)


@dataclass(frozen=True)
class Taken:
    """What came of one upload. ``offset`` is where the server stood when it was back."""

    offset: int
    status: int
    is_equal: bool
    videos: int
    left: Sequence[str]


@asynccontextmanager
async def dies_at(server: DrillServer, point: Point, path: Path) -> AsyncIterator[None]:
    """The server is killed (SIGKILL) when it comes to this call."""
    tracer = await asyncio.create_subprocess_exec(
        *(program("strace"), "-f", "-p", str(server.pid), "-o", os.devnull, "-P", str(path)),
        *("-e", f"trace={point.call}", "-e", f"inject={point.call}:signal=KILL"),
        stderr=asyncio.subprocess.PIPE,
    )
    assert tracer.stderr is not None
    try:
        async with asyncio.timeout(60):
            while b"attached" not in (said := await tracer.stderr.readline()):
                assert said, "strace may not follow the server"
        yield
    finally:
        if tracer.returncode is None:
            tracer.terminate()
        await tracer.communicate()


class Uploader:
    """A client that sends a film to the server, which dies now and then."""

    def __init__(self, site: WorkSite, server: DrillServer, client: httpx.AsyncClient) -> None:
        self._site = site
        self._server = server
        self._client = client
        self._expected = 0

    async def begin(self, data: bytes) -> str:
        headers = {**TUS, "Upload-Length": str(len(data)), "Upload-Metadata": "title QQ=="}
        response = await self._client.post("admin/uploads/", headers=headers)
        assert response.status_code == 201, response.text
        return response.headers["Location"].removeprefix("/api/")

    async def send(self, url: str, offset: int, content: object) -> httpx.Response:
        headers = {
            **TUS,
            "Upload-Offset": str(offset),
            "Content-Type": "application/offset+octet-stream",
        }
        return await self._client.patch(url, content=content, headers=headers)  # type: ignore[arg-type] # bytes or pieces

    async def offset(self, url: str) -> int:
        response = await self._client.head(url, headers=TUS)
        assert response.status_code == 200
        return int(response.headers["Upload-Offset"])

    def folder(self, url: str) -> Path:
        return self._site.root / "uploads" / url.rpartition("/")[2]

    async def cut(self, url: str, data: bytes, stop: int) -> int:
        """Send up to ``stop``, and kill the server when most of that is on its disk; where it
        stands after that."""
        start = await self.offset(url)
        film = self.folder(url) / "film"
        near = max(start, stop - 1024 * 1024)  # it joins bytes before it writes them

        async def pieces() -> AsyncIterator[bytes]:
            yield data[start:stop]

            async def written() -> bool:
                return film.stat().st_size >= near

            await until(written)
            os.kill(self._server.pid, signal.SIGKILL)
            yield data[stop:]

        try:
            await self.send(url, start, pieces())
        except httpx.TransportError:
            await self._server.killed()
        else:
            raise AssertionError("the server was to be killed")
        await self._server.start()
        return await self.offset(url)

    async def die(self, url: str, data: bytes, point: Point) -> None:
        """Send what is left, and have the server die at this point of taking it in."""
        offset = await self.offset(url)
        path = point.path(self._site.root, self.folder(url), await self._next_id())
        async with dies_at(self._server, point, path):
            try:
                await self.send(url, offset, data[offset:])
            except httpx.TransportError:
                await self._server.killed()
            else:
                raise AssertionError(f"it lived: {point.name}")
        await self._server.start()

    async def finish(self, url: str, data: bytes) -> Taken:
        offset = await self.offset(url)
        response = await self.send(url, offset, data[offset:])
        self._expected += 1
        parts = self._site.parts
        video_id = int(response.headers.get("Videoflix-Video-Id", 0))
        source = parts.media.source(video_id)
        is_equal = source.exists() and source.read_bytes() == data
        await parts.uploads.sweep(-1)  # what is marked and belongs to nobody
        ids = {video.id for video in (await parts.lists.page(ALL, skip=0, limit=100)).videos}
        kept = {path.name for path in (self._site.root / "sources").iterdir()}
        left = sorted(kept ^ {str(number) for number in ids})
        left += [str(path) for path in self._site.root.glob("sources/*/unconfirmed")]
        return Taken(offset, response.status_code, is_equal, len(ids) - self._expected, left)

    async def _next_id(self) -> int:
        counters = self._site.parts.database.collection("counters")
        found = await counters.find_one({"_id": "videos"})
        return 1 if found is None else int(found["value"]) + 1


def misses(taken: Taken) -> list[str]:
    checks = {
        f"204, not {taken.status}": taken.status == 204,
        "the film equals what was sent": taken.is_equal,
        f"one video an upload, {taken.videos:+d}": taken.videos == 0,
        f"nothing left behind: {taken.left}": not taken.left,
    }
    return [text for text, holds in checks.items() if not holds]


async def cut_often(uploader: Uploader, data: bytes, cuts: int) -> Taken:
    url = await uploader.begin(data)
    for number in range(1, cuts + 1):
        await uploader.cut(url, data, len(data) * number // (cuts + 1))
    return await uploader.finish(url, data)


async def cut_at_end(uploader: Uploader, data: bytes, point: Point) -> Taken:
    url = await uploader.begin(data)
    await uploader.send(url, 0, data[: len(data) // 2])
    await uploader.die(url, data, point)
    return await uploader.finish(url, data)


async def drill(folder: Path) -> Outcome:
    outcome = Outcome(
        f"kill -9 of the server at {CUTS} places of one upload, and twice at each step that takes "
        "an upload in.",
        ("killed", "went on at", "answer", "checksum", "videos too many"),
    )
    clip = film(folder, width=64, height=48, seconds=1)
    data = padded(clip.path.read_bytes(), SIZE)
    with services_for_tests(folder / "services") as services:
        async with work_site(folder, services) as site, drill_server(site) as (server, client):
            uploader = Uploader(site, server, client)
            found = [(f"at {CUTS} offsets", await cut_often(uploader, data, CUTS))]
            found += [
                (point.name, await cut_at_end(uploader, data, point))
                for point in (*POINTS, *POINTS)
            ]
    for name, taken in found:
        outcome.rows.append(
            (
                name,
                f"{taken.offset:,}",
                str(taken.status),
                "equal" if taken.is_equal else "DIFFERENT",
                str(taken.videos),
            )
        )
        outcome.misses += [f"{name}: {miss}" for miss in misses(taken)]
    equal = sum(taken.is_equal for _, taken in found)
    outcome.figures = [
        all_of("D7 uploads equal after cuts and kills", equal, len(found)),
        at_most("D7 videos too many", sum(abs(taken.videos) for _, taken in found), 0, ""),
    ]
    return outcome
