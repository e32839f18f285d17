"""R4, R5: too many tries are refused, for the one who tries."""

import asyncio
import itertools
import re
from collections.abc import AsyncIterator

import httpx
import pytest
from structlog.testing import capture_logs

from tests.handlers.conftest import changed, site
from tests.handlers.queries import Queries
from tests.handlers.site import PASSWORD, Server, login
from tests.videoflix.relay import relayed
from tests.videoflix.waiting import until
from videoflix.settings import LimitSettings, Settings

EMAIL = "member@example.com"
RIGHT = {"email": EMAIL, "password": PASSWORD}
WRONG = {"email": EMAIL, "password": "wrong-Harbour-1"}
JSON = {"Content-Type": "application/json"}
PROXY = {"trusted_proxies": ("127.0.0.1",)}


@pytest.fixture
def limited(settings: Settings) -> Settings:
    """The limits as they are by default, behind a proxy that names the client."""
    return changed(settings, limits=LimitSettings().model_dump(), server=PROXY)


@pytest.fixture
async def guarded(limited: Settings) -> AsyncIterator[Server]:
    async with site(limited) as server:
        await server.add_user(EMAIL)
        yield server


def of(address: str) -> dict[str, str]:
    """The headers of a client at this address."""
    return {"X-Forwarded-For": address}


async def tries(
    client: httpx.AsyncClient, body: dict[str, str], count: int, address: str = "192.0.2.1"
) -> list[int]:
    return [
        (await client.post("login/", json=body, headers=of(address))).status_code
        for _ in range(count)
    ]


async def test_r4_the_eleventh_failed_login(guarded: Server) -> None:
    async with guarded.client() as client, guarded.client() as owner:
        assert await tries(client, WRONG, 10) == [400] * 10
        refused = await client.post("login/", json=WRONG, headers=of("192.0.2.1"))
        assert refused.status_code == 429
        pause = int(refused.headers["Retry-After"])
        assert 0 < pause <= 15 * 60
        assert refused.json() == {"detail": f"Too many tries. Try again in {pause} seconds."}
        # The right password does not help, which would tell that it was right.
        assert await tries(client, RIGHT, 1) == [429]
        # The owner elsewhere still signs in, and so do others from here.
        assert await tries(owner, RIGHT, 1, "198.51.100.7") == [200]
        await guarded.add_user("neighbour@example.com")
        assert await tries(client, {**RIGHT, "email": "neighbour@example.com"}, 1) == [200]


async def test_r4_a_refusal_does_not_tell_whether_there_is_an_account(guarded: Server) -> None:
    answers = []
    async with guarded.client() as client:
        for email in (EMAIL, "unknown@example.com"):
            body = {**WRONG, "email": email}
            statuses = await tries(client, body, 11)
            last = await client.post("login/", json=body, headers=of("192.0.2.1"))
            answers.append((statuses, re.sub(r"\d+", "N", last.text)))
    assert answers[0] == answers[1]


async def test_r4_a_refused_login_costs_no_work(limited: Settings) -> None:
    """Neither the database nor bcrypt: the account is looked for before its password is."""
    queries = Queries()
    async with site(limited, [queries]) as server, server.client() as client:
        await tries(client, WRONG, 10)
        assert "find users" in queries.take()
        assert await tries(client, WRONG, 5) == [429] * 5
        assert queries.take() == []


async def test_r4_tries_at_once_do_not_get_past_the_limit(guarded: Server) -> None:
    async with guarded.client() as client:
        found = await asyncio.gather(*(tries(client, WRONG, 1) for _ in range(30)))
    assert sorted(itertools.chain(*found)) == [400] * 10 + [429] * 20


async def test_r4_every_way_to_write_an_address_is_one_account(guarded: Server) -> None:
    async with guarded.client() as client:
        for email in (EMAIL, EMAIL.upper(), f" {EMAIL} ", "Member@EXAMPLE.com", EMAIL):
            assert await tries(client, {**WRONG, "email": email}, 2) == [400, 400]
        assert await tries(client, RIGHT, 1) == [429]


async def test_r4_a_success_forgets_the_failures(guarded: Server) -> None:
    async with guarded.client() as client:
        for _ in range(2):
            assert await tries(client, WRONG, 9) == [400] * 9
            assert await tries(client, RIGHT, 1) == [200]


async def test_r4_counters_survive_a_restart(limited: Settings) -> None:
    for expected in ([400] * 6, [400] * 4 + [429] * 2):
        async with site(limited) as server, server.client() as client:
            assert await tries(client, WRONG, 6) == expected


async def test_r4_the_window_moves_on(limited: Settings) -> None:
    short = changed(limited, limits={"login_failures": 2, "login_minutes": 0.05})
    async with site(short) as server, server.client() as client:
        await server.add_user(EMAIL)
        assert await tries(client, WRONG, 3) == [400, 400, 429]

        async def let_in() -> bool:
            response = await client.post("login/", json=RIGHT, headers=of("192.0.2.1"))
            assert response.status_code == 200 or int(response.headers["Retry-After"]) <= 3
            return response.status_code == 200

        await until(let_in)


