"""What admins find, and change of what is said of a film."""

import asyncio

import httpx
import pytest

from tests.handlers.films import add_pending
from tests.handlers.site import Server
from tests.handlers.streams import events
from videoflix.models import CATEGORY_SUGGESTIONS, VideoDetails

TITLES = (
    ("apple", "A tree's (best) fruit.", "Trees"),
    ("Zebra", "Black and white.", "Animals"),
    ("Äpfel", "100 % fruit; a+b.", "Soulfood"),
    ("banana", "", ""),
)


async def add(server: Server, title: str, description: str = "", category: str = "") -> int:
    videos = server.container.videos
    details = VideoDetails(title, description, category)
    video_id = await videos.next_id()
    return (await videos.add(video_id, details, source_size=1, has_own_thumbnail=False)).id


@pytest.fixture
async def films(server: Server) -> dict[str, int]:
    return {title: await add(server, title, *rest) for title, *rest in TITLES}


async def found(admin: httpx.AsyncClient, **query: str | int) -> list[str]:
    response = await admin.get("admin/videos/", params=query)
    assert response.status_code == 200
    results = response.json()["results"]
    assert response.json()["count"] >= len(results)
    return [record["title"] for record in results]


async def test_search_finds_every_word_wherever_it_is(
    films: dict[str, int], admin: httpx.AsyncClient
) -> None:
    assert films
    for search, expected in (
        ("FRUIT", {"apple", "Äpfel"}),
        ("äPF", {"Äpfel"}),
        ("fruit trees", {"apple"}),
        (" trees  apple ", {"apple"}),
        ("soul", {"Äpfel"}),
        ("fruit zebra", set()),
    ):
        assert set(await found(admin, search=search)) == expected, search


async def test_r12_nothing_in_a_search_is_an_operator(
    films: dict[str, int], admin: httpx.AsyncClient
) -> None:
    """R12"""
    assert films
    for search, expected in [
        (".*", []),
        ("^a", []),
        ("(best)", ["apple"]),
        ("a+b", ["Äpfel"]),
        ("%", ["Äpfel"]),
        ("[", []),
        ("\\", []),
        ("$where", []),
        ("q\0fruit", []),
        ('{"$ne":null}', []),
    ]:
        assert await found(admin, search=search) == expected, search


async def test_lists_are_sorted_and_filtered(
    films: dict[str, int], admin: httpx.AsyncClient
) -> None:
    by_time = [title for title, *_ in TITLES]
    by_title = ["Äpfel", "apple", "banana", "Zebra"]
    assert await found(admin) == by_time[::-1]
    assert await found(admin, sort="-created_at") == by_time[::-1]
    assert await found(admin, sort="created_at") == by_time
    # Titles that differ in an accent or in case alone stand beside each other.
    listed = await found(admin, sort="title")
    assert (sorted(listed[:2]), listed[2:]) == (sorted(by_title[:2]), by_title[2:])
    assert await found(admin, sort="-title") == listed[::-1]
    await admin.patch(f"admin/videos/{films['apple']}/", json={"description": "Green fruit."})
    assert (await found(admin, sort="-updated_at"))[0] == "apple"
    assert (await found(admin, sort="updated_at"))[-1] == "apple"
    assert await found(admin, category="Animals") == ["Zebra"]
    assert await found(admin, category="animals") == []
    assert await found(admin, category="Trees", search="green", status="pending") == ["apple"]
    pages = [await found(admin, sort="title", page_size=3, page=page) for page in (1, 2)]
    assert [*pages[0], *pages[1]] == listed


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ({"sort": "email"}, {"sort": ["Not a valid choice."]}),
        ({"sort": "$natural"}, {"sort": ["Not a valid choice."]}),
        (
            {"search": "x" * 101},
            {"search": ["Ensure this field has no more than 100 characters."]},
        ),
        (
            {"category": "x" * 51},
            {"category": ["Ensure this field has no more than 50 characters."]},
        ),
    ],
)
async def test_a_list_that_cannot_be_asked_for(
    admin: httpx.AsyncClient, query: dict[str, str], expected: dict[str, list[str]]
) -> None:
    response = await admin.get("admin/videos/", params=query)
    assert response.status_code == 400
    assert response.json() == expected


async def test_categories_that_are_offered_and_those_in_use(
    films: dict[str, int], server: Server, admin: httpx.AsyncClient
) -> None:
    assert films
    await add(server, "Another zebra", "", "Animals")
    answer = (await admin.get("admin/categories/")).json()
    assert answer["suggestions"] == list(CATEGORY_SUGGESTIONS)
    assert answer["in_use"] == ["Animals", "Soulfood", "Trees"]


async def test_an_edit_changes_what_it_names_and_tells_who_listens(
    server: Server, admin: httpx.AsyncClient
) -> None:
    before = await add_pending(server.container, "A film")
    async with events(admin) as stream:
        await stream.video(before.id, title="A film")
        response = await admin.patch(
            f"admin/videos/{before.id}/", json={"title": " New\u00a0name "}
        )
        assert response.status_code == 200
        record = response.json()
        await stream.video(before.id, title="New\u00a0name")
    assert (record["title"], record["category"]) == ("New\u00a0name", before.category)
    assert record["description"] == before.description
    assert record["updated_at"] > record["created_at"]
    assert record == (await admin.get(f"admin/videos/{before.id}/")).json()
    await asyncio.gather(
        admin.patch(f"admin/videos/{before.id}/", json={"description": "a\r\nb"}),
        admin.patch(f"admin/videos/{before.id}", json={"category": ""}),
    )
    record = (await admin.get(f"admin/videos/{before.id}/")).json()
    assert [record[name] for name in ("title", "description", "category")] == [
        "New\u00a0name",
        "a\nb",
        "",
    ]


async def test_r12_an_edit_that_is_wrong_changes_nothing(
    server: Server, admin: httpx.AsyncClient
) -> None:
    """R12"""
    video_id = (await add_pending(server.container)).id
    before = (await admin.get(f"admin/videos/{video_id}/")).json()
    for body, field in [
        ({"title": ""}, "title"),
        ({"title": "   "}, "title"),
        ({"title": "x" * 151}, "title"),
        ({"title": "a\nb"}, "title"),
        ({"description": "x" * 5001}, "description"),
        ({"category": "x" * 51}, "category"),
        ({"title": None}, "title"),
        ({"title": {"$ne": ""}}, "title"),
        ({"title": ["A"]}, "title"),
        ({"category": 7}, "category"),
        ([], "non_field_errors"),
    ]:
        response = await admin.patch(f"admin/videos/{video_id}/", json=body)
        assert response.status_code == 400
        assert list(response.json()) == [field], body
        assert (await admin.get(f"admin/videos/{video_id}/")).json() == before


async def test_r13_an_edit_sets_nothing_but_what_is_said_of_a_film(
    server: Server, admin: httpx.AsyncClient
) -> None:
    """R13"""
    video_id = (await add_pending(server.container)).id
    before = (await admin.get(f"admin/videos/{video_id}/")).json()
    body = {"_id": 99, "id": 99, "status": "ready", "processing_status": "ready", "$set": {"a": 1}}
    body |= {"generation": "../x", "has_own_thumbnail": True, "created_at": "2000-01-01T00:00:00Z"}
    response = await admin.patch(f"admin/videos/{video_id}/", json=body)
    assert (response.status_code, response.json()) == (200, before)
    assert (await admin.patch("admin/videos/99/", json={"title": "B"})).status_code == 404
    assert (await admin.patch("admin/videos/x/", json={"title": "B"})).status_code == 404
