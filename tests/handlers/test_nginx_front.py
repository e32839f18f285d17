"""Everything but cached segments through nginx: TLS, HTTP/2, uploads, events, forged headers, and
a server that goes away."""

import asyncio
import json
import re
import subprocess
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.clips.fixtures import ClipCache
from tests.handlers.conftest import changed, running
from tests.handlers.films import add_pending, encoded_title, publish, small_film
from tests.handlers.site import PASSWORD, Server, stored_bytes
from tests.handlers.streams import events
from tests.handlers.tus import BYTES, TUS, created, metadata, offset_of
from tests.nginx import FOLDER, PREFIX, Front, nginx
from tests.programs import program
from tests.videoflix.waiting import until, until_true
from videoflix.container import Container, open_container
from videoflix.models import DESCRIPTION_MAX
from videoflix.settings import ServerSettings, Settings

MiB = 1024 * 1024
SIZE = 4 * MiB
EMAIL = "admin@example.com"
FAILURES = 3
HALVES = Path(__file__).with_name("http2_upload.cjs")


@pytest.fixture
def settings(settings: Settings) -> Settings:
    """As deploy/nginx/README.md says, with few failures allowed."""
    behind = {"accel_prefix": PREFIX, "trusted_proxies": ("127.0.0.1",)}
    return changed(settings, server=behind, limits={"login_failures": FAILURES})


@pytest.fixture
def front(settings: Settings, tmp_path: Path) -> Iterator[Front]:
    backend = f"127.0.0.1:{settings.server.port}"
    with nginx(tmp_path / "nginx", backend, settings.storage.root / "cache") as started:
        yield started


@pytest.fixture
def film(clip_cache: ClipCache) -> bytes:
    return small_film(clip_cache, SIZE)


@asynccontextmanager
async def client_of(front: Front, **options: Any) -> AsyncIterator[httpx.AsyncClient]:
    async with httpx.AsyncClient(
        base_url=f"{front.url}/api/", verify=front.trust(), trust_env=False, timeout=30, **options
    ) as client:
        yield client


@asynccontextmanager
async def admin_of(front: Front, container: Container) -> AsyncIterator[httpx.AsyncClient]:
    await container.accounts.create(EMAIL, PASSWORD, is_staff=True)
    async with client_of(front) as client:
        answer = await client.post("login/", json={"email": EMAIL, "password": PASSWORD})
        assert answer.status_code == 200
        yield client


class Curl:
    """curl with HTTP/2 and a jar for cookies."""

    def __init__(self, front: Front, folder: Path) -> None:
        self._front = front
        self._jar = folder / "cookies.txt"
        self._folder = folder

    def command(self, path: str, *options: str) -> list[str]:
        jar = str(self._jar)
        known = ["--http2", "--cacert", str(self._front.certificate), "-b", jar, "-c", jar]
        return [
            program("curl"),
            "-sS",
            "--max-time",
            "60",
            *known,
            *options,
            self._front.url + path,
        ]

    async def get(self, path: str, *options: str) -> httpx.Response:
        """The answer, which has to come by HTTP/2."""
        return await asyncio.to_thread(self._run, path, *options)

    def _run(self, path: str, *options: str) -> httpx.Response:
        head, body = self._folder / "head", self._folder / "body"
        command = self.command(path, "-D", str(head), "-o", str(body), *options)
        subprocess.run(command, check=True, capture_output=True)
        status, *lines = head.read_text(encoding="latin-1").strip().splitlines()
        assert status.startswith("HTTP/2 ")
        headers = [(name, value) for name, _, value in (line.partition(": ") for line in lines)]
        return httpx.Response(int(status.split()[1]), headers=headers, content=body.read_bytes())


async def test_a_film_is_watched_over_http_2(
    server: Server, front: Front, clip_cache: ClipCache, tmp_path: Path
) -> None:
    await publish(server.container, encoded_title(clip_cache))
    await server.add_user("member@example.com")
    curl = Curl(front, tmp_path)
    assert (await curl.get("/api/video/")).status_code == 401
    form = json.dumps({"email": "member@example.com", "password": PASSWORD})
    login = await curl.get("/api/login/", "-H", "Content-Type: application/json", "-d", form)
    assert login.status_code == 200
    for answer in (login, playlist := await curl.get("/api/video/1/480p/index.m3u8")):
        assert answer.status_code == 200
        assert answer.headers["Strict-Transport-Security"] == "max-age=31536000"
    path = next(line for line in playlist.text.splitlines() if not line.startswith("#"))
    cold, warm = await curl.get(path), await curl.get(path)
    chosen = "0123456789abcdef" * 2  # nobody chooses by which name the logs have his requests
    answer = await curl.get(path, "-H", f"X-Request-ID: {chosen}")
    assert len(answer.headers["X-Request-ID"]) == len(chosen)
    assert answer.headers["X-Request-ID"] != chosen
    assert warm.headers["Strict-Transport-Security"] == "max-age=31536000"
    assert warm.content == cold.content
    cmaf = "/api/video/1/cmaf/480p/segment_000.m4s"
    whole, part = await curl.get(cmaf), await curl.get(cmaf, "-r", "100-299")
    async with httpx.AsyncClient(base_url=server.url, cookies=_jar(tmp_path)) as inside:
        handed = await inside.get(path)
        assert handed.headers["X-Accel-Redirect"].startswith(PREFIX)
        assert handed.headers["ETag"] == warm.headers["ETag"]
        assert (await inside.get(cmaf)).content == whole.content
    assert (part.status_code, part.content) == (206, whole.content[100:300])


