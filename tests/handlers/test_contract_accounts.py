"""The account calls, row by row: statuses, bodies and cookies to the letter."""

import re

import httpx
import pytest

from tests.handlers.site import PASSWORD, Server, link_of, login, set_cookies, text_of

EMAIL = "user@example.com"
REGISTRATION = {"email": EMAIL, "password": PASSWORD, "confirmed_password": PASSWORD}
CHECK_INPUT = {"non_field_errors": ["Please check your input and try again."]}
LOGGED_OUT = {
    "detail": "Logout successful! All tokens will be deleted. Refresh token is now invalid."
}
JSON = {"Content-Type": "application/json"}


@pytest.fixture(params=["/", ""], ids=["slash", "bare"])
def end(request: pytest.FixtureRequest) -> str:
    """Every path answers with and without its final slash."""
    value: str = request.param
    return value


async def test_register(client: httpx.AsyncClient, server: Server, end: str) -> None:
    response = await client.post(f"register{end}", json=REGISTRATION)
    assert response.status_code == 201
    body = response.json()
    assert body == {"user": {"id": 1, "email": EMAIL}, "token": body["token"]}
    assert response.headers["content-type"] == "application/json; charset=utf-8"
    mail = await server.mail_number(1)
    assert mail["To"] == EMAIL
    assert link_of(mail) == ("MQ", body["token"])
    frontend = server.container.settings.server.frontend_url
    url = f"{frontend}/pages/auth/activate.html?uid=MQ&token={body['token']}"
    assert url in text_of(mail)
    assert f'<a href="{url.replace("&", "&amp;")}"' in text_of(mail, "html")


async def test_ids_count_from_one(client: httpx.AsyncClient) -> None:
    for number in (1, 2, 3):
        registration = {**REGISTRATION, "email": f"user{number}@example.com"}
        response = await client.post("register/", json=registration)
        assert response.json()["user"]["id"] == number
        again = await client.post("register/", json=registration)
        assert again.status_code == 400


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"email": "no-address"}, "email"),
        ({"email": ""}, "email"),
        ({"email": None}, "email"),
        ({"password": "short", "confirmed_password": "short"}, "password"),
        ({"password": "1" * 9, "confirmed_password": "1" * 9}, "password"),
        ({"password": "password1", "confirmed_password": "password1"}, "password"),
        ({"password": "x" * 129, "confirmed_password": "x" * 129}, "password"),
        ({"password": EMAIL, "confirmed_password": EMAIL}, "password"),
        ({"confirmed_password": "something-else-1"}, "confirmed_password"),
    ],
)
async def test_register_field_errors(
    client: httpx.AsyncClient, server: Server, change: dict[str, object], field: str
) -> None:
    response = await client.post("register/", json={**REGISTRATION, **change})
    assert response.status_code == 400
    assert list(response.json()) == [field]
    assert all(isinstance(message, str) for message in response.json()[field])
    assert server.mails() == []


@pytest.mark.parametrize("field", list(REGISTRATION))
async def test_register_missing_field(client: httpx.AsyncClient, field: str) -> None:
    body = {name: value for name, value in REGISTRATION.items() if name != field}
    response = await client.post("register/", json=body)
    assert response.status_code == 400
    assert response.json() == {field: ["This field is required."]}


async def test_register_taken_address(client: httpx.AsyncClient) -> None:
    await client.post("register/", json=REGISTRATION)
    response = await client.post("register/", json={**REGISTRATION, "email": "USER@Example.COM"})
    assert response.status_code == 400
    assert response.json() == CHECK_INPUT


async def test_activate(client: httpx.AsyncClient, end: str) -> None:
    token = (await client.post("register/", json=REGISTRATION)).json()["token"]
    refused = await client.post("login/", json={"email": EMAIL, "password": PASSWORD})
    assert (refused.status_code, refused.json()) == (400, CHECK_INPUT)
    response = await client.get(f"activate/MQ/{token}{end}")
    assert response.status_code == 200
    assert response.json() == {"message": "Account successfully activated."}
    again = await client.get(f"activate/MQ/{token}{end}")
    assert again.status_code == 400
    assert again.json() == {"message": "Activation failed."}
    await login(client, EMAIL)


