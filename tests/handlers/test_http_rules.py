"""What holds for every request: hosts, origins, content types, CSRF, sizes, errors."""

import asyncio
import json

import httpx
import pytest
from pymongo import MongoClient
from structlog.testing import capture_logs

from handlers.errors import answer_to
from tests.handlers.raw import exchange, status_of
from tests.handlers.site import ORIGIN, PASSWORD, Server
from videoflix.errors import MediaDamaged, TooManyRequests
from videoflix.settings import Settings

LOGIN = {"email": "user@example.com", "password": PASSWORD}
JSON = {"Content-Type": "application/json"}


async def raw_get(server: Server, *headers: str, path: str = "/api/video/") -> bytes:
    lines = [f"GET {path} HTTP/1.1", *headers, "Connection: close", "", ""]
    return await exchange(server, "\r\n".join(lines).encode())


@pytest.mark.parametrize(
    "host", ["evil.example", "127.0.0.1.evil.example", "evil@127.0.0.1", "127.0.0.1:x", "[::1"]
)
async def test_r15_foreign_hosts(server: Server, host: str) -> None:
    """R15."""
    answer = await raw_get(server, f"Host: {host}")
    assert status_of(answer) == 400


async def test_r15_own_hosts(server: Server) -> None:
    """R15: own names get to the check of the session."""
    for host in ("127.0.0.1", "127.0.0.1:8000", "LOCALHOST:1", "[::1]:80"):
        assert status_of(await raw_get(server, f"Host: {host}")) == 401


async def test_r15_forwarded_host_is_never_believed(server: Server) -> None:
    """R15: not in the answer, not in a mail."""
    answer = await raw_get(server, "Host: 127.0.0.1", "X-Forwarded-Host: evil.example")
    assert status_of(answer) == 400
    assert b"evil.example" not in answer


@pytest.mark.parametrize("path", ["video/", "video/1/master.m3u8", "video/1/480p/segment_000.ts"])
async def test_r17_preflight(client: httpx.AsyncClient, path: str) -> None:
    """R17: no session is needed, and the answer is kept for a while."""
    response = await client.options(
        path,
        headers={
            "Origin": ORIGIN,
            "Access-Control-Request-Method": "POST",
            "Access-Control-Request-Headers": "content-type,x-csrftoken",
        },
    )
    assert response.status_code == 204
    assert response.content == b""
    headers = response.headers
    assert headers["access-control-allow-origin"] == ORIGIN
    assert headers["access-control-allow-credentials"] == "true"
    assert "GET" in headers["access-control-allow-methods"]
    allowed = headers["access-control-allow-headers"].lower()
    assert {"content-type", "x-csrftoken"} <= set(allowed.replace(" ", "").split(","))
    assert int(headers["access-control-max-age"]) > 0
    assert "Origin" in headers["vary"]


@pytest.mark.parametrize("origin", ["http://evil.example", "null", "http://127.0.0.1:5500.evil"])
async def test_r17_foreign_origins_get_no_cors_headers(server: Server, origin: str) -> None:
    """R17."""
    async with server.signed_in() as client:
        for response in (
            await client.options("video/", headers={"Origin": origin}),
            await client.get("video/", headers={"Origin": origin}),
            await client.get("nothing/", headers={"Origin": origin}),
        ):
            assert not [name for name in response.headers if name.startswith("access-control")]
            assert "Origin" in response.headers["vary"]


async def test_r17_allowed_origins_are_echoed_on_every_answer(server: Server) -> None:
    """R17: on errors too, or a script could not read them."""
    async with server.signed_in() as client:
        for path, status in (("video/", 200), ("video/1/master.m3u8", 404), ("nothing", 404)):
            response = await client.get(path, headers={"Origin": "http://localhost:5500"})
            assert response.status_code == status
            assert response.headers["access-control-allow-origin"] == "http://localhost:5500"
            assert response.headers["access-control-allow-credentials"] == "true"
    async with server.client() as stranger:
        response = await stranger.get("video/", headers={"Origin": ORIGIN})
        assert response.status_code == 401
        assert response.headers["access-control-allow-origin"] == ORIGIN


@pytest.mark.parametrize("origin", ["http://evil.example", "null", "", "HTTP://127.0.0.1:5500/"])
async def test_r16_foreign_origins_change_nothing(server: Server, origin: str) -> None:
    """R16."""
    async with server.signed_in() as client:
        response = await client.post("logout/", headers={**JSON, "Origin": origin})
        assert response.status_code == 403
        assert (await client.get("video/")).status_code == 200


