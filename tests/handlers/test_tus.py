"""Uploads in several requests, by tus 1.0.0: the protocol, header by header."""

import errno
import os
from collections.abc import AsyncIterator

import httpx
import pytest

from tests.clips.fixtures import ClipCache
from tests.handlers.films import small_film
from tests.handlers.site import ORIGIN, Server, stored_bytes
from tests.handlers.tus import (
    BYTES,
    SIZE,
    TUS,
    checksum,
    create,
    created,
    metadata,
    offset_of,
    patch,
    path_of,
)
from videoflix.adapters.resumable_store import LocalResumableStore
from videoflix.uploads.piece import Piece


@pytest.fixture
def film(clip_cache: ClipCache) -> bytes:
    return small_film(clip_cache, SIZE)


async def test_an_upload_in_pieces(server: Server, admin: httpx.AsyncClient, film: bytes) -> None:
    """R27 R28: the offset is what is on the disk; the last piece's answer names the video."""
    said = metadata(title="Ein Füm", category="Drama", description="a\nb", filename="x.mp4")
    response = await create(admin, SIZE, **{"Upload-Metadata": said})
    assert response.status_code == 201
    url = path_of(response)
    assert response.headers["Upload-Expires"].endswith(" GMT")
    assert "Videoflix-Video-Id" not in response.headers
    for start in (0, 70_000, 140_000):
        piece = film[start : start + 70_000]
        response = await patch(admin, url, start, piece)
        assert (response.status_code, response.content) == (204, b"")
        assert int(response.headers["Upload-Offset"]) == start + len(piece)
    assert response.headers["Videoflix-Video-Id"] == "1"
    assert "Upload-Expires" not in response.headers
    record = (await admin.get("admin/videos/1/")).json()
    assert (record["title"], record["category"], record["description"]) == (
        "Ein Füm",
        "Drama",
        "a\nb",
    )
    assert record["source_size"] == SIZE
    assert server.container.media.source(1).read_bytes() == film
    shown = await admin.head(url, headers=TUS)
    assert shown.headers["Upload-Metadata"] == said
    assert shown.headers["Upload-Length"] == shown.headers["Upload-Offset"] == str(SIZE)
    assert shown.headers["Videoflix-Video-Id"] == "1"


async def test_the_last_piece_again_makes_no_second_video(
    admin: httpx.AsyncClient, film: bytes
) -> None:
    """R28: its answer was lost on the way."""
    url = await created(admin, SIZE)
    await patch(admin, url, 0, film[:-10])
    for _ in range(3):
        response = await patch(admin, url, SIZE - 10, film[-10:])
        assert (response.status_code, response.headers["Videoflix-Video-Id"]) == (204, "1")
    empty = await patch(admin, url, SIZE, b"")
    assert (empty.status_code, empty.headers["Videoflix-Video-Id"]) == (204, "1")
    assert (await patch(admin, url, 0, film[:100])).status_code == 409
    assert (await admin.get("admin/videos/")).json()["count"] == 1


async def test_creation_with_upload(server: Server, admin: httpx.AsyncClient, film: bytes) -> None:
    headers = {**TUS, "Upload-Length": str(SIZE), "Upload-Metadata": metadata(filename="My.mkv")}
    whole = await admin.post(
        "admin/uploads", content=film, headers={**headers, "Content-Type": BYTES}
    )
    assert (whole.status_code, whole.headers["Upload-Offset"]) == (201, str(SIZE))
    assert whole.headers["Videoflix-Video-Id"] == "1"
    assert (await admin.get("admin/videos/1/")).json()["title"] == "My"  # of the file's name
    part = await admin.post(
        "admin/uploads/", content=film[:10], headers={**headers, "Content-Type": BYTES}
    )
    assert (part.status_code, part.headers["Upload-Offset"]) == (201, "10")
    rest = await patch(admin, path_of(part), 10, film[10:])
    assert rest.headers["Videoflix-Video-Id"] == "2"
    assert server.container.media.source(2).read_bytes() == film


async def in_chunks(data: bytes) -> AsyncIterator[bytes]:
    for start in range(0, len(data), 600):
        yield data[start : start + 600]


