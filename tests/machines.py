"""Several machines on one box: servers and workers, each a process with a cache of its own, over
one shared store, one database and one queue."""

import asyncio
import os
import signal
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
from pymongo import MongoClient

from tests.commands import Running, descendants, running, until
from tests.handlers.site import PASSWORD
from tests.videoflix.waiting import is_running
from videoflix.adapters.mongo.video_records import VIDEOS
from videoflix.container import open_container
from videoflix.settings import Settings

ADMIN = "admin@example.com"
LISTENS = r"^Videoflix listens on (http://\S+)"
LEASE = 3.0  # seconds
SEEN_SECONDS = 5.0  # in which all machines know what happened on one
ANSWER_SECONDS = 60.0
TUS = {"Tus-Resumable": "1.0.0"}
JSON = {"Content-Type": "application/json"}


@dataclass
class Machine:
    """A ``serve`` or ``worker`` that runs."""

    name: str
    process: Running

    @property
    def pid(self) -> int:
        return self.process.process.pid

    def kill(self) -> None:
        """As if it had lost its power. What it started ends with it."""
        family = descendants(self.pid)
        os.kill(self.pid, signal.SIGKILL)
        self.process.process.wait()
        until(lambda: not any(map(is_running, family)))


@dataclass
class Server(Machine):
    """``cookies`` are those of whoever signed in here last."""

    cookies: dict[str, str] = field(default_factory=dict)

    @property
    def url(self) -> str:
        return self.process.line(LISTENS)[1]

    def ask(self, method: str, path: str, **options: Any) -> httpx.Response:
        """A request on a connection of its own; ``path`` below ``/api/``, or from the root."""
        url = f"{self.url}{path}" if path.startswith("/") else f"{self.url}/api/{path}"
        options = {"cookies": self.cookies, "timeout": ANSWER_SECONDS, **options}
        with httpx.Client(cookies=options.pop("cookies"), trust_env=False) as client:
            return client.request(method, url, **options)

    def get(self, path: str) -> httpx.Response:
        return self.ask("GET", path)

    def sign_in(self, email: str = ADMIN) -> dict[str, str]:
        body = {"email": email, "password": PASSWORD}
        answer = self.ask("POST", "login/", json=body, cookies={})
        assert answer.status_code == 200, answer.text
        self.cookies = dict(answer.cookies)
        return self.cookies

    def play(self, video_id: int) -> dict[str, bytes]:
        """All that a player of one rendition asks for, by its path."""
        names = [f"video/{video_id}/master.m3u8", f"video/{video_id}/480p/index.m3u8"]
        found = {name: self.found(name) for name in names}
        for line in found[names[1]].decode().splitlines():
            if not line.startswith("#"):
                found[line] = self.found(line)
        assert len(found) > 3
        return found

    def found(self, path: str) -> bytes:
        answer = self.get(path)
        assert answer.status_code == 200, (self.name, path, answer.status_code, answer.text)
        return answer.content

    def generation(self, video_id: int) -> str:
        """Whose segments it serves at this moment."""
        etag: str = self.get(f"video/{video_id}/480p/segment_000.ts").headers["ETag"]
        return etag.strip('"').partition("-")[0]


