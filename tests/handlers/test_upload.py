"""Uploads by admins: a multipart form, streamed to the disk."""

import asyncio
import json
import secrets
import sys
from collections.abc import AsyncIterator
from contextlib import suppress
from pathlib import Path

import httpx
import pytest

from tests.handlers.raw import open_connection, status_of
from tests.handlers.site import ORIGIN, Server
from tests.videoflix.uploads.pictures import write_picture
from tests.videoflix.waiting import until
from videoflix.models import VideoDetails

FIELDS = {"title": "A film", "description": "What happens.", "category": "Drama"}
FILM = secrets.token_bytes(3 * 1024 * 1024 + 17)
KEEP_UNREAD = 128 * 1024
URLLIB = Path(__file__).with_name("urllib_upload.py")


@pytest.fixture
async def admin(server: Server) -> AsyncIterator[httpx.AsyncClient]:
    async with server.signed_in("admin@example.com", is_staff=True) as client:
        yield client


def stored_bytes(server: Server) -> int:
    """What uploads hold on the disk at this moment."""
    root = server.container.settings.storage.root
    folders = (root / "uploads", root / "sources")
    files = [path for folder in folders for path in folder.rglob("*") if path.is_file()]
    return sum(path.stat().st_size for path in files)


@pytest.mark.parametrize("end", ["/", ""], ids=["slash", "bare"])
async def test_upload(server: Server, admin: httpx.AsyncClient, end: str) -> None:
    response = await admin.post(f"admin/videos{end}", data=FIELDS, files={"file": ("x.mp4", FILM)})
    assert response.status_code == 201
    record = response.json()
    assert record["id"] == 1
    assert record["processing_status"] == "pending"
    assert record["progress"] == 0
    assert record["processing_error"] == ""
    assert record["source_size"] == len(FILM)
    assert {name: record[name] for name in FIELDS} == FIELDS
    assert server.container.media.source(1).read_bytes() == FILM
    shown = await admin.get(f"admin/videos/1{end}")
    assert (shown.status_code, shown.json()) == (200, record)
    again = await admin.post("admin/videos/", data=FIELDS, files={"file": ("x.mp4", b"y")})
    assert again.json()["id"] == 2


async def test_upload_with_own_thumbnail(admin: httpx.AsyncClient, tmp_path: Path) -> None:
    picture = write_picture(tmp_path / "own.png", "png", 64, 48).read_bytes()
    files = {"thumbnail": ("own.png", picture), "file": ("x.mp4", FILM)}
    response = await admin.post("admin/videos/", data=FIELDS, files=files)
    assert response.status_code == 201
    assert response.json()["has_own_thumbnail"] is True
    shown = await admin.get(response.json()["thumbnail_url"])
    assert shown.status_code == 200
    assert shown.content.startswith(b"\xff\xd8\xff")  # made anew as JPEG


async def test_an_empty_thumbnail_is_none(admin: httpx.AsyncClient) -> None:
    """Browsers send an empty part for a file field that nobody filled in."""
    files = {"thumbnail": ("", b""), "file": ("x.mp4", FILM)}
    response = await admin.post("admin/videos/", data=FIELDS, files=files)
    assert response.status_code == 201
    assert response.json()["has_own_thumbnail"] is False


async def test_unknown_length(admin: httpx.AsyncClient, server: Server) -> None:
    """A body in chunks, in whatever pieces it comes."""
    boundary = "b0undary"
    body = (
        f'--{boundary}\r\nContent-Disposition: form-data; name="title"\r\n\r\nT\r\n'
        f'--{boundary}\r\nContent-Disposition: form-data; name="file"; filename="x"\r\n\r\n'
    ).encode()
    body += FILM[:100_000] + f"\r\n--{boundary}--\r\n".encode()

    async def pieces() -> AsyncIterator[bytes]:
        for start in range(0, len(body), 977):
            yield body[start : start + 977]

    headers = {"Content-Type": f"multipart/form-data; boundary={boundary}"}
    response = await admin.post("admin/videos/", content=pieces(), headers=headers)
    assert response.status_code == 201
    assert server.container.media.source(1).read_bytes() == FILM[:100_000]


@pytest.mark.parametrize(
    ("data", "field"),
    [
        ({**FIELDS, "title": ""}, "title"),
        ({"category": "Drama"}, "title"),
        ({**FIELDS, "title": "x" * 151}, "title"),
        ({**FIELDS, "title": "x" * 10_000}, "title"),
        ({**FIELDS, "title": "a\r\nBcc: b"}, "title"),
        ({**FIELDS, "category": "x" * 51}, "category"),
        ({**FIELDS, "description": "x" * 5001}, "description"),
    ],
)
async def test_wrong_fields(
    server: Server, admin: httpx.AsyncClient, data: dict[str, str], field: str
) -> None:
    response = await admin.post("admin/videos/", data=data, files={"file": ("x.mp4", FILM)})
    assert response.status_code == 400
    assert list(response.json()) == [field]
    assert stored_bytes(server) == 0


