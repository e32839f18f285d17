"""Which passwords are accepted, and how they are kept."""

import asyncio
from collections.abc import AsyncIterator
from concurrent.futures import Future, ThreadPoolExecutor
from functools import partial
from typing import Any

import pytest

from videoflix.accounts.passwords import (
    RUNNING_MAX,
    PasswordHasher,
    open_hasher,
    password_problems,
)
from videoflix.errors import ServiceUnavailable

EMAIL = "anna.smith@example.com"


@pytest.fixture
async def hasher() -> AsyncIterator[PasswordHasher]:
    async with open_hasher(4) as opened:
        yield opened


@pytest.mark.parametrize(
    ("password", "reason"),
    [
        ("short-7", "at least 8"),
        ("x" * 129, "at most 128"),
        ("1029384756012", "digits only"),
        ("password1", "too common"),
        ("PassWord1", "too common"),
        ("baseball1", "too common"),
        (EMAIL, "similar"),
        ("anna.smith", "similar"),
        ("Anna.Smith1", "similar"),
        ("example.com", "similar"),
    ],
)
def test_refused(password: str, reason: str) -> None:
    assert any(reason in problem for problem in password_problems(password, EMAIL))


@pytest.mark.parametrize(
    "password",
    ["quiet-Harbour-42", "ü" * 37, "🎬" * 8, "correct horse battery", "x" * 73, "Xq7-" * 32],
)
def test_accepted(password: str) -> None:
    assert password_problems(password, EMAIL) == []


async def test_r1_any_length_and_every_byte_of_it_counts(hasher: PasswordHasher) -> None:
    """R1."""
    for password in ("a" * 73, "ü" * 37, "x" * 10_000, "", "\0", "a\0b", "\ud800"):
        kept = await hasher.hash(password)
        assert await hasher.verify(password, kept)
        assert not await hasher.verify(password + "x", kept)
    assert not await hasher.verify("a" * 72 + "b", await hasher.hash("a" * 73))


async def test_a_flood_is_turned_away_and_those_inside_are_served() -> None:
    with ThreadPoolExecutor(1) as executor:
        hasher = PasswordHasher(4, executor)
        tries = [hasher.verify("quiet-Harbour-42", None) for _ in range(RUNNING_MAX + 5)]
        answers = await asyncio.gather(*tries, return_exceptions=True)
        assert answers[:RUNNING_MAX] == [False] * RUNNING_MAX
        assert all(isinstance(answer, ServiceUnavailable) for answer in answers[RUNNING_MAX:])
        assert await hasher.verify("quiet-Harbour-42", None) is False


async def test_r2_without_a_hash_nothing_matches(hasher: PasswordHasher) -> None:
    """R2: the same work is done, and no password is right."""
    for password in ("", "." * 31, "quiet-Harbour-42"):
        assert await hasher.verify(password, None) is False


class Watched(ThreadPoolExecutor):
    """Threads that remember what they were given to do."""

    def __init__(self) -> None:
        super().__init__(1)
        self.calls: list[partial[Any]] = []

    def submit(  # type: ignore[override]  # typed as its user calls it
        self, call: "partial[Any]", /
    ) -> "Future[Any]":
        self.calls.append(call)
        return super().submit(call)


async def test_r2_a_dummy_hash_is_verified() -> None:
    """R2: the same function on a hash of the same form and cost, which bcrypt takes as one."""
    with Watched() as executor:
        hasher = PasswordHasher(5, executor)
        kept = await hasher.hash("quiet-Harbour-42")
        executor.calls.clear()
        for known in (kept, None):
            assert await hasher.verify("wrong-Harbour-1", known) is False
        real, dummy = executor.calls
    assert real.func == dummy.func
    assert real.args == ("wrong-Harbour-1", kept)
    password, hashed = dummy.args
    assert password == "wrong-Harbour-1"
    assert hashed[:7] == kept[:7] == "$2b$05$"
    assert len(hashed) == len(kept)
    assert hashed != kept


async def test_the_dummy_costs_what_a_hash_costs() -> None:
    async with open_hasher(5) as hasher:
        kept = await hasher.hash("quiet-Harbour-42")
        assert kept.startswith("$2b$05$")
        assert not hasher.is_outdated(kept)
        assert len(kept) == 60
    async with open_hasher(6) as dearer:
        assert dearer.is_outdated(kept)
        assert await dearer.verify("quiet-Harbour-42", kept)


async def test_r3_the_event_loop_goes_on_while_passwords_are_hashed() -> None:
    """R3: other work goes on before all of many hashes are ready. On the loop itself they would
    take one or two turns of it, however slow the machine is."""
    async with open_hasher(12) as hasher:
        hashing = [asyncio.create_task(hasher.hash("quiet-Harbour-42")) for _ in range(6)]
        turns = 0
        while not all(task.done() for task in hashing):
            await asyncio.sleep(0)
            turns += 1
        assert turns > 10
        await asyncio.gather(*hashing)
