"""All videos, for admins: listed, cancelled, tried again."""

import httpx
import pytest

from handlers.query import page_numbers
from tests.handlers.films import add_pending
from tests.handlers.site import Server
from videoflix.encoding.control import BULK_MAX
from videoflix.models import EncodeProgress, Lease

JSON = {"Content-Type": "application/json"}


async def claimed(server: Server) -> Lease:
    lease = await server.container.videos.claim("test", 60, 5)
    assert lease is not None
    return lease


def give_source(server: Server, video_id: int) -> None:
    source = server.container.media.source(video_id)
    source.parent.mkdir()
    source.write_bytes(b"film")


async def add_failed(server: Server, reason: str = "No film in it.") -> int:
    """There must be no other one that waits."""
    video = await add_pending(server.container)
    give_source(server, video.id)
    await server.container.videos.fail(await claimed(server), reason)
    return video.id


async def test_all_videos_are_listed_newest_first(server: Server, admin: httpx.AsyncClient) -> None:
    failed = await add_failed(server)
    waiting = [(await add_pending(server.container)).id for _ in range(3)]
    answer = (await admin.get("admin/videos/")).json()
    assert [record["id"] for record in answer["results"]] == [*reversed(waiting), failed]
    assert (answer["count"], answer["next"], answer["previous"]) == (4, None, None)
    assert answer["results"][3] == (await admin.get(f"admin/videos/{failed}/")).json()


async def test_a_list_is_cut_into_pages(server: Server, admin: httpx.AsyncClient) -> None:
    for _ in range(5):
        await add_pending(server.container)
    found = []
    page: int | None = 1
    while page is not None:
        answer = (await admin.get(f"admin/videos?page={page}&page_size=2")).json()
        assert answer["count"] == 5
        assert answer["previous"] == (page - 1 or None)
        found += [record["id"] for record in answer["results"]]
        page = answer["next"]
    assert found == [5, 4, 3, 2, 1]
    beyond = (await admin.get("admin/videos/?page=9&page_size=2")).json()
    assert (beyond["results"], beyond["next"], beyond["previous"]) == ([], None, 3)


@pytest.mark.parametrize(
    ("page", "count", "expected"),
    [(1, 0, (None, None)), (2, 0, (None, None)), (1, 20, (None, None)), (1, 21, (2, None))],
)
def test_page_numbers(page: int, count: int, expected: tuple[int | None, int | None]) -> None:
    assert page_numbers(page, 20, count) == expected


async def test_a_list_of_one_status(server: Server, admin: httpx.AsyncClient) -> None:
    failed = await add_failed(server)
    waiting = (await add_pending(server.container)).id
    for query, expected in (
        ("status=failed", [failed]),
        ("status=pending", [waiting]),
        ("status=ready", []),
        ("status=&unknown=1", [waiting, failed]),
        ("status=pending&status=failed", [failed]),
    ):
        answer = (await admin.get(f"admin/videos/?{query}")).json()
        assert [record["id"] for record in answer["results"]] == expected, query
        assert answer["count"] == len(expected)


@pytest.mark.parametrize(
    ("query", "field"),
    [
        ("status=lost", "status"),
        ("page=0", "page"),
        ("page=1000001", "page"),
        ("page=one", "page"),
        ("page=%ff", "page"),
        ("page_size=0", "page_size"),
        ("page_size=101", "page_size"),
    ],
)
async def test_a_query_that_is_wrong(admin: httpx.AsyncClient, query: str, field: str) -> None:
    response = await admin.get(f"admin/videos/?{query}")
    assert response.status_code == 400
    assert list(response.json()) == [field]


