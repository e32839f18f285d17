"""One's own account: what it is, its password, where it is signed in, its end."""

import re

import httpx
import pytest

from tests.handlers.site import PASSWORD, Server, link_of, login, set_cookies

EMAIL = "member@example.com"
NEW = "another-Harbour-7"
JSON = {"Content-Type": "application/json"}
CHANGE = {"current_password": PASSWORD, "new_password": NEW, "confirm_password": NEW}


@pytest.fixture(params=["/", ""], ids=["slash", "bare"])
def end(request: pytest.FixtureRequest) -> str:
    """Every path answers with and without its final slash."""
    value: str = request.param
    return value


async def is_signed_in(client: httpx.AsyncClient) -> bool:
    status = (await client.get("video/")).status_code
    assert status in (200, 401)
    return status == 200


@pytest.mark.parametrize("is_staff", [True, False])
async def test_me(server: Server, end: str, is_staff: bool) -> None:
    async with server.signed_in("Some.Body@example.com", is_staff=is_staff) as client:
        response = await client.get(f"me{end}")
        assert response.status_code == 200
        expected = {"id": 1, "email": "Some.Body@example.com", "is_staff": is_staff}
        assert response.json() == expected


async def test_r10_a_disabled_account_is_nobody(server: Server) -> None:
    """R10: its sessions have ended."""
    async with server.signed_in() as client:
        await server.container.members.disable(1)
        for path in ("me/", "me/sessions/", "video/"):
            assert (await client.get(path)).status_code == 401
        assert (await client.post("token/refresh/", headers=JSON)).status_code == 401
        body = {"email": EMAIL, "password": PASSWORD}
        assert (await client.post("login/", json=body)).status_code == 400


async def test_r10_a_changed_password_ends_all_other_sessions(server: Server, end: str) -> None:
    """R10: not the one that changes it, and nobody else's."""
    async with (
        server.signed_in() as client,
        server.client() as elsewhere,
        server.signed_in("other@example.com") as stranger,
    ):
        await login(elsewhere, EMAIL)
        response = await client.post(f"me/password{end}", json=CHANGE)
        assert response.status_code == 200
        assert response.json() == {"detail": "Your password has been changed."}
        assert [await is_signed_in(who) for who in (client, elsewhere, stranger)] == [
            True,
            False,
            True,
        ]
        assert (await client.post("token/refresh/", headers=JSON)).status_code == 200
        assert (await elsewhere.post("token/refresh/", headers=JSON)).status_code == 401
        old = await elsewhere.post("login/", json={"email": EMAIL, "password": PASSWORD})
        assert old.status_code == 400
        await login(elsewhere, EMAIL, NEW)


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"current_password": "wrong-Harbour-1"}, "current_password"),
        ({"current_password": ""}, "current_password"),
        ({"current_password": 7}, "current_password"),
        ({"new_password": "short", "confirm_password": "short"}, "new_password"),
        ({"new_password": EMAIL, "confirm_password": EMAIL}, "new_password"),
        ({"confirm_password": "different-1"}, "confirm_password"),
    ],
)
async def test_a_password_that_is_not_changed(
    server: Server, change: dict[str, object], field: str
) -> None:
    async with server.signed_in() as client, server.client() as elsewhere:
        await login(elsewhere, EMAIL)
        response = await client.post("me/password/", json={**CHANGE, **change})
        assert response.status_code == 400
        assert list(response.json()) == [field]
        assert await is_signed_in(elsewhere)
        await login(elsewhere, EMAIL)


async def test_r11_links_die_with_the_password(server: Server) -> None:
    async with server.signed_in() as client:
        await client.post("password_reset/", json={"email": EMAIL})
        uid, token = link_of(await server.mail_number(1))
        await client.post("me/password/", json=CHANGE)
        body = {"new_password": PASSWORD, "confirm_password": PASSWORD}
        response = await client.post(f"password_confirm/{uid}/{token}/", json=body)
        assert response.status_code == 400
        assert response.json() == {"detail": "Invalid reset link."}


async def test_r10_delete(server: Server, end: str) -> None:
    """R10, R11: the account, every session and every link."""
    async with server.signed_in() as client, server.client() as elsewhere:
        await login(elsewhere, EMAIL)
        await client.post("password_reset/", json={"email": EMAIL})
        uid, token = link_of(await server.mail_number(1))
        cookies = dict(client.cookies)
        response = await client.request("DELETE", f"me{end}", json={"password": PASSWORD})
        assert response.status_code == 200
        assert response.json() == {"detail": "Your account has been deleted."}
        deleted = set_cookies(response)
        assert set(deleted) == {"access_token", "refresh_token", "csrftoken"}
        assert all(cookie["value"] in ("", '""') for cookie in deleted.values())
        for name, value in cookies.items():
            client.cookies.set(name, value)
        for ended in (client, elsewhere):
            assert not await is_signed_in(ended)
            assert (await ended.get("me/")).status_code == 401
            assert (await ended.post("token/refresh/", headers=JSON)).status_code == 401
        body = {"new_password": NEW, "confirm_password": NEW}
        link = f"password_confirm/{uid}/{token}/"
        assert (await client.post(link, json=body)).status_code == 400
        refused = await client.post("login/", json={"email": EMAIL, "password": PASSWORD})
        assert refused.status_code == 400
        await server.add_user(EMAIL)  # the address is free again, under another id
        assert (await login(client, EMAIL)).json()["user"]["id"] == 2