async def test_r16_own_and_allowed_origins_may_change_state(server: Server) -> None:
    """R16: and so may clients that send no origin."""
    await server.add_user("user@example.com")
    async with server.client() as client:
        for headers in ({}, {"Origin": ORIGIN}, {"Origin": server.url}):
            assert (await client.post("login/", json=LOGIN, headers=headers)).status_code == 200


@pytest.mark.parametrize(
    "content_type",
    [
        "text/plain",
        "application/x-www-form-urlencoded",
        "multipart/form-data; boundary=x",
        "multipart/form-data",
        "application/json-seq",
        "text/plain; application/json",
        "",
    ],
)
async def test_r16_other_content_types(server: Server, content_type: str) -> None:
    """R16: what a form of a foreign page can send is refused, whatever it holds."""
    await server.add_user("user@example.com")
    async with server.client() as client:
        response = await client.post(
            "login/", content=json.dumps(LOGIN), headers={"Content-Type": content_type}
        )
        assert response.status_code == 403
        assert not client.cookies


async def test_json_with_charset(server: Server) -> None:
    await server.add_user("user@example.com")
    async with server.client() as client:
        headers = {"Content-Type": "Application/JSON; charset=UTF-8"}
        response = await client.post("login/", content=json.dumps(LOGIN), headers=headers)
        assert response.status_code == 200


async def test_csrf_token(server: Server) -> None:
    """A token that is sent must be the cookie's; without one the origin decides."""
    async with server.signed_in() as client:
        token = client.cookies["csrftoken"]
        for wrong in ("x", token[:-1], token.upper() + "A", "null"):
            headers = {**JSON, "X-CSRFToken": wrong}
            assert (await client.post("token/refresh/", headers=headers)).status_code == 403
        headers = {**JSON, "X-CSRFToken": token, "Origin": ORIGIN}
        assert (await client.post("token/refresh/", headers=headers)).status_code == 200
        assert (await client.post("token/refresh/", headers=JSON)).status_code == 200
        client.cookies.delete("csrftoken")
        headers = {**JSON, "X-CSRFToken": token}
        assert (await client.post("token/refresh/", headers=headers)).status_code == 403


@pytest.mark.parametrize(
    "value", [{"$ne": None}, {"$regex": ".*"}, ["a"], 7, 1.5, True, None, {"a": {"b": []}}]
)
@pytest.mark.parametrize("call", ["register", "login", "password_reset", "password_confirm/MQ/x"])
async def test_r12_wrong_types(client: httpx.AsyncClient, call: str, value: object) -> None:
    """R12."""
    names = ("email", "password", "confirmed_password", "new_password", "confirm_password")
    response = await client.post(f"{call}/", json=dict.fromkeys(names, value))
    assert response.status_code == 400
    assert response.json()
    for messages in response.json().values():
        assert messages == ["Not a valid string."]


@pytest.mark.parametrize(
    "content",
    [
        b"[]",
        b'"x"',
        b"7",
        b"null",
        b"{",
        b"{]",
        b"\xff\xfe",
        b"[" * 100_000,
        b'{"email": "\\ud800"}',
    ],
)
async def test_bodies_that_are_no_objects(client: httpx.AsyncClient, content: bytes) -> None:
    for call in ("login/", "logout/"):
        response = await client.post(call, content=content, headers=JSON)
        assert response.status_code == 400
        assert "detail" in response.json() or all(
            isinstance(messages, list) for messages in response.json().values()
        )


async def test_r13_no_rights_by_asking(client: httpx.AsyncClient, server: Server) -> None:
    """R13."""
    asked = {"is_staff": True, "is_active": True, "role": "admin", "_id": 77, "id": 77}
    body = {"email": "a@example.com", "password": PASSWORD, "confirmed_password": PASSWORD}
    response = await client.post("register/", json={**body, **asked})
    assert response.json()["user"] == {"id": 1, "email": "a@example.com"}
    user = await server.container.users.find(1)
    assert user is not None
    assert not user.is_staff
    assert not user.is_active