@pytest.mark.parametrize("uid", ["MQ", "Mg", "MQ==", "!!", "LTE", "MDE", "%00", "w7w", "A" * 300])
@pytest.mark.parametrize("token", ["0" * 64, "x", "%F0%9F%98%80", "$ne"])
async def test_activate_refused(client: httpx.AsyncClient, uid: str, token: str) -> None:
    await client.post("register/", json=REGISTRATION)
    response = await client.get(f"activate/{uid}/{token}/")
    assert response.status_code == 400
    assert response.json() == {"message": "Activation failed."}


async def test_login(client: httpx.AsyncClient, server: Server, end: str) -> None:
    await server.add_user(EMAIL)
    response = await client.post(f"login{end}", json={"email": EMAIL, "password": PASSWORD})
    assert response.status_code == 200
    assert response.json() == {"detail": "Login successful", "user": {"id": 1, "username": EMAIL}}
    cookies = set_cookies(response)
    assert set(cookies) == {"access_token", "refresh_token", "csrftoken"}
    for name, cookie in cookies.items():
        assert cookie["samesite"] == "Lax"
        assert cookie["path"] == "/"
        assert "secure" not in cookie
        assert "domain" not in cookie
        assert ("httponly" in cookie) is (name != "csrftoken")
    assert cookies["access_token"]["max-age"] == str(30 * 60)
    assert cookies["refresh_token"]["max-age"] == str(7 * 24 * 3600)
    assert re.fullmatch(r"[0-9a-f]{64}", cookies["csrftoken"]["value"])


async def test_login_keeps_the_address_as_typed(client: httpx.AsyncClient, server: Server) -> None:
    await server.add_user("Some.User@Example.com")
    response = await client.post(
        "login/", json={"email": "some.user@example.COM", "password": PASSWORD}
    )
    assert response.json()["user"] == {"id": 1, "username": "Some.User@Example.com"}


async def test_login_refused_the_same_for_every_reason(
    client: httpx.AsyncClient, server: Server
) -> None:
    await server.add_user(EMAIL)
    await client.post("register/", json={**REGISTRATION, "email": "inactive@example.com"})
    for email, password in [
        (EMAIL, "wrong-password"),
        ("unknown@example.com", PASSWORD),
        ("inactive@example.com", PASSWORD),
        ("no-address", PASSWORD),
        (EMAIL, "x" * 500),
    ]:
        response = await client.post("login/", json={"email": email, "password": password})
        assert (response.status_code, response.json()) == (400, CHECK_INPUT)
        assert set_cookies(response) == {}


async def test_r2_known_and_unknown_addresses_are_answered_alike(server: Server) -> None:
    """R2: the same status, body and headers, at login and at password reset; how the times
    compare is measured by ``make bench``."""
    await server.add_user(EMAIL)
    async with server.client() as client:
        for call in ("login", "password_reset"):
            answers = []
            for email in (EMAIL, "unknown@example.com"):
                body = {"email": email, "password": "wrong-Harbour-1"}
                response = await client.post(f"{call}/", json=body)
                headers = {
                    name: value
                    for name, value in response.headers.items()
                    if name not in ("date", "x-request-id")
                }
                answers.append((response.status_code, response.content, headers))
            assert answers[0] == answers[1]


async def test_logout(server: Server, end: str) -> None:
    async with server.signed_in() as client:
        response = await client.post(f"logout{end}", headers=JSON)
        assert response.status_code == 200
        assert response.json() == LOGGED_OUT
        cookies = set_cookies(response)
        assert set(cookies) == {"access_token", "refresh_token", "csrftoken"}
        for cookie in cookies.values():
            assert cookie["value"] in ("", '""')
            assert cookie["path"] == "/"
            assert "expires" in cookie
        assert not client.cookies


@pytest.mark.parametrize("call", ["logout", "token/refresh"])
async def test_refresh_token_missing(client: httpx.AsyncClient, call: str, end: str) -> None:
    for content in (b"", b"{}"):
        response = await client.post(f"{call}{end}", content=content, headers=JSON)
        assert response.status_code == 400
        assert response.json() == {"detail": "Refresh token missing."}


@pytest.mark.parametrize("call", ["logout", "token/refresh"])
async def test_refresh_token_invalid(server: Server, call: str, end: str) -> None:
    async with server.signed_in() as client:
        access, refresh = client.cookies["access_token"], client.cookies["refresh_token"]
        await client.post("logout/", headers=JSON)
        for token in ("x", "a.b.c", access, refresh, refresh[:-4]):
            headers = {**JSON, "Cookie": f"refresh_token={token}"}
            response = await client.post(f"{call}{end}", headers=headers)
            assert response.status_code == 401
            assert response.json() == {"detail": "Invalid refresh token."}