def _jar(folder: Path) -> dict[str, str]:
    lines = (folder / "cookies.txt").read_text(encoding="utf-8").splitlines()
    fields = [line.removeprefix("#HttpOnly_").split("\t") for line in lines]
    return {field[5]: field[6] for field in fields if len(field) == 7}


async def in_two(data: bytes, server: Server) -> AsyncIterator[bytes]:
    """A body whose second half is not sent before the first one has reached the disk."""
    half = len(data) // 2
    yield data[:half]

    await _stored(server, half - MiB)
    yield data[half:]


async def _stored(server: Server, size: int) -> None:
    await until_true(lambda: stored_bytes(server) >= size)


def form_of(film: bytes) -> tuple[str, bytes]:
    """A multipart form with a film, and its content type."""
    fields = httpx.Request(
        "POST", "http://x/", data={"title": "A film"}, files={"file": ("film.mp4", film)}
    )
    return fields.headers["Content-Type"], fields.read()


async def test_a_form_reaches_the_disk_while_it_is_sent(
    server: Server, front: Front, film: bytes
) -> None:
    kind, body = form_of(film)
    async with admin_of(front, server.container) as admin:
        headers = {"Content-Type": kind, "Content-Length": str(len(body))}
        answer = await admin.post("admin/videos/", content=in_two(body, server), headers=headers)
    assert answer.status_code == 201
    assert server.container.media.source(answer.json()["id"]).read_bytes() == film