async def test_r14_no_header_by_an_address(client: httpx.AsyncClient, server: Server) -> None:
    """R14."""
    for email in ("a@example.com\r\nBcc: b@example.com", "a\n@example.com", '"a\r\nX: y"@b.org'):
        body = {"email": email, "password": PASSWORD, "confirmed_password": PASSWORD}
        assert (await client.post("register/", json=body)).status_code == 400
    assert server.mails() == []


async def test_r18_large_bodies(server: Server) -> None:
    """R18: over one megabyte is refused before it is read."""
    head = (
        b"POST /api/login/ HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\n"
        b"Content-Length: 1048577\r\n\r\n"
    )
    assert status_of(await exchange(server, head)) == 400


async def test_unknown_paths(client: httpx.AsyncClient, server: Server) -> None:
    for path in ("/api", "/api/nothing", "/api/login/x", "/media/thumbnails/", "/x.css"):
        response = await client.get(f"{server.url}{path}")
        assert response.status_code == 404
        assert response.json() == {"detail": "Not found."}
        assert response.headers["cache-control"] == "no-store"


async def test_r24_unknown_paths_for_members(server: Server) -> None:
    """R24: nothing under a film's folder is answered because of its ending."""
    async with server.signed_in() as client:
        for path in ("video/x.css", "video/1/x.js", "video/1/480p/x.css", "video/1/480p/"):
            assert (await client.get(path)).status_code == 404


async def test_r22_paths_that_are_no_text(client: httpx.AsyncClient, server: Server) -> None:
    """R22: the session is asked for first; then, such a path names nothing."""
    paths = ("video/%ff/master.m3u8", "video/1/%80/index.m3u8", "video/1/480p/%c3%28")
    for path in paths:
        assert (await client.get(path)).status_code == 401
    async with server.signed_in() as member:
        for path in paths:
            assert (await member.get(path)).status_code == 404
    assert (await client.get("activate/%ff/x/")).status_code == 400


async def test_wrong_methods(client: httpx.AsyncClient) -> None:
    response = await client.get("login/")
    assert response.status_code == 405
    assert response.json() == {"detail": "Method not allowed."}
    assert response.headers["allow"] == "POST, OPTIONS"
    assert (await client.request("TRACE", "login/")).status_code == 405


async def test_r24_json_is_never_stored(server: Server) -> None:
    """R24."""
    async with server.signed_in() as client:
        response = await client.get("video/")
        assert response.headers["cache-control"] == "no-store"
        assert response.headers["x-content-type-options"] == "nosniff"


def damage_users(settings: Settings) -> None:
    uri = settings.mongo.uri.get_secret_value()
    with MongoClient[dict[str, object]](uri) as database:
        users = database[settings.mongo.database]["users"]
        assert users.update_many({}, {"$unset": {"is_active": ""}}).modified_count == 1


async def test_r25_unexpected_errors_keep_their_text(server: Server) -> None:
    """R25: a damaged record is nothing that anybody expects."""
    await server.add_user("user@example.com")
    await asyncio.to_thread(damage_users, server.container.settings)
    with capture_logs() as logs:
        async with server.client() as client:
            response = await client.post("login/", json=LOGIN)
    assert response.status_code == 500
    request_id = response.headers["x-request-id"]
    assert response.json() == {
        "detail": "Something went wrong on the server.",
        "request_id": request_id,
    }
    [logged] = [entry for entry in logs if entry["event"] == "request failed"]
    assert logged["request_id"] == request_id
    assert "is_active" in repr(logged["exc_info"])


async def test_the_log_names_routes_not_tokens(client: httpx.AsyncClient) -> None:
    with capture_logs() as logs:
        await client.get("activate/MQ/" + "ab" * 32)
    [logged] = [entry for entry in logs if entry["event"] == "request"]
    assert repr(logged["status"]) == "400"  # a plain number, as it is printed
    assert "abab" not in repr(logged)


def test_r25_damaged_media() -> None:
    """R25: an error of the domain that nobody expects has the request's id too."""
    answer = answer_to(MediaDamaged("This video is damaged."), "id")
    assert (answer.status, answer.is_expected) == (500, False)
    assert answer.body == {"detail": "This video is damaged.", "request_id": "id"}


def test_too_many_requests() -> None:
    """The place for limits: 429 with the pause."""
    answer = answer_to(TooManyRequests("Too many tries.", 42), "id")
    assert (answer.status, answer.body) == (429, {"detail": "Too many tries."})
    assert answer.headers == {"Retry-After": "42"}
