"""R6 to R10: what a session's cookies open, and until when."""

import asyncio
import base64
import json
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import jwt
import pytest

from tests.handlers.site import PASSWORD, Server, link_of, login
from videoflix.accounts.tokens import signing_key

JSON = {"Content-Type": "application/json"}


async def status_with(server: Server, token: str) -> int:
    async with server.client() as client:
        response = await client.get("video/", headers={"Cookie": f"access_token={token}"})
    return response.status_code


def changed(token: str, key: bytes, *, drop: str = "", **claims: Any) -> str:
    """The token with other claims, signed with ``key`` under the same header."""
    header = jwt.get_unverified_header(token)
    values = jwt.decode(token, options={"verify_signature": False})
    values.update(claims)
    values.pop(drop, None)
    return jwt.encode(values, key, "HS256", headers={"kid": header["kid"]})


def unsigned(token: str) -> str:
    _, payload, _ = token.split(".")
    header = base64.urlsafe_b64encode(json.dumps({"alg": "none", "typ": "JWT"}).encode())
    return f"{header.decode().rstrip('=')}.{payload}."


@pytest.fixture
def key(server: Server) -> bytes:
    return signing_key(server.container.settings.auth.secret_key.get_secret_value())


async def test_r6_forged_tokens(server: Server, key: bytes) -> None:
    """R6: only our algorithm, our key, and every claim that is needed."""
    async with server.signed_in() as client:
        token = client.cookies["access_token"]
    assert await status_with(server, token) == 200
    assert await status_with(server, changed(token, key)) == 200  # the key is the right one
    kid = jwt.get_unverified_header(token)["kid"]
    claims = jwt.decode(token, options={"verify_signature": False})
    past = datetime.now(UTC) - timedelta(minutes=1)
    forged = [
        unsigned(token),
        changed(token, b"x" * 32),
        jwt.encode(claims, key + b"\0" * 32, "HS512", headers={"kid": kid}),
        jwt.encode(claims, key, "HS256"),
        *(changed(token, key, drop=name) for name in ("typ", "sub", "sid", "jti", "iat", "exp")),
        changed(token, key, drop="iss"),
        changed(token, key, iss="another"),
        changed(token, key, exp=past),
        changed(token, key, iat=datetime.now(UTC) + timedelta(hours=1)),
        changed(token, key, sub="1x"),
        changed(token, key, sid=""),
        changed(token, key, jti=7),
        changed(token, key, role="owner"),
        changed(token, key, drop="role"),
        token[:-1],
        "",
        "..",
    ]
    for number, bad in enumerate(forged):
        assert await status_with(server, bad) == 401, number


async def test_r7_each_token_in_its_place(server: Server) -> None:
    """R7."""
    async with server.signed_in() as client:
        access, refresh = client.cookies["access_token"], client.cookies["refresh_token"]
    assert await status_with(server, refresh) == 401
    async with server.client() as client:
        headers = {**JSON, "Cookie": f"refresh_token={access}"}
        assert (await client.post("token/refresh/", headers=headers)).status_code == 401


async def test_r8_two_tabs_refresh_at_once(server: Server) -> None:
    """R8."""
    async with server.signed_in() as client:
        answers = await asyncio.gather(
            *(client.post("token/refresh/", headers=JSON) for _ in range(6))
        )
        assert [answer.status_code for answer in answers] == [200] * 6
        for answer in answers:
            assert await status_with(server, answer.json()["access"]) == 200


async def test_r8_logout_ends_the_session_at_once(server: Server) -> None:
    """R8, R9: both cookies, and every access token of the session."""
    async with server.signed_in() as client:
        refresh = client.cookies["refresh_token"]
        first = client.cookies["access_token"]
        second = (await client.post("token/refresh/", headers=JSON)).json()["access"]
        await client.post("logout/", headers=JSON)
        assert [await status_with(server, token) for token in (first, second)] == [401, 401]
        headers = {**JSON, "Cookie": f"refresh_token={refresh}"}
        assert (await client.post("token/refresh/", headers=headers)).status_code == 401


async def test_logout_ends_no_other_session(server: Server) -> None:
    async with server.signed_in() as client, server.client() as other:
        await login(other, "member@example.com")
        await client.post("logout/", headers=JSON)
        assert (await other.get("video/")).status_code == 200


async def reset(client: httpx.AsyncClient, server: Server, email: str, password: str) -> None:
    number = len(server.mails()) + 1
    await client.post("password_reset/", json={"email": email})
    uid, token = link_of(await server.mail_number(number))
    response = await client.post(
        f"password_confirm/{uid}/{token}/",
        json={"new_password": password, "confirm_password": password},
    )
    assert response.status_code == 200


async def test_r10_password_reset_ends_all_sessions(server: Server) -> None:
    """R10: also that of the one who resets, and nobody else's."""
    async with (
        server.signed_in() as client,
        server.client() as other_place,
        server.signed_in("other@example.com") as stranger,
    ):
        await login(other_place, "member@example.com")
        await reset(client, server, "member@example.com", "new-Harbour-43")
        for ended in (client, other_place):
            assert (await ended.get("video/")).status_code == 401
            assert (await ended.post("token/refresh/", headers=JSON)).status_code == 401
        assert (await stranger.get("video/")).status_code == 200


async def test_r11_only_the_newest_links_and_none_after_a_reset(server: Server) -> None:
    """R11: links die with the password that they were asked for."""
    async with server.signed_in() as client:
        links = []
        for number in (1, 2):
            await client.post("password_reset/", json={"email": "member@example.com"})
            links.append(link_of(await server.mail_number(number)))
        first, second = links
        assert first != second
        body = {"new_password": "new-Harbour-43", "confirm_password": "new-Harbour-43"}
        for link, status in ((second, 200), (second, 400), (first, 400)):
            response = await client.post(f"password_confirm/{link[0]}/{link[1]}/", json=body)
            assert response.status_code == status


async def test_r11_links_are_for_one_purpose_and_one_account(server: Server) -> None:
    """R11."""
    body = {"email": "a@example.com", "password": PASSWORD, "confirmed_password": PASSWORD}
    async with server.signed_in() as client:
        token = (await client.post("register/", json=body)).json()["token"]
        await client.post("password_reset/", json={"email": "member@example.com"})
        uid, reset_token = link_of(await server.mail_number(2))
        assert (await client.get(f"activate/{uid}/{reset_token}/")).status_code == 400
        assert (await client.get(f"activate/{uid}/{token}/")).status_code == 400
        new = {"new_password": PASSWORD, "confirm_password": PASSWORD}
        for wrong in (f"Mg/{token}", f"Mg/{reset_token}", f"{uid}/{token}"):
            assert (await client.post(f"password_confirm/{wrong}/", json=new)).status_code == 400


async def test_r1_passwords_beyond_72_bytes(server: Server) -> None:
    """R1: all of it counts, and nothing fails."""
    async with server.client() as client:
        for number, password in enumerate(("a1" * 36 + "x", "ü" * 37, "🎬" * 128)):
            email = f"user{number}@example.com"
            await server.container.accounts.create(email, password, is_staff=False)
            await login(client, email, password)
            wrong = {"email": email, "password": password[:-1] + "?"}
            assert (await client.post("login/", json=wrong)).status_code == 400