async def test_token_refresh(server: Server, end: str) -> None:
    async with server.signed_in() as client:
        old = client.cookies["access_token"]
        csrf = client.cookies["csrftoken"]
        response = await client.post(f"token/refresh{end}", headers=JSON)
        assert response.status_code == 200
        new = response.json()["access"]
        assert response.json() == {"detail": "Token refreshed", "access": new}
        assert new != old
        cookies = set_cookies(response)
        assert set(cookies) == {"access_token", "csrftoken"}
        assert cookies["access_token"]["value"] == new
        assert "httponly" in cookies["access_token"]
        assert cookies["csrftoken"]["value"] == csrf
        assert (await client.get("video/")).status_code == 200


async def test_token_refresh_sets_a_missing_csrf_cookie(server: Server) -> None:
    async with server.signed_in() as client:
        client.cookies.delete("csrftoken")
        response = await client.post("token/refresh/", headers=JSON)
        assert re.fullmatch(r"[0-9a-f]{64}", set_cookies(response)["csrftoken"]["value"])


async def test_password_reset(client: httpx.AsyncClient, server: Server, end: str) -> None:
    await server.add_user(EMAIL)
    answers = []
    for email in (EMAIL, "unknown@example.com"):
        response = await client.post(f"password_reset{end}", json={"email": email})
        answers.append((response.status_code, response.content))
    assert answers[0] == answers[1]
    assert response.status_code == 200
    assert response.json() == {"detail": "An email has been sent to reset your password."}
    uid, token = link_of(await server.mail_number(1))
    frontend = server.container.settings.server.frontend_url
    url = f"{frontend}/pages/auth/confirm_password.html?uid={uid}&token={token}"
    assert url in text_of(server.mails()[0])
    assert uid == "MQ"

    new = {"new_password": "another-Harbour-7", "confirm_password": "another-Harbour-7"}
    confirmed = await client.post(f"password_confirm/{uid}/{token}{end}", json=new)
    assert confirmed.status_code == 200
    assert confirmed.json() == {"detail": "Your Password has been successfully reset."}
    again = await client.post(f"password_confirm/{uid}/{token}{end}", json=new)
    assert (again.status_code, again.json()) == (400, {"detail": "Invalid reset link."})
    await login(client, EMAIL, "another-Harbour-7")
    old = await client.post("login/", json={"email": EMAIL, "password": PASSWORD})
    assert old.status_code == 400


@pytest.mark.parametrize("email", ["", "nobody", "a@b", "x" * 2000, "a b@example.com"])
async def test_password_reset_of_no_address(client: httpx.AsyncClient, email: str) -> None:
    response = await client.post("password_reset/", json={"email": email})
    assert response.status_code == 400
    assert list(response.json()) == ["email"]


async def test_password_confirm_field_errors(client: httpx.AsyncClient, server: Server) -> None:
    await server.add_user(EMAIL)
    await client.post("password_reset/", json={"email": EMAIL})
    uid, token = link_of(await server.mail_number(1))
    url = f"password_confirm/{uid}/{token}/"
    for body, field in [
        ({"new_password": "short", "confirm_password": "short"}, "new_password"),
        ({"new_password": PASSWORD, "confirm_password": "different-1"}, "confirm_password"),
        ({"new_password": PASSWORD}, "confirm_password"),
        ({"confirm_password": PASSWORD}, "new_password"),
    ]:
        response = await client.post(url, json=body)
        assert response.status_code == 400
        assert list(response.json()) == [field]
    # None of these has used the link up.
    good = {"new_password": PASSWORD, "confirm_password": PASSWORD}
    assert (await client.post(url, json=good)).status_code == 200


async def test_invalid_reset_link(client: httpx.AsyncClient) -> None:
    good = {"new_password": PASSWORD, "confirm_password": PASSWORD}
    for link in ("MQ/" + "0" * 64, "x/y", "MQ/$ne"):
        response = await client.post(f"password_confirm/{link}/", json=good)
        assert response.status_code == 400
        assert response.json() == {"detail": "Invalid reset link."}
