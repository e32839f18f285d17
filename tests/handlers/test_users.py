"""Accounts as admins see them: found, disabled, enabled."""

import asyncio

import httpx
import pytest

from tests.handlers.site import PASSWORD, Server, login

JSON = {"Content-Type": "application/json"}


async def found(admin: httpx.AsyncClient, **query: str | int) -> list[str]:
    response = await admin.get("admin/users/", params=query)
    assert response.status_code == 200
    return [member["email"] for member in response.json()["results"]]


async def test_accounts_are_listed_and_found(server: Server, admin: httpx.AsyncClient) -> None:
    never = await server.add_user("Never.Came@example.com")
    async with server.signed_in("member+films@example.org"):
        answer = (await admin.get("admin/users/")).json()
    assert (answer["count"], answer["next"], answer["previous"]) == (3, None, None)
    first, second, third = answer["results"]
    assert (first["email"], first["is_staff"], first["is_active"]) == (
        "admin@example.com",
        True,
        True,
    )
    assert first["last_sign_in"] >= first["created_at"]
    assert (second["id"], second["last_sign_in"]) == (never.id, None)
    assert (third["is_staff"], third["last_sign_in"] is None) == (False, False)
    assert await found(admin, search="NEVER") == ["Never.Came@example.com"]
    assert await found(admin, search="example.org member") == ["member+films@example.org"]
    assert await found(admin, search="+films") == ["member+films@example.org"]
    for search in (".*", "^", "{", "member\0", "$ne"):
        assert await found(admin, search=search) in ([], ["member+films@example.org"])
    assert await found(admin, search="^a") == []
    assert await found(admin, page_size=1, page=2) == ["Never.Came@example.com"]
    assert (await admin.get("admin/users/?page=0")).status_code == 400


async def test_who_never_activated_is_told_from_who_was_disabled(
    server: Server, admin: httpx.AsyncClient
) -> None:
    async with server.client() as visitor:
        body = {"email": "new@example.com", "password": PASSWORD, "confirmed_password": PASSWORD}
        user_id = (await visitor.post("register/", json=body)).json()["user"]["id"]

    async def states() -> list[tuple[bool, bool]]:
        results = (await admin.get("admin/users/")).json()["results"]
        return [(member["is_active"], member["lapses_at"] is None) for member in results]

    assert await states() == [(True, True), (False, False)]
    assert (await admin.post(f"admin/users/{user_id}/disable/", json={})).status_code == 200
    assert await states() == [(True, True), (False, True)]


async def test_r10_a_disabled_account_is_out_at_once(
    server: Server, admin: httpx.AsyncClient
) -> None:
    """R10"""
    async with server.signed_in() as member:
        user_id = (await member.get("me/")).json()["id"]
        access = member.cookies["access_token"]
        response = await admin.post(f"admin/users/{user_id}/disable/", json={})
        assert response.status_code == 200
        assert response.json() == {
            "id": user_id,
            "email": "member@example.com",
            "is_active": False,
            "is_staff": False,
        }
        for path in ("me/", "video/"):
            assert (await member.get(path)).status_code == 401
        assert (await member.post("token/refresh/", headers=JSON)).status_code == 401
        body = {"email": "member@example.com", "password": "quiet-Harbour-42"}
        assert (await member.post("login/", json=body)).status_code == 400
        again = await admin.post(f"admin/users/{user_id}/enable", headers=JSON)
        assert again.json()["is_active"] is True
        # Enabling opens the door; the sessions stay ended.
        member.cookies.set("access_token", access)
        assert (await member.get("me/")).status_code == 401
        member.cookies.clear()
        await login(member, "member@example.com")


async def test_nobody_disables_himself_or_an_unknown_account(admin: httpx.AsyncClient) -> None:
    own = (await admin.get("me/")).json()["id"]
    response = await admin.post(f"admin/users/{own}/disable/", json={})
    assert response.status_code == 409
    assert (await admin.get("me/")).status_code == 200
    for action in ("disable", "enable"):
        for unknown in ("99", "0", "x", "99999999999"):
            response = await admin.post(f"admin/users/{unknown}/{action}/", json={})
            assert response.status_code == 404
            assert response.json() == {"detail": "There is no such account."}


async def test_r13_no_rights_by_asking(server: Server, admin: httpx.AsyncClient) -> None:
    """R13"""
    user = await server.add_user("member@example.com")
    body = {"is_staff": True, "_id": 1, "email": "x@example.com"}
    answer = (await admin.post(f"admin/users/{user.id}/enable/", json=body)).json()
    assert (answer["is_staff"], answer["email"], answer["id"]) == (False, user.email, user.id)


async def test_two_admins_who_disable_each_other_leave_one(
    server: Server, admin: httpx.AsyncClient
) -> None:
    async with server.signed_in("second@example.com", is_staff=True) as second:
        ids = [(await client.get("me/")).json()["id"] for client in (admin, second)]
        answers = await asyncio.gather(
            admin.post(f"admin/users/{ids[1]}/disable/", json={}),
            second.post(f"admin/users/{ids[0]}/disable/", json={}),
        )
    assert {answer.status_code for answer in answers} <= {200, 401, 409}
    assert await server.container.users.has_admin()


async def test_the_last_admin_stays(server: Server) -> None:
    """Also where the one who asks is an admin no more, and his token has not heard of it."""
    async with server.signed_in("first@example.com", is_staff=True) as first:
        last = await server.add_user("last@example.com", is_staff=True)
        own = (await first.get("me/")).json()["id"]
        await server.container.users.set_active(own, is_active=False)
        response = await first.post(f"admin/users/{last.id}/disable/", json={})
        assert (response.status_code, response.json()) == (
            409,
            {"detail": "This is the last admin."},
        )
        kept = await server.container.users.find(last.id)
        assert kept is not None
        assert kept.is_active


@pytest.mark.parametrize("path", ["admin/users/", "admin/storage/", "admin/categories/"])
async def test_members_see_nothing_of_this(server: Server, path: str) -> None:
    async with server.signed_in() as member:
        assert (await member.get(path)).status_code == 403
