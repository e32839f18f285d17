"""The services and settings that all tests share are real and apart from each other."""

from pymongo import MongoClient
from redis import Redis

from videoflix.container import Container
from videoflix.settings import Settings


def test_database_and_queue_answer(settings: Settings) -> None:
    with MongoClient[dict[str, int]](settings.mongo.uri.get_secret_value()) as client:
        table = client[settings.mongo.database]["numbers"]
        table.insert_one({"_id": 1})
        assert table.count_documents({}) == 1
    with Redis.from_url(settings.redis.url.get_secret_value()) as queue:
        assert queue.dbsize() == 0
        queue.set("left", "over")


def test_nothing_is_left_of_another_test(settings: Settings) -> None:
    with MongoClient[dict[str, int]](settings.mongo.uri.get_secret_value()) as client:
        assert client[settings.mongo.database].list_collection_names() == []
    with Redis.from_url(settings.redis.url.get_secret_value()) as queue:
        assert queue.dbsize() == 0


async def test_container_works_on_them(container: Container) -> None:
    user = await container.accounts.create("a@videoflix.example", "correct horse 17", is_staff=True)
    found = await container.users.find(user.id)
    assert found is not None
    assert found.is_staff
    assert await container.catalogue.list_ready() == []