async def test_a_tus_upload_reaches_the_disk_while_it_is_sent_by_http_2(
    server: Server, front: Front, film: bytes, tmp_path: Path
) -> None:
    (tmp_path / "film").write_bytes(film)
    async with admin_of(front, server.container) as admin:
        url = await created(admin, SIZE)
        cookie = f"access_token={admin.cookies['access_token']}"
    asked = {
        "url": front.url,
        "path": f"/api/{url}",
        "headers": {**TUS, "Upload-Offset": "0", "Content-Type": BYTES, "Cookie": cookie},
        "file": str(tmp_path / "film"),
        "certificate": str(front.certificate),
    }
    pipe = asyncio.subprocess.PIPE
    command = [program("node"), str(HALVES), json.dumps(asked)]
    sender = await asyncio.create_subprocess_exec(*command, stdin=pipe, stdout=pipe)
    try:
        await _stored(server, SIZE // 2 - MiB)
        async with asyncio.timeout(60):
            output, _ = await sender.communicate(b"go on\n")
    finally:
        if sender.returncode is None:
            sender.kill()
            await sender.wait()
    answer = json.loads(output)
    assert (answer[":status"], answer["videoflix-video-id"]) == (204, "1")
    assert server.container.media.source(1).read_bytes() == film


async def test_an_event_is_heard_at_once(server: Server, front: Front) -> None:
    async with admin_of(front, server.container) as admin, events(admin) as stream:
        assert (await stream.next()).name == "start"
        video = await add_pending(server.container)
        assert (await stream.video(video.id)).data["processing_status"] == "pending"


async def test_r5_a_forged_address_changes_nothing(server: Server, front: Front) -> None:
    async with admin_of(front, server.container) as admin:
        (session,) = (
            await admin.get("me/sessions/", headers={"X-Forwarded-For": "203.0.113.9"})
        ).json()
        assert session["address"] == "127.0.0.1"
    async with client_of(front) as stranger:
        statuses = []
        for number in range(FAILURES + 1):
            forged = {"X-Forwarded-For": f"198.51.100.{number}", "X-Real-IP": "198.51.100.1"}
            wrong = {"email": EMAIL, "password": "not-this-One-7"}
            answer = await stranger.post("login/", json=wrong, headers=forged)
            statuses.append(answer.status_code)
    assert statuses == [400] * FAILURES + [429]


@pytest.mark.usefixtures("server")
async def test_r15_a_forged_host_is_refused(front: Front) -> None:
    async with client_of(front) as client:
        assert (await client.get("schema/", headers={"Host": "evil.example"})).status_code == 400
        # Its name does not get through, so it does no harm.
        other = await client.get("schema/", headers={"X-Forwarded-Host": "evil.example"})
        assert other.status_code == 200
        assert "evil.example" not in other.text


async def test_the_longest_description_of_an_upload(server: Server, front: Front) -> None:
    """In the header that announces it, and in the answer to how far it is."""
    details = metadata(title="A film", description="\u6620" * DESCRIPTION_MAX)
    async with admin_of(front, server.container) as admin:
        url = await created(admin, SIZE, **{"Upload-Metadata": details})
        assert await offset_of(admin, url) == 0


async def test_an_upload_goes_on_after_the_server_was_started_anew(
    settings: Settings, front: Front, film: bytes
) -> None:
    """D7, through nginx."""
    async with open_container(settings) as container:
        async with running(container, grace=0.1) as server, admin_of(front, container) as admin:
            url = await created(admin, SIZE)
            broken = asyncio.create_task(_half(admin, url, film))
            await _stored(server, MiB)
            cookies = dict(admin.cookies.items())
        async with client_of(front, cookies=cookies) as admin:
            away = await admin.get("video/")
            assert away.status_code == 503
            assert away.json()["detail"].startswith("The server cannot be reached")
            assert away.headers["Retry-After"] == "2"
            broken.cancel()
            await asyncio.gather(broken, return_exceptions=True)
            async with running(container):
                offset = await offset_of(admin, url)
                assert MiB <= offset <= SIZE // 2
                headers = {**TUS, "Upload-Offset": str(offset), "Content-Type": BYTES}
                answer = await admin.patch(url, content=film[offset:], headers=headers)
                assert answer.status_code == 204
                assert container.media.source(1).read_bytes() == film


async def _half(admin: httpx.AsyncClient, url: str, film: bytes) -> None:
    """Send one half of the film and then nothing for ever."""

    async def body() -> AsyncIterator[bytes]:
        yield film[: SIZE // 2]
        await asyncio.Event().wait()

    headers = {**TUS, "Upload-Offset": "0", "Content-Type": BYTES, "Content-Length": str(SIZE)}
    await admin.patch(url, content=body(), headers=headers)


@pytest.mark.usefixtures("server")
async def test_port_80_leads_to_tls_and_the_log_holds_no_one_time_token(
    front: Front, tmp_path: Path
) -> None:
    async with client_of(front) as client:
        answer = await client.get(f"{front.port_80}/api/video/?a=b")
        assert answer.status_code == 308
        assert answer.headers["Location"] == "https://127.0.0.1/api/video/?a=b"
        used = await client.get("activate/MQ/the-one-time-token/?again=the-one-time-token")
        assert used.status_code == 400
    log = tmp_path / "nginx" / "access.log"

    async def written() -> str:  # after the answer
        return log.read_text(encoding="utf-8")

    lines = await until(written)
    assert "/api/activate/..." in lines
    assert "one-time-token" not in lines


@pytest.mark.parametrize(
    "path",
    [
        "api/activate/MQ/the-one-time-token/",
        "api/%61ctivate/MQ/the-one-time-token/?again=the-one-time-token",
        "api/password_confirm/MQ/the-one-time-token/",
        "pages/auth/activate.html?uid=MQ&token=the-one-time-token",
        "pages/auth/confirm_password.html?uid=MQ&token=the-one-time-token",
    ],
)
async def test_a_server_that_is_away_has_no_one_time_token_written_to_any_log(
    front: Front, tmp_path: Path, path: str
) -> None:
    """Nobody has used them yet: they are worth as much as the password."""
    async with client_of(front) as client:
        for asked in (path, "video/after/"):
            url = f"{front.url}/{asked}"
            away = await client.get(url)
            assert (away.status_code, away.headers["Retry-After"]) == (503, "2")
    folder = tmp_path / "nginx"

    async def written() -> str | None:
        logs = [(folder / name).read_text(encoding="utf-8") for name in ("error.log", "access.log")]
        return "".join(logs) if all("/video/after/" in log for log in logs) else None

    assert "one-time-token" not in await until(written)


def test_connections_to_the_server_are_given_up_before_the_server_does() -> None:
    """Else a request may meet a connection that is just being closed."""
    text = (FOLDER / "nginx.conf").read_text(encoding="utf-8")
    (kept,) = re.findall(r"upstream videoflix_kept \{[^}]*keepalive_timeout (\d+)s;", text)
    assert int(kept) < ServerSettings().keep_alive