async def test_missing_file(admin: httpx.AsyncClient) -> None:
    response = await admin.post(
        "admin/videos/", data={"title": ""}, files={"thumbnail": ("x.png", b"")}
    )
    assert response.status_code == 400
    assert response.json() == {
        "title": ["This field may not be blank."],
        "file": ["This field is required."],
    }


async def test_two_files(server: Server, admin: httpx.AsyncClient) -> None:
    files = [("file", ("a.mp4", FILM)), ("file", ("b.mp4", FILM))]
    response = await admin.post("admin/videos/", data=FIELDS, files=files)
    assert response.status_code == 400
    assert list(response.json()) == ["file"]
    assert stored_bytes(server) == 0


@pytest.mark.parametrize(
    "name", ["../../../etc/passwd", "/etc/passwd", "a\\..\\b", "x" * 300, "🎬.mp4", "a\0b", ""]
)
async def test_file_names_never_reach_a_path(
    server: Server, admin: httpx.AsyncClient, name: str
) -> None:
    """R31."""
    root = server.container.settings.storage.root
    before = {path.name for path in root.parent.rglob("*")}
    boundary = "b0undary"
    body = (
        f'--{boundary}\r\nContent-Disposition: form-data; name="title"\r\n\r\nT\r\n'
        f'--{boundary}\r\nContent-Disposition: form-data; name="file"; filename="{name}"\r\n\r\n'
        f"film\r\n--{boundary}--\r\n"
    ).encode()
    headers = {"Content-Type": f"multipart/form-data; boundary={boundary}"}
    response = await admin.post("admin/videos/", content=body, headers=headers)
    assert response.status_code == 201
    assert server.container.media.source(1).read_bytes() == b"film"
    new = {path.name for path in root.parent.rglob("*")} - before
    assert all(part.isascii() and len(part) < 80 for part in new)
    assert "passwd" not in new


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"no form",
        b"--b\r\n",
        b'--b\r\nContent-Disposition: form-data; name="title"\r\n\r\nx',
        b"--b\r\n" + b"X: y\r\n" * 100 + b"\r\nx\r\n--b--\r\n",
        b"--b\r\nX: " + b"y" * 100_000 + b"\r\n\r\nx\r\n--b--\r\n",
        b"--b\r\n\r\nx\r\n" * 100 + b"--b--\r\n",
        b'--b\r\nContent-Disposition: form-data; name="title"\r\n\r\n\xff\xfe\r\n--b--\r\n',
    ],
)
async def test_malformed_forms(admin: httpx.AsyncClient, server: Server, body: bytes) -> None:
    headers = {"Content-Type": "multipart/form-data; boundary=b"}
    response = await admin.post("admin/videos/", content=body, headers=headers)
    assert response.status_code == 400
    assert response.json()
    assert stored_bytes(server) == 0


async def test_no_boundary(admin: httpx.AsyncClient) -> None:
    for content_type in ("multipart/form-data", "multipart/form-data; boundary=" + "b" * 300):
        headers = {"Content-Type": content_type}
        response = await admin.post("admin/videos/", content=b"x", headers=headers)
        assert response.status_code == 400


async def test_other_types_and_foreign_origins(admin: httpx.AsyncClient, server: Server) -> None:
    """R16."""
    response = await admin.post("admin/videos/", json=FIELDS)
    assert response.status_code == 403
    for origin, status in (("http://evil.example", 403), (ORIGIN, 201)):
        response = await admin.post(
            "admin/videos/", data=FIELDS, files={"file": FILM}, headers={"Origin": origin}
        )
        assert response.status_code == status
    assert len(list(server.container.settings.storage.root.glob("sources/*"))) == 1


def head_of(server: Server, length: int, cookie: str = "") -> bytes:
    lines = [
        "POST /api/admin/videos/ HTTP/1.1",
        f"Host: {server.url.removeprefix('http://')}",
        "Content-Type: multipart/form-data; boundary=b",
        f"Content-Length: {length}",
        f"Cookie: {cookie}",
        "",
        "",
    ]
    return "\r\n".join(lines).encode()


FILE_PART = (
    b'--b\r\nContent-Disposition: form-data; name="title"\r\n\r\nT\r\n'
    b'--b\r\nContent-Disposition: form-data; name="file"; filename="x"\r\n\r\n'
)


