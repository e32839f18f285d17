"""``serve`` is told to stop: what runs is finished, what is new is refused."""

import socket
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from http.client import HTTPResponse
from pathlib import Path
from urllib.parse import urlsplit

import httpx
import pytest

from tests.clips.fixtures import ClipCache
from tests.commands import running, until
from tests.handlers.films import encoded_title, publish, small_film
from tests.handlers.site import PASSWORD
from tests.handlers.tus import BYTES, TUS
from videoflix.container import Container
from videoflix.settings import Settings

LISTENS = r"^Videoflix listens on (http://\S+)"
ADMIN = "admin@example.com"
MOST_SECONDS = 20.0  # that a stop may take
SEGMENT = "/api/video/1/1080p/segment_000.ts"
MiB = 1024 * 1024


@pytest.fixture
async def published(container: Container, clip_cache: ClipCache) -> None:
    await container.accounts.create(ADMIN, PASSWORD, is_staff=True)
    await publish(container, encoded_title(clip_cache))


@contextmanager
def begun(url: str, head: str, fields: Mapping[str, object]) -> Iterator[socket.socket]:
    """A connection with a request on it, that takes little of the answer by itself."""
    parts = urlsplit(url)
    lines = [head, f"Host: {parts.netloc}", *(f"{name}: {text}" for name, text in fields.items())]
    with socket.socket() as connection:
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        # Small packets: the kernels at both ends then hold little of what is on its way.
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_MAXSEG, 536)
        connection.settimeout(MOST_SECONDS)
        connection.connect((parts.hostname, parts.port))
        connection.sendall("\r\n".join([*lines, "", ""]).encode())
        yield connection


@contextmanager
def answer_on(connection: socket.socket) -> Iterator[HTTPResponse]:
    with HTTPResponse(connection) as answer:
        answer.begin()
        yield answer


def is_refused(url: str) -> bool:
    parts = urlsplit(url)
    with socket.socket() as connection:
        return connection.connect_ex((parts.hostname, parts.port)) != 0


@pytest.mark.usefixtures("published")
def test_a_download_and_an_upload_that_run_are_finished_and_new_ones_are_refused(
    tmp_path: Path, settings: Settings, clip_cache: ClipCache
) -> None:
    film = small_film(clip_cache, 3 * MiB)
    extra = {
        "VIDEOFLIX_MONGO__URI": settings.mongo.uri.get_secret_value(),
        "VIDEOFLIX_MONGO__DATABASE": settings.mongo.database,
        "VIDEOFLIX_REDIS__URL": settings.redis.url.get_secret_value(),
        "VIDEOFLIX_AUTH__SECRET_KEY": settings.auth.secret_key.get_secret_value(),
        "VIDEOFLIX_STORAGE__ROOT": str(settings.storage.root),
    }
    with running("serve", "--processes", "2", root=tmp_path / "home", extra=extra) as server:
        url = server.line(LISTENS)[1]
        with httpx.Client(base_url=url, trust_env=False, timeout=60) as admin:
            body = {"email": ADMIN, "password": PASSWORD}
            assert admin.post("/api/login/", json=body).status_code == 200
            whole = admin.get(SEGMENT).content
            headers = {**TUS, "Upload-Length": str(len(film)), "Upload-Metadata": "title QQ=="}
            upload = admin.post("/api/admin/uploads/", headers=headers).headers["Location"]
            cookie = {"Cookie": f"access_token={admin.cookies['access_token']}"}
            patch = {**TUS, **cookie, "Upload-Offset": 0, "Content-Type": BYTES}

            def arrived() -> bool:
                answer = admin.head(upload, headers=TUS)
                return int(answer.headers["Upload-Offset"]) > 0

            with (
                begun(url, f"GET {SEGMENT} HTTP/1.1", cookie) as down,
                answer_on(down) as download,
                begun(
                    url, f"PATCH {upload} HTTP/1.1", {**patch, "Content-Length": len(film)}
                ) as up,
            ):
                assert download.status == 200
                up.sendall(film[: 2 * MiB])
                until(arrived)
                server.process.terminate()
                until(lambda: is_refused(url), seconds=MOST_SECONDS)
                assert download.read() == whole
                up.sendall(film[2 * MiB :])
                with answer_on(up) as taken:
                    assert (taken.status, taken.headers["Videoflix-Video-Id"]) == (204, "2")
        assert server.process.wait(MOST_SECONDS) == 0
    assert len(whole) > MiB // 4  # far more than the kernels hold