@pytest.mark.parametrize("body", [{"password": "wrong-Harbour-1"}, {}, {"password": ["x"]}])
async def test_delete_refused(server: Server, body: dict[str, object]) -> None:
    async with server.signed_in() as client:
        response = await client.request("DELETE", "me/", json=body)
        assert response.status_code == 400
        assert list(response.json()) == ["password"]
        assert set_cookies(response) == {}
        assert (await client.get("me/")).status_code == 200


async def test_the_only_admin_may_delete_himself(server: Server, admin: httpx.AsyncClient) -> None:
    response = await admin.request("DELETE", "me/", json={"password": PASSWORD})
    assert response.status_code == 200
    assert await server.container.users.find(1) is None


async def test_sessions(server: Server, end: str) -> None:
    async with (
        server.signed_in() as client,
        server.client(headers={"User-Agent": "Set-top box/1.0\t" + "x" * 300}) as elsewhere,
        server.signed_in("other@example.com"),
    ):
        await login(elsewhere, EMAIL)
        response = await client.get(f"me/sessions{end}")
        assert response.status_code == 200
        newest, first = response.json()
        names = {"id", "created_at", "used_at", "expires_at", "is_current", "address", "user_agent"}
        assert set(newest) == set(first) == names
        assert (newest["is_current"], first["is_current"]) == (False, True)
        assert newest["user_agent"] == ("Set-top box/1.0" + "x" * 300)[:200]
        assert first["user_agent"].startswith("python-httpx")
        assert newest["address"] == first["address"] == "127.0.0.1"
        for session in (newest, first):
            assert re.fullmatch(r"[0-9a-f]{32}", session["id"])
            times = [session[name] for name in ("created_at", "used_at", "expires_at")]
            assert all(re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z", at) for at in times)
            assert times == sorted(times)
        await client.post("token/refresh/", headers=JSON)
        used = (await client.get("me/sessions/")).json()[1]["used_at"]
        assert used > first["used_at"]


async def test_end_a_session_elsewhere(server: Server, end: str) -> None:
    async with server.signed_in() as client, server.client() as elsewhere:
        await login(elsewhere, EMAIL)
        [other] = [
            session["id"]
            for session in (await client.get("me/sessions/")).json()
            if not session["is_current"]
        ]
        response = await client.delete(f"me/sessions/{other}{end}", headers=JSON)
        assert response.status_code == 200
        assert response.json() == {"detail": "The session has ended."}
        assert set_cookies(response) == {}
        assert not await is_signed_in(elsewhere)
        assert (await elsewhere.post("token/refresh/", headers=JSON)).status_code == 401
        assert await is_signed_in(client)
        assert len((await client.get("me/sessions/")).json()) == 1
        again = await client.delete(f"me/sessions/{other}/", headers=JSON)
        assert again.status_code == 404


async def test_end_the_session_here(server: Server) -> None:
    async with server.signed_in() as client:
        [session] = (await client.get("me/sessions/")).json()
        response = await client.delete(f"me/sessions/{session['id']}/", headers=JSON)
        assert response.status_code == 200
        assert set(set_cookies(response)) == {"access_token", "refresh_token", "csrftoken"}
        assert not await is_signed_in(client)


@pytest.mark.parametrize("name", ["0" * 32, "x", "%00", "$ne", "0" * 31 + "g", "%F0%9F%98%80"])
async def test_no_such_session(server: Server, name: str) -> None:
    async with server.signed_in() as client:
        response = await client.delete(f"me/sessions/{name}/", headers=JSON)
        assert response.status_code == 404
        assert response.json() == {"detail": "There is no such session."}


async def test_nobody_ends_the_sessions_of_others(server: Server) -> None:
    async with server.signed_in() as client, server.signed_in("other@example.com") as other:
        [session] = (await other.get("me/sessions/")).json()
        response = await client.delete(f"me/sessions/{session['id']}/", headers=JSON)
        assert response.status_code == 404
        assert await is_signed_in(other)


async def test_r13_no_rights_by_asking(server: Server) -> None:
    """R13."""
    asked = {"is_staff": True, "is_active": False, "role": "admin", "_id": 77, "email": "x@b.org"}
    async with server.signed_in() as client:
        response = await client.post("me/password/", json={**CHANGE, **asked})
        assert response.status_code == 200
        await client.post("token/refresh/", json=asked)
        assert (await client.get("me/")).json() == {"id": 1, "email": EMAIL, "is_staff": False}
        assert (await client.get("admin/videos/1/")).status_code == 403


async def test_r16_own_account_from_a_foreign_origin(server: Server) -> None:
    """R16: neither from a foreign page nor with a wrong CSRF token."""
    async with server.signed_in() as client:
        [session] = (await client.get("me/sessions/")).json()
        for headers in ({"Origin": "http://evil.example"}, {"X-CSRFToken": "0" * 64}):
            for method, path, body in (
                ("DELETE", "me/", {"password": PASSWORD}),
                ("POST", "me/password/", CHANGE),
                ("DELETE", f"me/sessions/{session['id']}/", {}),
            ):
                response = await client.request(method, path, json=body, headers=headers)
                assert response.status_code == 403
        assert await is_signed_in(client)
        await login(client, EMAIL)