async def test_progress_and_what_happened_are_shown(
    server: Server, admin: httpx.AsyncClient
) -> None:
    """R42"""
    videos = server.container.videos
    video_id = (await add_pending(server.container)).id
    await videos.give_back(await claimed(server), "Trouble.", pause=60, spent=True)
    record = (await admin.get(f"admin/videos/{video_id}/")).json()
    assert (record["processing_status"], record["processing_error"]) == ("pending", "Trouble.")
    assert record["next_attempt_at"] > record["updated_at"]
    await server.container.job_control.cancel(video_id)
    give_source(server, video_id)
    await server.container.job_control.retry(video_id)
    progress = EncodeProgress("encode", 41.7, 1000, 2.345, 90)
    await videos.renew(await claimed(server), 60, progress)
    record = (await admin.get(f"admin/videos/{video_id}/")).json()
    shown = ("progress", "stage", "frames", "speed", "seconds_left", "attempts", "next_attempt_at")
    assert [record[name] for name in shown] == [41, "encode", 1000, 2.35, 90, 1, None]


async def test_cancel(server: Server, admin: httpx.AsyncClient) -> None:
    video_id = (await add_pending(server.container)).id
    response = await admin.post(f"admin/videos/{video_id}/cancel/", json={})
    assert response.status_code == 200
    record = response.json()
    assert record["processing_status"] == "failed"
    assert record["processing_error"] == "Cancelled by an admin."
    assert record == (await admin.get(f"admin/videos/{video_id}/")).json()
    again = await admin.post(f"admin/videos/{video_id}/cancel", headers=JSON)
    assert again.status_code == 409
    for unknown in ("99", "0", "x", "99999999999"):
        response = await admin.post(f"admin/videos/{unknown}/cancel/", json={})
        assert response.status_code == 404


async def test_retry(server: Server, admin: httpx.AsyncClient) -> None:
    """R42"""
    video_id = await add_failed(server)
    response = await admin.post(f"admin/videos/{video_id}/retry/", json={})
    assert response.status_code == 200
    record = response.json()
    assert (record["processing_status"], record["attempts"]) == ("pending", 0)
    again = await admin.post(f"admin/videos/{video_id}/retry", headers=JSON)
    assert again.status_code == 409
    assert again.json() == {"detail": "Only a video that has failed can be tried again."}
    assert (await admin.post("admin/videos/99/retry/", json={})).status_code == 404
    await server.container.job_control.cancel(video_id)
    server.container.media.source(video_id).unlink()
    gone = await admin.post(f"admin/videos/{video_id}/retry/", json={})
    assert gone.status_code == 409
    assert "no longer kept" in gone.json()["detail"]


async def test_retry_of_all_and_of_some(server: Server, admin: httpx.AsyncClient) -> None:
    ids = [await add_failed(server) for _ in range(3)]
    some = await admin.post("admin/videos/retry/", json={"ids": [ids[1], 99]})
    assert some.status_code == 200
    assert some.json() == {
        "retried": [ids[1]],
        "refused": [{"id": 99, "detail": "There is no such video."}],
        "remaining": 0,
    }
    nothing = (await admin.post("admin/videos/retry/", json={"ids": []})).json()
    assert nothing == {"retried": [], "refused": [], "remaining": 0}
    rest = (await admin.post("admin/videos/retry", headers=JSON)).json()
    assert rest == {"retried": [ids[0], ids[2]], "refused": [], "remaining": 0}


@pytest.mark.parametrize(
    "ids", ["1", 1, [0], ["1"], [True], [1.5], [10**10], list(range(1, BULK_MAX + 2))]
)
async def test_ids_that_are_none(admin: httpx.AsyncClient, ids: object) -> None:
    response = await admin.post("admin/videos/retry/", json={"ids": ids})
    assert response.status_code == 400
    assert list(response.json()) == ["ids"]


async def test_a_body_sent_with_a_look_at_the_list_is_dropped(admin: httpx.AsyncClient) -> None:
    body = b"x" * 3_000_000
    response = await admin.request("GET", "admin/videos/", content=body)
    assert response.status_code == 200
    assert (await admin.get("admin/videos/")).status_code == 200
