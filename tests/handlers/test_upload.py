"""Uploads by admins: a multipart form, streamed to the disk."""

import secrets
from collections.abc import AsyncIterator
from pathlib import Path

import httpx
import pytest

from tests.clips.fixtures import ClipCache
from tests.handlers.films import small_film
from tests.handlers.site import ORIGIN, Server, stored_bytes
from tests.videoflix.uploads.pictures import write_picture
from videoflix.models import VideoDetails

FIELDS = {"title": "A film", "description": "What happens.", "category": "Drama"}
# For what is refused before anybody looks at the film.
FILM = secrets.token_bytes(1024 * 1024 + 17)


@pytest.fixture
def film(clip_cache: ClipCache) -> bytes:
    return small_film(clip_cache, 3 * 1024 * 1024 + 17)


@pytest.mark.parametrize("end", ["/", ""], ids=["slash", "bare"])
async def test_upload(server: Server, admin: httpx.AsyncClient, film: bytes, end: str) -> None:
    response = await admin.post(f"admin/videos{end}", data=FIELDS, files={"file": ("x.mp4", film)})
    assert response.status_code == 201
    record = response.json()
    assert record["id"] == 1
    assert record["processing_status"] == "pending"
    assert record["progress"] == 0
    assert record["processing_error"] == ""
    assert record["source_size"] == len(film)
    assert {name: record[name] for name in FIELDS} == FIELDS
    assert server.container.media.source(1).read_bytes() == film
    shown = await admin.get(f"admin/videos/1{end}")
    assert (shown.status_code, shown.json()) == (200, record)
    again = await admin.post("admin/videos/", data=FIELDS, files={"file": ("x.mp4", film)})
    assert again.json()["id"] == 2


async def test_upload_with_own_thumbnail(
    admin: httpx.AsyncClient, film: bytes, tmp_path: Path
) -> None:
    picture = write_picture(tmp_path / "own.png", "png", 64, 48).read_bytes()
    files = {"thumbnail": ("own.png", picture), "file": ("x.mp4", film)}
    response = await admin.post("admin/videos/", data=FIELDS, files=files)
    assert response.status_code == 201
    assert response.json()["has_own_thumbnail"] is True
    shown = await admin.get(response.json()["thumbnail_url"])
    assert shown.status_code == 200
    assert shown.content.startswith(b"\xff\xd8\xff")  # made anew as JPEG


async def test_an_empty_thumbnail_is_none(admin: httpx.AsyncClient, film: bytes) -> None:
    """Browsers send an empty part for a file field that nobody filled in."""
    files = {"thumbnail": ("", b""), "file": ("x.mp4", film)}
    response = await admin.post("admin/videos/", data=FIELDS, files=files)
    assert response.status_code == 201
    assert response.json()["has_own_thumbnail"] is False


async def test_unknown_length(
    admin: httpx.AsyncClient, server: Server, clip_cache: ClipCache
) -> None:
    """A body in chunks, in whatever pieces it comes."""
    film = small_film(clip_cache, 100_000)
    boundary = "b0undary"
    body = (
        f'--{boundary}\r\nContent-Disposition: form-data; name="title"\r\n\r\nT\r\n'
        f'--{boundary}\r\nContent-Disposition: form-data; name="file"; filename="x"\r\n\r\n'
    ).encode()
    body += film + f"\r\n--{boundary}--\r\n".encode()

    async def pieces() -> AsyncIterator[bytes]:
        for start in range(0, len(body), 977):
            yield body[start : start + 977]

    headers = {"Content-Type": f"multipart/form-data; boundary={boundary}"}
    response = await admin.post("admin/videos/", content=pieces(), headers=headers)
    assert response.status_code == 201
    assert server.container.media.source(1).read_bytes() == film


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
    server: Server, admin: httpx.AsyncClient, clip_cache: ClipCache, name: str
) -> None:
    """R31."""
    film = small_film(clip_cache)
    root = server.container.settings.storage.root
    before = {path.name for path in root.parent.rglob("*")}
    boundary = "b0undary"
    body = (
        f'--{boundary}\r\nContent-Disposition: form-data; name="title"\r\n\r\nT\r\n'
        f'--{boundary}\r\nContent-Disposition: form-data; name="file"; filename="{name}"\r\n\r\n'
    ).encode()
    body += film + f"\r\n--{boundary}--\r\n".encode()
    headers = {"Content-Type": f"multipart/form-data; boundary={boundary}"}
    response = await admin.post("admin/videos/", content=body, headers=headers)
    assert response.status_code == 201
    assert server.container.media.source(1).read_bytes() == film
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


async def test_r16_other_types_and_foreign_origins(
    admin: httpx.AsyncClient, server: Server, film: bytes
) -> None:
    """R16."""
    response = await admin.post("admin/videos/", json=FIELDS)
    assert response.status_code == 403
    for origin, status in (("http://evil.example", 403), (ORIGIN, 201)):
        response = await admin.post(
            "admin/videos/", data=FIELDS, files={"file": film}, headers={"Origin": origin}
        )
        assert response.status_code == status
    assert len(list(server.container.settings.storage.root.glob("sources/*"))) == 1


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


async def test_r26_a_refusal_is_said_once_whatever_the_method(
    server: Server, caplog: pytest.LogCaptureFixture
) -> None:
    """R26: no stranger can fill the log with errors."""
    async with server.client() as client:
        response = await client.get("admin/videos/")
    assert response.status_code == 401
    assert [record for record in caplog.records if record.levelname == "ERROR"] == []


NO_VIDEOS = {
    "noise": FILM,
    "text": b"It was a dark and stormy night. " * 100,
    "playlist": b"#EXTM3U\n#EXT-X-TARGETDURATION:9\n#EXTINF:9,\nhttp://127.0.0.1:9/x.ts\n",
    "picture": b"\x89PNG\r\n\x1a\n" + bytes(1000),
    "nothing in it": b"\0\0\0\x18ftypisom\0\0\0\0isommp42",
}


@pytest.mark.parametrize("kind", NO_VIDEOS)
async def test_r33_what_is_no_video_is_refused_in_plain_words(
    server: Server, admin: httpx.AsyncClient, kind: str
) -> None:
    """R33: and nothing of it is kept."""
    files = {"file": ("film.mp4", NO_VIDEOS[kind])}
    response = await admin.post("admin/videos/", data=FIELDS, files=files)
    assert response.status_code == 400
    detail = response.json()["detail"]
    assert detail.startswith("this is not a video: ")
    assert not any(word in detail for word in ("Error", "Errno", "uploads", "0x", "Traceback"))
    assert stored_bytes(server) == 0
    assert (await admin.get("admin/videos/")).json()["count"] == 0


async def test_r33_half_a_film_is_refused(
    server: Server, admin: httpx.AsyncClient, clip_cache: ClipCache
) -> None:
    """R33: its index, at its end, never arrived."""
    film = clip_cache.clip(width=64, height=48, seconds=1).path.read_bytes()
    files = {"file": ("film.mp4", film[: len(film) // 2])}
    response = await admin.post("admin/videos/", data=FIELDS, files=files)
    assert response.status_code == 400
    assert "damaged or incomplete" in response.json()["detail"]
    assert stored_bytes(server) == 0