@pytest.mark.parametrize("is_chunked", [False, True])
@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({"Upload-Checksum": "crc32 AAAA"}, 400),
        ({"Upload-Checksum": "sha1 !!!"}, 400),
        ({"Upload-Checksum": checksum(b"other")}, 460),
        ({"Upload-Length": "2999"}, 413),
        ({"Upload-Length": "3000"}, 400),  # no video
    ],
)
async def test_a_creation_whose_first_bytes_are_refused_leaves_nothing(
    server: Server,
    admin: httpx.AsyncClient,
    headers: dict[str, str],
    status: int,
    is_chunked: bool,
) -> None:
    """R29: its client does not know where the upload is, so nobody could use the space it has."""
    body = b"x" * 3000
    response = await admin.post(
        "admin/uploads/",
        content=in_chunks(body) if is_chunked else body,
        headers={
            **TUS,
            "Upload-Length": str(SIZE),
            "Upload-Metadata": metadata(title="A film"),
            "Content-Type": BYTES,
            **headers,
        },
    )
    assert (response.status_code, "Location" in response.headers) == (status, False)
    root = server.container.settings.storage.root
    assert not list((root / "uploads").iterdir())
    assert LocalResumableStore(root).promised_bytes() == 0


async def test_a_disk_that_fails_behind_a_refusal_changes_nothing_of_it(
    server: Server, admin: httpx.AsyncClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def close(_: Piece) -> None:
        raise OSError(errno.EIO, os.strerror(errno.EIO))

    monkeypatch.setattr(Piece, "close", close)
    response = await admin.post(
        "admin/uploads/",
        content=in_chunks(b"x" * 3000),
        headers={
            **TUS,
            "Upload-Length": "999",
            "Upload-Metadata": metadata(title="A film"),
            "Content-Type": BYTES,
        },
    )
    assert response.status_code == 413
    assert not list((server.container.settings.storage.root / "uploads").iterdir())


async def test_what_the_server_can(server: Server) -> None:
    async with server.client() as client:
        response = await client.options("admin/uploads/")
        assert response.status_code == 204
        assert response.headers["Tus-Version"] == "1.0.0"
        extensions = "creation,creation-with-upload,expiration,checksum,termination"
        assert response.headers["Tus-Extension"] == extensions
        limit = server.container.settings.upload.max_bytes
        assert response.headers["Tus-Max-Size"] == str(limit)
        assert response.headers["Tus-Checksum-Algorithm"] == "sha1,sha256,md5"


async def test_r17_pages_of_allowed_origins_may_use_it(
    admin: httpx.AsyncClient,
) -> None:
    """R17: and others may not."""
    asked = {
        "Origin": ORIGIN,
        "Access-Control-Request-Method": "PATCH",
        "Access-Control-Request-Headers": "tus-resumable,upload-offset,content-type,x-csrftoken",
    }
    response = await admin.options("admin/uploads/" + "0" * 32, headers=asked)
    allowed = response.headers["Access-Control-Allow-Headers"].lower().replace(" ", "").split(",")
    assert set(asked["Access-Control-Request-Headers"].split(",")) <= set(allowed)
    others = {"upload-length", "upload-metadata", "upload-checksum", "x-http-method-override"}
    assert others <= set(allowed)
    assert "PATCH" in response.headers["Access-Control-Allow-Methods"]
    made = await create(admin, SIZE, Origin=ORIGIN)
    exposed = made.headers["Access-Control-Expose-Headers"].replace(" ", "").split(",")
    assert {"Location", "Upload-Offset", "Upload-Expires", "Videoflix-Video-Id"} <= set(exposed)
    foreign = await admin.options(
        "admin/uploads/", headers={**asked, "Origin": "http://evil.example"}
    )
    assert not any(name.startswith("access-control") for name in foreign.headers)


@pytest.mark.parametrize("version", [{}, {"Tus-Resumable": "0.2.2"}])
async def test_another_version_is_refused(
    admin: httpx.AsyncClient, version: dict[str, str]
) -> None:
    url = await created(admin, SIZE)
    headers = {**version, "Upload-Length": "9", "Upload-Offset": "0", "Content-Type": BYTES}
    for method, path in (
        ("POST", "admin/uploads/"),
        ("HEAD", url),
        ("PATCH", url),
        ("DELETE", url),
    ):
        response = await admin.request(method, path, headers=headers)
        assert response.status_code == 412
        assert response.headers["Tus-Version"] == "1.0.0"
    assert await offset_of(admin, url) == 0


@pytest.mark.parametrize(
    ("headers", "status", "said"),
    [
        ({"Upload-Length": ""}, 400, "Upload-Length"),
        ({"Upload-Length": "-1"}, 400, "Upload-Length"),
        ({"Upload-Length": "9" * 30}, 400, "Upload-Length"),
        ({"Upload-Length": "1e3"}, 400, "Upload-Length"),
        ({"Upload-Length": "0"}, 400, "file"),
        ({"Upload-Length": str(1 << 50)}, 413, "larger"),
        ({"Upload-Metadata": "title !!!"}, 400, "Upload-Metadata"),
        ({"Upload-Metadata": metadata(title="A") + "," + metadata(title="B")}, 400, "Metadata"),
        ({"Upload-Metadata": "title /w=="}, 400, "title"),
        ({"Upload-Metadata": ""}, 400, "title"),
        ({"Upload-Metadata": metadata(title="a\r\nBcc: b")}, 400, "title"),
        ({"Upload-Metadata": metadata(title="x" * 151)}, 400, "title"),
        ({"Upload-Metadata": metadata(title="x", category="y" * 51)}, 400, "category"),
    ],
)
async def test_wrong_creations(
    server: Server, admin: httpx.AsyncClient, headers: dict[str, str], status: int, said: str
) -> None:
    response = await create(admin, SIZE, **headers)
    assert response.status_code == status
    assert said in response.text
    assert not list((server.container.settings.storage.root / "uploads").iterdir())


@pytest.mark.parametrize("name", ["../../etc/passwd", "a\\..\\b", "x" * 300, "🎬.mp4", "a\0b.mp4"])
async def test_r31_file_names_never_reach_a_path(
    server: Server, admin: httpx.AsyncClient, name: str
) -> None:
    """R31"""
    root = server.container.settings.storage.root
    before = {path.name for path in root.rglob("*")}
    url = await created(admin, SIZE, **{"Upload-Metadata": metadata(filename=name)})
    new = {path.name for path in root.rglob("*")} - before
    assert new == {url.rpartition("/")[2], "film", "record", "lock"}


async def test_r27_a_wrong_offset_writes_nothing(admin: httpx.AsyncClient, film: bytes) -> None:
    """R27"""
    url = await created(admin, SIZE)
    await patch(admin, url, 0, film[:1000])
    for wrong in (0, 999, 1001, SIZE - 100):
        assert (await patch(admin, url, wrong, film[:100])).status_code == 409
    for header in ("", "x", "-1", "1.5"):
        response = await patch(admin, url, 0, film[:100], **{"Upload-Offset": header})
        assert response.status_code == 400
    assert (await patch(admin, url, 1000, film)).status_code == 413  # more than was announced
    assert await offset_of(admin, url) == 1000


async def test_more_than_was_announced_in_chunks(admin: httpx.AsyncClient, film: bytes) -> None:
    url = await created(admin, 1000)
    sent = {**TUS, "Upload-Offset": "0", "Content-Type": BYTES}
    response = await admin.patch(url, content=in_chunks(film[:3000]), headers=sent)
    assert response.status_code == 413
    assert await offset_of(admin, url) <= 1000


@pytest.mark.parametrize("name", ["sha1", "sha256", "md5"])
async def test_checksums(admin: httpx.AsyncClient, film: bytes, name: str) -> None:
    """R28: of bytes that are not what was sent none is kept."""
    url = await created(admin, SIZE)
    first, second = film[:1000], film[1000:2000]
    good = await patch(admin, url, 0, first, **{"Upload-Checksum": checksum(first, name)})
    assert good.status_code == 204
    bad = await patch(admin, url, 1000, second, **{"Upload-Checksum": checksum(first, name)})
    assert bad.status_code == 460
    assert await offset_of(admin, url) == 1000
    rest = film[1000:]
    last = await patch(admin, url, 1000, rest, **{"Upload-Checksum": checksum(rest, name)})
    assert last.headers["Videoflix-Video-Id"] == "1"


async def test_a_wrong_checksum_of_the_last_piece_makes_no_video(
    admin: httpx.AsyncClient, film: bytes
) -> None:
    url = await created(admin, SIZE)
    assert (
        await patch(admin, url, 0, film, **{"Upload-Checksum": checksum(b"other")})
    ).status_code == 460
    assert await offset_of(admin, url) == 0
    assert (await admin.get("admin/videos/")).json()["count"] == 0
    again = await patch(admin, url, 0, film, **{"Upload-Checksum": checksum(film)})
    assert again.headers["Videoflix-Video-Id"] == "1"


@pytest.mark.parametrize("value", ["crc32 AAAA", "sha1", "sha1 !!!", "sha1 AAAA", ""])
async def test_checksums_that_are_none(admin: httpx.AsyncClient, value: str) -> None:
    url = await created(admin, SIZE)
    response = await patch(admin, url, 0, b"x", **{"Upload-Checksum": value})
    assert response.status_code == 400
    assert await offset_of(admin, url) == 0


async def test_r33_what_is_no_video_is_refused_and_gone(
    server: Server, admin: httpx.AsyncClient
) -> None:
    """R33"""
    url = await created(admin, 3000)
    await patch(admin, url, 0, b"x" * 1000)
    response = await patch(admin, url, 1000, b"x" * 2000)
    assert response.status_code == 400
    assert response.json()["detail"].startswith("this is not a video: ")
    assert (await admin.head(url, headers=TUS)).status_code == 404
    assert not list((server.container.settings.storage.root / "uploads").iterdir())
    assert (await admin.get("admin/videos/")).json()["count"] == 0


async def test_terminate(server: Server, admin: httpx.AsyncClient, film: bytes) -> None:
    url = await created(admin, SIZE)
    await patch(admin, url, 0, film[:1000])
    response = await admin.delete(url, headers=TUS)
    assert (response.status_code, response.content) == (204, b"")
    assert stored_bytes(server) == 0
    for method in ("HEAD", "DELETE"):
        assert (await admin.request(method, url, headers=TUS)).status_code == 404
    assert (await patch(admin, url, 1000, b"x")).status_code == 404
    # A film that has become a video stays.
    url = await created(admin, SIZE)
    await patch(admin, url, 0, film)
    assert (await admin.delete(url, headers=TUS)).status_code == 204
    assert server.container.media.source(1).read_bytes() == film


async def by_post(
    client: httpx.AsyncClient, method: str, url: str, data: bytes = b"", **headers: str
) -> httpx.Response:
    sent = {**TUS, "X-HTTP-Method-Override": method, "Upload-Offset": "0", **headers}
    return await client.post(url, content=data, headers=sent)


async def test_a_post_may_stand_for_what_a_client_cannot_send(
    server: Server, admin: httpx.AsyncClient, film: bytes
) -> None:
    url = await created(admin, SIZE)
    first = await by_post(admin, "PATCH", url, film[:1000], **{"Content-Type": BYTES})
    assert (first.status_code, first.headers["Upload-Offset"]) == (204, "1000")
    rest = {"Content-Type": BYTES, "Upload-Offset": "1000"}
    last = await by_post(admin, "PATCH", url, film[1000:], **rest)
    assert (last.status_code, last.headers["Videoflix-Video-Id"]) == (204, "1")
    assert server.container.media.source(1).read_bytes() == film
    response = await by_post(admin, "DELETE", url)
    assert (response.status_code, response.content) == (204, b"")
    assert (await admin.head(url, headers=TUS)).status_code == 404


@pytest.mark.parametrize("method", ["PATCH", "DELETE"])
async def test_r16_a_post_that_stands_for_another_is_checked_like_it(
    server: Server, admin: httpx.AsyncClient, film: bytes, method: str
) -> None:
    """R16 R26"""
    url = await created(admin, SIZE)
    right = {"Content-Type": BYTES}
    async with server.signed_in() as member, server.client() as anonymous:
        assert (await by_post(member, method, url, film, **right)).status_code == 403
        assert (await by_post(anonymous, method, url, film, **right)).status_code == 401
    for wrong, status in (
        ({"Origin": "http://evil.example"}, 403),
        ({"Content-Type": "text/plain"}, 403),
        ({"X-CSRFToken": "another"}, 403),
        ({"Tus-Resumable": "0.2.2"}, 412),
    ):
        response = await by_post(admin, method, url, film, **(right | wrong))
        assert response.status_code == status
    assert await offset_of(admin, url) == 0


@pytest.mark.parametrize("method", ["", "HEAD", "GET", "PUT", "POST", "OPTIONS", "patch", "X"])
async def test_a_post_stands_for_no_other_method(admin: httpx.AsyncClient, method: str) -> None:
    url = await created(admin, SIZE)
    response = await by_post(admin, method, url)
    assert (response.status_code, "X-HTTP-Method-Override" in response.text) == (400, True)
    sent = {**TUS, "X-HTTP-Method-Override": "DELETE"}
    assert (await admin.head(url, headers=sent)).status_code == 200  # only a POST does
    assert await offset_of(admin, url) == 0


async def test_an_upload_belongs_to_who_made_it(
    server: Server, admin: httpx.AsyncClient, film: bytes
) -> None:
    url = await created(admin, SIZE)
    async with server.signed_in("other@example.com", is_staff=True) as other:
        for method in ("HEAD", "DELETE"):
            assert (await other.request(method, url, headers=TUS)).status_code == 404
        assert (await patch(other, url, 0, film)).status_code == 404
    assert await offset_of(admin, url) == 0


@pytest.mark.parametrize("upload", ["0" * 32, "x", "..%2f..%2fsources", "0" * 31 + "%0a", "lock"])
async def test_unknown_uploads(admin: httpx.AsyncClient, upload: str) -> None:
    url = f"admin/uploads/{upload}"
    assert (await admin.head(url, headers=TUS)).status_code == 404
    assert (await patch(admin, url, 0, b"x")).status_code == 404
    assert (await admin.delete(url, headers=TUS)).status_code == 404


async def test_r16_other_types_and_foreign_origins(admin: httpx.AsyncClient, film: bytes) -> None:
    """R16"""
    foreign = {"Origin": "http://evil.example"}
    assert (await create(admin, SIZE, **foreign)).status_code == 403
    for content_type in ("text/plain", "application/json", "multipart/form-data; boundary=b"):
        response = await create(admin, SIZE, **{"Content-Type": content_type})
        assert response.status_code == 403
    url = await created(admin, SIZE, Origin=ORIGIN)
    assert (await patch(admin, url, 0, film, **foreign)).status_code == 403
    for content_type in ("text/plain", ""):
        response = await patch(admin, url, 0, film, **{"Content-Type": content_type})
        assert response.status_code == 403
    assert (await admin.delete(url, headers={**TUS, **foreign})).status_code == 403
    wrong = {"X-CSRFToken": "another"}
    assert (await patch(admin, url, 0, film, **wrong)).status_code == 403
    assert await offset_of(admin, url) == 0


@pytest.mark.parametrize("who", ["anonymous", "member"])
async def test_r26_strangers_are_refused_before_a_byte_is_stored(
    server: Server, admin: httpx.AsyncClient, film: bytes, who: str
) -> None:
    """R26"""
    url = await created(admin, SIZE)
    before = stored_bytes(server)
    async with server.signed_in() as member, server.client() as anonymous:
        client, status = (member, 403) if who == "member" else (anonymous, 401)
        assert (await create(client, SIZE)).status_code == status
        assert (await patch(client, url, 0, film)).status_code == status
        assert (await client.head(url, headers=TUS)).status_code == status
        assert (await client.delete(url, headers=TUS)).status_code == status
    assert stored_bytes(server) == before
