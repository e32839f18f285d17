"""One call for all who want its result at the same time."""

import asyncio

import pytest

from videoflix.coalesced import Coalesced


class Source:
    """A value that can change, and reads of it that end when they are told to."""

    def __init__(self) -> None:
        self.value = 0
        self.reads = 0
        self.release = asyncio.Event()

    async def read(self) -> int:
        self.reads += 1
        found = self.value
        await self.release.wait()
        if found < 0:
            raise ValueError(found)
        return found


async def asked(calls: Coalesced[int], count: int) -> list[asyncio.Task[int]]:
    tasks = [asyncio.create_task(calls()) for _ in range(count)]
    for _ in range(5):
        await asyncio.sleep(0)
    return tasks


async def test_who_asks_while_a_read_runs_gets_what_was_read_after_they_asked() -> None:
    source = Source()
    calls = Coalesced(source.read)
    first = await asked(calls, 3)
    source.value = 1
    second = await asked(calls, 20)
    assert source.reads == 1
    source.release.set()
    assert await asyncio.gather(*first) == [0] * 3
    assert await asyncio.gather(*second) == [1] * 20
    assert source.reads == 2
    source.value = 2
    assert await calls() == 2


async def test_one_who_leaves_takes_nobody_along() -> None:
    source = Source()
    calls = Coalesced(source.read)
    leaving, staying = await asked(calls, 2)
    leaving.cancel()
    source.release.set()
    assert await staying == 0
    assert leaving.cancelled()


async def test_after_an_error_it_is_tried_again() -> None:
    source = Source()
    source.value = -1
    source.release.set()
    calls = Coalesced(source.read)
    for task in await asked(calls, 2):
        with pytest.raises(ValueError, match="-1"):
            await task
    source.value = 3
    assert await calls() == 3