@dataclass
class Machines:
    """Starts them; all that still run in the end are stopped."""

    folder: Path
    settings: Settings
    stack: ExitStack

    @property
    def shared(self) -> Path:
        return self.settings.storage.root

    def server(self, name: str) -> Server:
        return Server(name, self._start("serve", name))

    def worker(self, name: str) -> Machine:
        return Machine(name, self._start("worker", name))

    def record(self, video_id: int) -> dict[str, Any]:
        """As it stands in the database."""
        uri, name = self.settings.mongo.uri.get_secret_value(), self.settings.mongo.database
        with MongoClient[dict[str, Any]](uri) as client:
            return client[name][VIDEOS].find_one({"_id": video_id}) or {}

    def ready(self, video_id: int, *, other_than: str | None = None) -> str:
        """Wait until a generation is published; its name."""

        def look() -> str | None:
            record = self.record(video_id)
            assert record["status"] != "failed", record
            is_new = record["generation"] not in (None, other_than)
            return record["generation"] if is_new and record["status"] == "ready" else None

        return until(look)

    def holder(self, video_id: int) -> int:
        """The pid of the worker that encodes it, once there is one."""
        holder = until(lambda: self.record(video_id).get("holder"))
        return int(holder.split(":")[1])

    def left_over(self, video_id: int) -> list[str]:
        """What of a ready film's uploads and encodes is on the disk and not needed."""
        kept = self.record(video_id)["generation"]
        titles = (self.shared / "titles" / str(video_id)).iterdir()
        return [path.name for path in titles if path.name != kept]

    def _start(self, command: str, name: str) -> Running:
        folder = self.folder / name
        settings = self.settings
        extra = {
            "VIDEOFLIX_STORAGE__ROOT": str(self.shared),
            "VIDEOFLIX_CACHE__FOLDER": str(folder / "cache"),
            "VIDEOFLIX_MONGO__URI": settings.mongo.uri.get_secret_value(),
            "VIDEOFLIX_MONGO__DATABASE": settings.mongo.database,
            "VIDEOFLIX_REDIS__URL": settings.redis.url.get_secret_value(),
            "VIDEOFLIX_AUTH__SECRET_KEY": settings.auth.secret_key.get_secret_value(),
            "VIDEOFLIX_WORKER__LEASE": str(LEASE),
            "VIDEOFLIX_MEDIA__PRESET": "medium",  # so that there is time to kill a worker
        }
        return self.stack.enter_context(running(command, root=folder, extra=extra))


async def _add_admin(settings: Settings) -> None:
    async with open_container(settings) as container:
        await container.accounts.create(ADMIN, PASSWORD, is_staff=True)


@contextmanager
def machines(folder: Path, settings: Settings) -> Iterator[Machines]:
    """With an admin who may sign in. No machine runs yet."""
    asyncio.run(_add_admin(settings))
    with ExitStack() as stack:
        yield Machines(folder, settings, stack)


class TusUpload:
    """A film on its way, by whichever server it is sent to."""

    def __init__(self, server: Server, data: bytes) -> None:
        self._data = data
        headers = {**TUS, "Upload-Length": str(len(data)), "Upload-Metadata": "title QQ=="}
        answer = server.ask("POST", "admin/uploads/", headers=headers)
        assert answer.status_code == 201, answer.text
        self._path = answer.headers["Location"]

    def offset(self, server: Server) -> int:
        answer = server.ask("HEAD", self._path, headers=TUS)
        assert answer.status_code == 200, (server.name, answer.status_code)
        return int(answer.headers["Upload-Offset"])

    def finish(self, server: Server) -> int:
        """Send what is missing; the id of the video. A server that was killed a moment ago may
        still hold the upload for as long as it takes to die."""
        offset = self.offset(server)
        answer = self._send(server, offset, self._data[offset:])
        assert answer.status_code == 204, answer.text
        return int(answer.headers["Videoflix-Video-Id"])

    def break_off(self, server: Server, stop: int) -> None:
        """Send up to byte ``stop``, 2 MiB at least, and have the server killed when some of that
        is on its disk."""
        start = self.offset(server)

        def pieces() -> Iterator[bytes]:
            yield self._data[start:stop]
            until(lambda: self.offset(server) > start)
            server.kill()
            yield self._data[stop:]

        try:
            self._send(server, start, pieces())
        except httpx.TransportError:
            return
        raise AssertionError("the server was to be killed")

    def _send(self, server: Server, offset: int, content: object) -> httpx.Response:
        headers = {
            **TUS,
            "Upload-Offset": str(offset),
            "Content-Type": "application/offset+octet-stream",
        }
        return server.ask("PATCH", self._path, headers=headers, content=content)