async def send_until_closed(writer: asyncio.StreamWriter, size: int) -> int:
    """Go on sending until the server hangs up; how many bytes went out."""
    sent = 0
    async with asyncio.timeout(60):
        with suppress(ConnectionError):
            while sent < size:
                writer.write(b"x" * 65536)
                await writer.drain()
                sent += 65536
                await asyncio.sleep(0.02)
    return sent


@pytest.mark.parametrize("who", ["anonymous", "member"])
async def test_strangers_are_refused_before_the_body(server: Server, who: str) -> None:
    """R26: the answer arrives while the client is still sending, and nothing is stored."""
    cookie = ""
    async with server.signed_in() as client:
        if who == "member":
            cookie = f"access_token={client.cookies['access_token']}"
    reader, writer = await open_connection(server)
    size = 200 * 1024 * 1024
    writer.write(head_of(server, size, cookie) + FILE_PART)
    await writer.drain()
    async with asyncio.timeout(20):
        head = await reader.readuntil(b"\r\n\r\n")
    assert status_of(head) == (403 if who == "member" else 401)
    assert b"connection: close" in head.lower()
    sent = await send_until_closed(writer, size)
    writer.close()
    assert sent < size
    assert sent > KEEP_UNREAD
    assert stored_bytes(server) == 0


@pytest.mark.parametrize("command", ["curl", "urllib"])
async def test_clients_see_the_refusal(server: Server, tmp_path: Path, command: str) -> None:
    """R26: as clients that send the whole body first."""
    film = tmp_path / "film.mp4"
    film.write_bytes(FILM * 3)
    url = f"{server.url}/api/admin/videos/"
    arguments = {
        "curl": ["curl", "-s", "-w", "\n%{http_code}", "-F", f"file=@{film}", "-H", "Expect:", url],
        "urllib": [
            sys.executable,
            str(Path(__file__).with_name("urllib_upload.py")),
            url,
            str(film),
        ],
    }[command]
    process = await asyncio.create_subprocess_exec(
        *arguments, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE
    )
    async with asyncio.timeout(60):
        output, errors = await process.communicate()
    body, _, status = output.decode().rpartition("\n")
    assert status == "401", errors
    assert json.loads(body) == {"detail": "Authentication credentials were not provided."}
    assert stored_bytes(server) == 0


async def test_a_client_that_asks_first(server: Server) -> None:
    """R26: with Expect: 100-continue not a byte of the body is asked for."""
    reader, writer = await open_connection(server)
    head = head_of(server, 1 << 30).replace(b"Cookie: ", b"Expect: 100-continue\r\nCookie: ")
    writer.write(head)
    async with asyncio.timeout(20):
        answer = await reader.read()
    writer.close()
    assert status_of(answer) == 401
    assert b"100 (Continue)" not in answer


async def test_too_large_is_said_before_the_body(server: Server, admin: httpx.AsyncClient) -> None:
    """R18: large bodies are for this route alone, and have their own limit."""
    reader, writer = await open_connection(server)
    cookie = f"access_token={admin.cookies['access_token']}"
    writer.write(head_of(server, 1 << 50, cookie))
    async with asyncio.timeout(20):
        head = await reader.readuntil(b"\r\n\r\n")
    writer.close()
    assert status_of(head) == 413


async def test_a_broken_connection_leaves_nothing(server: Server, admin: httpx.AsyncClient) -> None:
    _, writer = await open_connection(server)
    cookie = f"access_token={admin.cookies['access_token']}"
    writer.write(head_of(server, 100 * 1024 * 1024, cookie) + FILE_PART + FILM)

    async def arrived() -> bool:
        return stored_bytes(server) > 1024 * 1024

    async def gone() -> bool:
        return stored_bytes(server) == 0

    await until(arrived)
    writer.close()
    await until(gone)
    assert await server.container.videos.find(1) is None


async def test_unknown_records(admin: httpx.AsyncClient) -> None:
    for video in ("1", "0", "x", "1e3", "99999999999"):
        response = await admin.get(f"admin/videos/{video}/")
        assert (response.status_code, response.json()) == (
            404,
            {"detail": "There is no such video."},
        )


async def test_a_failed_video(server: Server, admin: httpx.AsyncClient) -> None:
    """Admins see the reason, in plain words."""
    videos = server.container.videos
    video_id = await videos.next_id()
    await videos.add(video_id, VideoDetails("T"), source_size=1, has_own_thumbnail=False)
    lease = await videos.claim("test", 60, 5)
    assert lease is not None
    await videos.fail(lease, "There is no picture in this file.")
    record = (await admin.get("admin/videos/1/")).json()
    assert record["processing_status"] == "failed"
    assert record["processing_error"] == "There is no picture in this file."
