"""Requests of tus 1.0.0, as tests send them."""

import base64
import hashlib

import httpx

SIZE = 200_000
TUS = {"Tus-Resumable": "1.0.0"}
BYTES = "application/offset+octet-stream"


def metadata(**values: str) -> str:
    pairs = [f"{key} {base64.b64encode(value.encode()).decode()}" for key, value in values.items()]
    return ",".join(pairs)


async def create(admin: httpx.AsyncClient, size: int, **headers: str) -> httpx.Response:
    sent = {**TUS, "Upload-Length": str(size), "Upload-Metadata": metadata(title="A film")}
    return await admin.post("admin/uploads/", headers=sent | headers)


async def created(admin: httpx.AsyncClient, size: int, **headers: str) -> str:
    response = await create(admin, size, **headers)
    assert response.status_code == 201, response.text
    return path_of(response)


def path_of(response: httpx.Response) -> str:
    """The upload's path, below the base of all calls."""
    location: str = response.headers["Location"]
    assert location.startswith("/api/")
    return location.removeprefix("/api/")


async def patch(
    admin: httpx.AsyncClient, url: str, offset: int, data: bytes, **headers: str
) -> httpx.Response:
    sent = {**TUS, "Upload-Offset": str(offset), "Content-Type": BYTES, **headers}
    return await admin.patch(url, content=data, headers=sent)


async def offset_of(admin: httpx.AsyncClient, url: str) -> int:
    response = await admin.head(url, headers=TUS)
    assert response.status_code == 200
    assert response.headers["Cache-Control"] == "no-store"
    return int(response.headers["Upload-Offset"])


def checksum(data: bytes, name: str = "sha1") -> str:
    return f"{name} {base64.b64encode(hashlib.new(name, data).digest()).decode()}"
