"""Where members stopped watching: each for himself, for as long as account and film exist."""

from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.clips.fixtures import ClipCache
from tests.handlers.films import SECONDS, add_pending, encoded_title, publish
from tests.handlers.site import PASSWORD, Server
from videoflix.models import Video

JSON = {"Content-Type": "application/json"}


@pytest.fixture
def encoded(clip_cache: ClipCache) -> Path:
    return encoded_title(clip_cache)


@pytest.fixture
async def video(server: Server, encoded: Path) -> Video:
    return await publish(server.container, encoded)


async def kept(client: httpx.AsyncClient, video: Video) -> Any:
    response = await client.get(f"video/{video.id}/position/")
    assert response.status_code == 200
    return response.json()["position"]


async def put(client: httpx.AsyncClient, video_id: object, position: object) -> httpx.Response:
    return await client.put(f"video/{video_id}/position/", json={"position": position})


async def test_everybody_goes_on_where_he_stopped(
    server: Server, admin: httpx.AsyncClient, video: Video
) -> None:
    async with server.signed_in() as member:
        assert await kept(member, video) == 0
        response = await put(member, video.id, 7.25)
        assert (response.status_code, response.json()) == (200, {"position": 7.25})
        assert await kept(member, video) == 7.25
        assert await kept(admin, video) == 0
        await put(member, video.id, 3)
        await put(admin, video.id, 5.0009)
        assert (await kept(member, video), await kept(admin, video)) == (3, 5.001)
        assert (await member.head(f"video/{video.id}/position")).status_code == 200
        # A player may count a little beyond the end.
        assert (await put(member, video.id, SECONDS + 0.9)).json() == {"position": SECONDS}
        response = await put(member, video.id, SECONDS + 2)
        assert response.status_code == 400
        assert response.json() == {"position": ["The film is not that long."]}
        assert await kept(member, video) == SECONDS


async def test_r12_what_is_no_position(admin: httpx.AsyncClient, video: Video) -> None:
    """R12"""
    for position in [-1, 604801, "7", True, None, [1], {"$gt": 0}]:
        response = await put(admin, video.id, position)
        assert response.status_code == 400
        assert list(response.json()) == ["position"]
        assert await kept(admin, video) == 0


async def test_numbers_that_json_has_not(admin: httpx.AsyncClient, video: Video) -> None:
    for text in ["NaN", "Infinity", "1e999", "-0.001", ""]:
        body = f'{{"position": {text}}}'
        response = await admin.put(f"video/{video.id}/position/", content=body, headers=JSON)
        assert response.status_code == 400


async def test_only_of_films_that_can_be_played(
    server: Server, admin: httpx.AsyncClient, video: Video
) -> None:
    waiting = (await add_pending(server.container)).id
    for unknown in (waiting, video.id + 99, "x", "0"):
        assert (await admin.get(f"video/{unknown}/position/")).status_code == 404
        assert (await put(admin, unknown, 1)).status_code == 404


async def test_it_goes_with_the_film_and_with_the_account(
    server: Server, admin: httpx.AsyncClient, encoded: Path
) -> None:
    videos = [await publish(server.container, encoded) for _ in range(2)]
    store = server.container.positions
    async with server.signed_in() as member:
        user_id = (await member.get("me/")).json()["id"]
        for video in videos:
            await put(member, video.id, 1)
        await admin.delete(f"admin/videos/{videos[0].id}/", headers=JSON)
        assert (await member.get(f"video/{videos[0].id}/position/")).status_code == 404
        assert await store.find(user_id, videos[1].id) == 1000
        await member.request("DELETE", "me/", json={"password": PASSWORD})
    assert await store.find(user_id, videos[1].id) == 0
