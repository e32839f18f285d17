"""The catalogue when it is large: categories, long titles, films without a picture, and the way
back to where one was."""

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
from pymongo import MongoClient
from pymongo.database import Database

from tests.pages.house import MEMBER, House
from tests.pages.page import Page
from videoflix.adapters.mongo.catalogue_version import CATALOGUE
from videoflix.adapters.mongo.database import COUNTERS
from videoflix.adapters.mongo.video_records import VIDEOS

COUNT, FIRST_ID = 300, 10_000
CATEGORIES = ("Trees", "Water", "Mountains", "A category with a rather long name for a chip", "")
LONG = "A film whose title goes on and on and is by no means short, " * 2
SHOWN = "document.querySelectorAll('.grid .film').length"
TOP = "Math.round(window.scrollY)"


@pytest.fixture
def many(house: House, films: None) -> Iterator[None]:  # noqa: ARG001 -- of which it makes more
    """Some hundred films more, older than those that are there, two thirds of them in one category;
    every fifth has no picture."""
    settings = house.container.settings.mongo
    media = house.container.media
    picture = media.thumbnail(1).read_bytes()
    with MongoClient[dict[str, Any]](settings.uri.get_secret_value()) as client:
        videos = client[settings.database][VIDEOS]
        film = videos.find_one({"_id": 1})
        assert film is not None
        added = [
            film
            | {
                "_id": FIRST_ID + number,
                "title": LONG if number % 7 == 0 else f"Film number {number}",
                "category": CATEGORIES[number % 15 if number % 15 < len(CATEGORIES) else 0],
                "created_at": film["created_at"] - timedelta(hours=number + 1),
            }
            for number in range(COUNT)
        ]
        for number in range(COUNT):
            if number % 5:
                media.thumbnail(FIRST_ID + number).write_bytes(picture)
        videos.insert_many(added)
        tell(client[settings.database])
        yield
        videos.delete_many({"_id": {"$gte": FIRST_ID}})
        tell(client[settings.database])


def tell(database: Database[dict[str, Any]]) -> None:
    """As every store does that changes the catalogue."""
    database[COUNTERS].update_one({"_id": CATALOGUE}, {"$inc": {"value": 1}})


def scroll_down(shown: Page) -> int:
    """To the end, as it is now; where that is."""
    shown.run("window.scrollTo(0, document.body.scrollHeight)")
    place: int = shown.value(TOP)
    return place


def test_hundreds_of_films(house: House, shown: Page, many: None) -> None:  # noqa: ARG001
    house.let_in(shown, MEMBER)
    shown.find(".hero")
    titles = shown.value("[...document.querySelectorAll('.shelf h2')].map((e) => e.textContent)")
    assert titles == ["New", *sorted([*CATEGORIES[:-1], "Drama"]), "More films"]
    assert shown.value("document.querySelectorAll('.film').length") < COUNT / 2
    shown.look("catalogue-large")
    shown.find(".chip[href*=Trees]", "220")
    all_trees = shown.find(".all", "All 220")
    shown.run("arguments[0].scrollIntoView({block: 'center', behavior: 'instant'})", all_trees)
    place = shown.value(TOP)
    assert place > 400
    all_trees.click()
    shown.heading("Trees")
    shown.find(".over", "220 films")
    assert shown.value(TOP) == 0
    assert 0 < shown.value(SHOWN) < 220
    shown.look("category")
    shown.until(lambda: scroll_down(shown) and shown.value(SHOWN) == 220, "all of them")
    deep = scroll_down(shown)
    shown.run("location.hash = '#/watch/1'")
    shown.find(".player")
    assert shown.value(TOP) == 0
    shown.run("history.back()")
    shown.heading("Trees")
    shown.until(lambda: abs(shown.value(TOP) - deep) < 50, f"back at {deep}")
    shown.run("history.back()")
    shown.until(lambda: shown.value("document.querySelector('.hero')") is not None, "all films")
    shown.until(lambda: abs(shown.value(TOP) - place) < 50, f"back at {place}")
    shown.fill(search="number 29")
    shown.find("h2", "films found")
    shown.log()  # has told of pictures that are not there


def test_a_category_that_is_not_there(house: House, shown: Page) -> None:
    for name in ("Nothing", "%25", "%"):
        house.let_in(shown, MEMBER, f"/#/category/{name}")
        shown.find(".empty", "There are no films in it.")
    shown.press("All films")
    shown.find(".hero")
    shown.assert_clean()