async def test_r4_a_wider_limit_for_all_accounts_from_one_address(limited: Settings) -> None:
    narrow = changed(limited, limits={"login_tries": 4})
    async with site(narrow) as server, server.client() as client:
        for number in range(6):
            body = {**WRONG, "email": f"user{number}@example.com"}
            assert await tries(client, body, 1) == [400 if number < 4 else 429]
        assert await tries(client, WRONG, 1, "198.51.100.7") == [400]


async def test_r4_passwords_asked_for_again_count_too(guarded: Server) -> None:
    """A stolen session is no place to guess the password."""
    async with guarded.client(headers=of("192.0.2.1")) as client:
        await login(client, EMAIL)
        new = {"new_password": "another-Harbour-7", "confirm_password": "another-Harbour-7"}
        for number in range(12):
            expected = 400 if number < 10 else 429
            if number % 2:
                body = {"current_password": WRONG["password"], **new}
                response = await client.post("me/password/", json=body)
            else:
                body = {"password": WRONG["password"]}
                response = await client.request("DELETE", "me/", json=body)
            assert response.status_code == expected


async def test_a_refused_new_password_is_no_failure(guarded: Server) -> None:
    async with guarded.client(headers=of("192.0.2.1")) as client:
        await login(client, EMAIL)
        for _ in range(12):
            body = {"new_password": "short", "confirm_password": "short"}
            response = await client.post(
                "me/password/", json={"current_password": PASSWORD, **body}
            )
            assert list(response.json()) == ["new_password"]


ACTIVATION = f"activate/MQ/{'0' * 64}/"
CONFIRMATION = f"password_confirm/MQ/{'0' * 64}/"


@pytest.mark.parametrize(
    ("setting", "method", "path"),
    [
        ("registrations", "POST", "register/"),
        ("password_resets", "POST", "password_reset/"),
        ("links", "GET", ACTIVATION),
        ("links", "POST", CONFIRMATION),
        ("refreshes", "POST", "token/refresh/"),
    ],
)
async def test_r4_other_calls(limited: Settings, setting: str, method: str, path: str) -> None:
    fields = ("password", "confirmed_password", "new_password", "confirm_password")
    numbers = itertools.count()
    async with site(changed(limited, limits={setting: 3})) as server, server.client() as client:

        async def status(address: str) -> int:
            body = {"email": f"user{next(numbers)}@example.com", **dict.fromkeys(fields, PASSWORD)}
            content = None if method == "GET" else body
            headers = {**of(address), "Cookie": "refresh_token=x"}
            return (await client.request(method, path, json=content, headers=headers)).status_code

        found = [await status("192.0.2.1") for _ in range(5)]
        assert 429 not in found[:3]
        assert found[3:] == [429, 429]
        assert await status("198.51.100.7") == found[0]


async def test_r4_one_mailbox_gets_a_few_reset_mails_only(guarded: Server) -> None:
    """Whoever asks, and whether or not there is such an account."""
    async with guarded.client() as client:
        for email in (EMAIL, "unknown@example.com"):
            found = [
                await client.post(
                    "password_reset/", json={"email": email}, headers=of(f"192.0.2.{number}")
                )
                for number in range(7)
            ]
            assert [response.status_code for response in found] == [200] * 5 + [429] * 2


async def test_r5_a_forged_header_resets_no_counter(limited: Settings) -> None:
    """R5: it counts only from configured proxies, and from them only what they added."""
    direct = changed(limited, server={"trusted_proxies": ()})
    async with site(direct) as server, server.client() as client:
        found = [await tries(client, WRONG, 1, f"192.0.2.{number}") for number in range(11)]
        assert found[10] == [429]
    async with site(limited) as server, server.client() as client:
        found = [
            await tries(client, WRONG, 1, f"192.0.2.{number}, 203.0.113.9") for number in range(11)
        ]
        assert found[9:] == [[400], [429]]


async def test_r5_an_ipv6_network_is_one_client(guarded: Server) -> None:
    async with guarded.client() as client:
        found = [await tries(client, WRONG, 1, f"2001:db8:1:1::{number:x}") for number in range(11)]
        assert found[9:] == [[400], [429]]
        assert await tries(client, WRONG, 1, "2001:db8:1:2::1") == [400]


async def test_r4_without_redis_everybody_gets_in(limited: Settings) -> None:
    """Fails open: logged once for a while, counted; and counts again once Redis is back."""
    async with relayed(limited.redis.url) as (relay, url):
        away = changed(limited, redis={"url": url, "timeout": 0.5})
        async with site(away) as server, server.client() as client:
            await server.add_user(EMAIL)
            await relay.cut()
            with capture_logs() as logs:
                assert await tries(client, WRONG, 12) == [400] * 12
                assert await tries(client, RIGHT, 1) == [200]
            assert [entry["event"] for entry in logs].count("tries are not counted") in range(1, 5)
            assert server.container.limits.unchecked == 26
            await relay.mend()

            async def refused() -> bool:
                return await tries(client, WRONG, 1) == [429]

            await until(refused)


async def test_limits_can_be_turned_off(limited: Settings) -> None:
    off = changed(limited, limits={"enabled": False})
    async with site(off) as server, server.client() as client:
        assert await tries(client, WRONG, 12) == [400] * 12


def test_there_are_bounds() -> None:
    for name, value in (("login_failures", 0), ("login_tries", -1), ("login_minutes", 0)):
        with pytest.raises(ValueError, match=name):
            LimitSettings.model_validate({name: value})
