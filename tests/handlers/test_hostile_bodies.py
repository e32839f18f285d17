"""Random JSON bodies for every account call: never a 5xx, and no question to the database for a
wrong type. ``make fuzz`` sends more of them."""

import asyncio
import itertools
import json
import operator
import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

import httpx
import hypothesis
import pytest
from hypothesis import HealthCheck, Phase, given
from hypothesis import strategies as st

from tests.handlers.conftest import site
from tests.handlers.queries import Queries
from tests.handlers.site import PASSWORD, Server, login
from videoflix.settings import Settings

BODIES = int(os.environ.get("BODIES", "100"))
TEXT_MAX = 1000
BODY_MAX = 900_000  # the server takes a megabyte
HUGE = 100_000
JSON = {"Content-Type": "application/json"}
OPERATORS = [
    {"$ne": None},
    {"$regex": ".*"},
    {"$gt": ""},
    {"$where": "sleep(1000)"},
    {"$in": ["user@example.com"]},
]
MORE = {"is_staff": True, "role": "admin", "_id": 1, "$set": {"is_staff": True}, "": None}


@dataclass(frozen=True)
class Call:
    """One call and the fields that it needs. ``cookie`` is the one that it lives on."""

    method: str
    path: str
    fields: tuple[str, ...]
    cookie: str = ""

    def __str__(self) -> str:
        return f"{self.method}-{self.path.partition('0')[0]}"


CALLS = [
    Call("POST", "register/", ("email", "password", "confirmed_password")),
    Call("POST", "login/", ("email", "password")),
    Call("POST", "logout/", (), "refresh_token"),
    Call("POST", "token/refresh/", (), "refresh_token"),
    Call("POST", "password_reset/", ("email",)),
    Call("POST", f"password_confirm/MQ/{'0' * 64}/", ("new_password", "confirm_password")),
    Call(
        "POST",
        "me/password/",
        ("current_password", "new_password", "confirm_password"),
        "access_token",
    ),
    Call("DELETE", "me/", ("password",), "access_token"),
    Call("DELETE", f"me/sessions/{'0' * 32}/", (), "access_token"),
]

texts = st.text(st.characters(), max_size=20)  # lone surrogates and NUL included
huge = st.builds(
    operator.mul, st.text(st.characters(), min_size=1, max_size=4), st.integers(1, HUGE)
)
scalars = st.none() | st.booleans() | st.integers() | st.floats() | texts
values = st.recursive(
    scalars | st.sampled_from(OPERATORS),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(texts, inner, max_size=4),
    max_leaves=6,
)
plausible = ["a@b", "other-Harbour-43", " ", "\0"]


def nested(depth: int, field: str) -> bytes:
    return b'{"%s":%s%s}' % (field.encode(), b"[" * depth, b"]" * depth)


def encoded(value: object, is_escaped: bool) -> bytes:
    """JSON; surrogates as escapes, or as bytes that are no UTF-8."""
    return json.dumps(value, ensure_ascii=is_escaped).encode("utf-8", "surrogatepass")


def bodies(call: Call) -> st.SearchStrategy[bytes]:
    # A reset mail that is sent would query the database later, beside another request.
    is_reset = call.path.startswith("password_reset")
    likely = st.sampled_from(plausible if is_reset else ["user@example.com", *plausible])
    field = values | likely | likely | huge
    known = st.fixed_dictionaries({}, optional=dict.fromkeys(call.fields, field))
    complete = st.fixed_dictionaries(dict.fromkeys(call.fields, field))
    more = st.dictionaries(st.sampled_from(list(MORE)) | texts, values, max_size=3)
    right = st.fixed_dictionaries(dict.fromkeys(call.fields, likely | texts))
    objects = st.builds(operator.or_, more, known | complete | right)
    json_bodies = st.builds(encoded, objects | objects | values | huge, st.booleans())
    deep = st.builds(nested, st.integers(1, HUGE), st.sampled_from([*call.fields, "x"]))
    return (json_bodies | json_bodies | json_bodies | st.binary(max_size=200) | deep).filter(
        lambda body: len(body) <= BODY_MAX
    )


def is_right(body: bytes, call: Call) -> bool:
    """Whether the body is an object with a text in each field: another opinion than pydantic's."""
    try:
        value = json.loads(body if body.strip() else b"{}")
    except (ValueError, RecursionError):
        return False
    return isinstance(value, dict) and all(
        isinstance(text := value.get(name), str)
        and 1 <= len(text) <= TEXT_MAX
        and not any("\ud800" <= character <= "\udfff" for character in text)
        for name in call.fields
    )


@dataclass(frozen=True)
class Target:
    """A server, a connection to it that stays open, and what it asks its database."""

    server: Server
    client: httpx.AsyncClient
    queries: Queries
    cookies: dict[str, str]

    async def status(self, call: Call, body: bytes) -> int:
        headers = dict(JSON)
        if call.cookie:
            headers["Cookie"] = f"{call.cookie}={self.cookies[call.cookie]}"
        self.client.cookies.clear()
        self.queries.take()
        response = await self.client.request(call.method, call.path, content=body, headers=headers)
        return response.status_code


@asynccontextmanager
async def opened(own: Settings) -> AsyncIterator[Target]:
    queries = Queries()
    async with site(own, [queries]) as server, server.client() as client:
        await server.add_user("member@example.com")
        await login(client, "member@example.com")
        cookies = {"access_token": client.cookies["access_token"], "refresh_token": "x"}
        yield Target(server, client, queries, cookies)


@pytest.fixture
async def target(settings: Settings) -> AsyncIterator[Target]:
    async with opened(settings) as found:
        yield found


def random_bodies(call: Call, count: int) -> list[bytes]:
    """Made before there is a server: Hypothesis wants nobody else to use ``random`` meanwhile."""
    made: list[bytes] = []

    @hypothesis.settings(
        max_examples=count,
        deadline=None,
        database=None,
        phases=[Phase.generate],
        # A hundred thousand characters take their time.
        suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
    )
    @given(body=bodies(call))
    def keep(body: bytes) -> None:
        made.append(body)

    keep()
    return made


@pytest.mark.parametrize("call", CALLS, ids=str)
async def test_r12_random_bodies(settings: Settings, call: Call) -> None:
    """R12: never a 5xx; 400 without a query where the types are wrong."""
    made = random_bodies(call, BODIES)
    async with opened(settings) as target:
        for body in made:
            status = await target.status(call, body)
            asked = target.queries.take()
            assert status < 500, body
            if not is_right(body, call):
                assert (status, asked) == (400, []), body
            elif call.cookie == "refresh_token":
                # 400: an object deeper than what the server reads.
                assert status in (400, 401), body
                assert asked == [], body


WRONG = [*OPERATORS, ["a"], 1, 1.5, True, None, "", "a" * 1001, "\ud800"]


@pytest.mark.parametrize("call", [call for call in CALLS if call.fields], ids=str)
async def test_r12_no_query_for_a_wrong_type(target: Target, call: Call) -> None:
    """R12: in each field alone, with the others as they should be."""
    for field, value in itertools.product(call.fields, WRONG):
        body = {**dict.fromkeys(call.fields, PASSWORD), field: value}
        assert await target.status(call, encoded(body, is_escaped=True)) == 400
        assert target.queries.take() == []


async def test_the_queries_of_right_bodies_are_counted(target: Target) -> None:
    """Else the tests above could not fail."""
    for call in CALLS:
        if call.fields:
            body = dict.fromkeys(call.fields, PASSWORD) | {"email": "user@example.com"}
            assert await target.status(call, encoded(body, is_escaped=True)) < 500
            assert target.queries.take() != []


async def test_twenty_registrations_at_once_make_one_account(target: Target) -> None:
    """One 201, one mail, nineteen refusals."""
    body = {"email": "user@example.com", "password": PASSWORD, "confirmed_password": PASSWORD}
    async with target.server.client() as client:
        answers = await asyncio.gather(
            *(client.post("register/", json=body) for _ in range(20)),
        )
    assert sorted(answer.status_code for answer in answers) == [201] + [400] * 19
    assert len(target.server.mails()) == 1
    assert len(await target.server.container.users.list_all()) == 2
