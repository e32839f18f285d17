"""What differs in production mode, and what happens when others are away."""

import asyncio
import secrets
import socket

import httpx
import pytest
from structlog.testing import capture_logs

from handlers.server import serve
from tests.clips.fixtures import ClipCache
from tests.handlers.conftest import changed, running, site
from tests.handlers.films import add_pending, encoded_title, publish
from tests.handlers.raw import exchange, open_connection, status_of
from tests.handlers.site import PASSWORD, Server, link_of, login, set_cookies
from tests.ports import free_port
from tests.videoflix.adapters.mail_server import Inbox, Trouble, mail_server
from tests.videoflix.relay import relayed
from tests.videoflix.waiting import until
from videoflix.container import Container, open_container
from videoflix.settings import Settings

EMAIL = "user@example.com"
REGISTRATION = {"email": EMAIL, "password": PASSWORD, "confirmed_password": PASSWORD}
LOGIN = {"email": EMAIL, "password": PASSWORD}
JSON = {"Content-Type": "application/json"}


@pytest.fixture
def production(settings: Settings) -> Settings:
    return changed(
        settings,
        server={
            "mode": "production",
            "base_url": "https://films.example",
            "frontend_url": "https://app.example",
            "cors_origins": ("https://app.example",),
        },
        auth={"secret_key": secrets.token_urlsafe(48), "cookie_domain": "films.example"},
    )


async def test_production(production: Settings) -> None:
    """No activation token in the answer, Secure cookies, the public name alone."""
    async with site(production) as server:
        host = {"Host": "films.example"}
        async with server.client(headers=host) as client:
            response = await client.post("register/", json=REGISTRATION)
            assert response.status_code == 201
            assert response.json() == {"user": {"id": 1, "email": EMAIL}, "token": ""}
            mail = await server.mail_number(1)
            uid, token = link_of(mail)
            assert (await client.get(f"activate/{uid}/{token}/")).status_code == 200
            response = await client.post("login/", json=LOGIN)
            cookies = set_cookies(response)
            assert all("secure" in cookie for cookie in cookies.values())
            assert cookies["csrftoken"]["domain"] == "films.example"
            assert "domain" not in cookies["access_token"]
            refresh = cookies["refresh_token"]["value"]
            response = await client.post(
                "logout/", headers={**JSON, "Cookie": f"refresh_token={refresh}"}
            )
            deleted = set_cookies(response)
            assert deleted["csrftoken"]["domain"] == "films.example"
            assert all("secure" in cookie for cookie in deleted.values())
        async with server.client() as client:
            assert (await client.get("video/")).status_code == 400  # R15: 127.0.0.1 is not it


async def test_r15_links_and_urls_come_from_the_settings(production: Settings) -> None:
    """R15: whatever a request says about hosts."""
    async with site(production) as server:
        headers = {"Host": "films.example", "X-Forwarded-Proto": "http"}
        async with server.client(headers=headers) as client:
            await client.post("register/", json=REGISTRATION)
            video = await add_pending(server.container)
            await server.add_user("admin@example.com", is_staff=True)
            cookies = (await login(client, "admin@example.com")).cookies
            access = {"Cookie": f"access_token={cookies['access_token']}"}
            record = (await client.get(f"admin/videos/{video.id}/", headers=access)).json()
            assert record["thumbnail_url"].startswith("https://films.example/media/thumbnails/")
        mail = (await server.mail_number(1)).as_string()
        assert "https://app.example/pages/auth/activate.html" in mail


@pytest.mark.parametrize("reveals", [True, False])
async def test_the_setting_decides_about_the_token(settings: Settings, reveals: bool) -> None:
    async with site(changed(settings, auth={"reveal_activation_token": reveals})) as server:
        async with server.client() as client:
            body = (await client.post("register/", json=REGISTRATION)).json()
        assert bool(body["token"]) is reveals


async def test_registration_is_taken_back_when_no_mail_goes_out(settings: Settings) -> None:
    """503, and the same address can register again."""
    inbox = Inbox(trouble=Trouble.REJECTS)
    with mail_server(inbox) as port:
        url = f"smtp://127.0.0.1:{port}"
        async with site(changed(settings, mail={"url": url})) as server, server.client() as client:
            response = await client.post("register/", json=REGISTRATION)
            assert response.status_code == 503
            assert response.json() == {"detail": "Email service is currently unavailable."}
            assert await server.container.users.find_by_email(EMAIL) is None
            inbox.trouble = None
            assert (await client.post("register/", json=REGISTRATION)).status_code == 201
    assert [mail["To"] for mail in inbox.mails] == [EMAIL]


async def test_reset_says_the_same_when_no_mail_goes_out(settings: Settings) -> None:
    url = f"smtp://127.0.0.1:{free_port()}"
    async with site(changed(settings, mail={"url": url})) as server, server.client() as client:
        await server.add_user(EMAIL)
        for email in (EMAIL, "unknown@example.com"):
            response = await client.post("password_reset/", json={"email": email})
            assert response.status_code == 200


async def test_the_key_is_replaced_and_nobody_is_signed_out(settings: Settings) -> None:
    """A previous key opens until it is taken out; refreshed tokens are signed with the new one."""
    old = settings.auth.secret_key
    new = changed(settings, auth={"secret_key": secrets.token_urlsafe(48)})
    async with site(settings) as server, server.signed_in() as client:
        cookies = dict(client.cookies)
    refresh = {**JSON, "Cookie": f"refresh_token={cookies['refresh_token']}"}
    access = {"Cookie": f"access_token={cookies['access_token']}"}
    both = changed(new, auth={"previous_keys": (old,)})
    async with site(both) as server, server.client() as client:
        assert (await client.get("video/", headers=access)).status_code == 200
        response = await client.post("token/refresh/", headers=refresh)
        renewed = {"Cookie": f"access_token={response.json()['access']}"}
    async with site(new) as server, server.client() as client:
        assert (await client.get("video/", headers=renewed)).status_code == 200
        assert (await client.get("video/", headers=access)).status_code == 401
        assert (await client.post("token/refresh/", headers=refresh)).status_code == 401


async def test_r9_logout_reaches_other_processes(settings: Settings) -> None:
    """R9: a second server over the same database hears of it within seconds."""
    other_settings = changed(settings, server={"port": free_port()})
    async with site(settings) as one, site(other_settings) as two, one.signed_in() as client:
        cookie = {"Cookie": f"access_token={client.cookies['access_token']}"}
        async with two.client(headers=cookie) as elsewhere:
            assert (await elsewhere.get("video/")).status_code == 200
            await client.post("logout/", headers=JSON)

            async def refused() -> bool:
                return (await elsewhere.get("video/")).status_code == 401

            await until(refused, seconds=20)
    async with site(settings) as restarted, restarted.client(headers=cookie) as client:
        assert (await client.get("video/")).status_code == 401


async def test_r20_what_never_arrives_is_dropped(container: Container) -> None:
    """R20: half a header, a stalled body, an idle connection."""
    body = (
        b"POST /api/login/ HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\n"
        b"Content-Length: 100\r\n\r\n{"
    )
    async with running(container, idle=0.5) as server:
        for part in (b"GET /api/video/ HTTP/1.1\r\nHost: 127", body, b""):
            assert await exchange(server, part) == b""


async def test_a_connection_taken_just_before_the_stop_is_answered(container: Container) -> None:
    """What it brings may be on its way; one that brings nothing is not waited for."""
    request = b"GET /api/video/ HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n"
    listener = socket.create_server(("127.0.0.1", 0))
    listener.setblocking(False)
    server = Server(f"http://127.0.0.1:{listener.getsockname()[1]}", container)
    stop = asyncio.Event()
    serving = asyncio.create_task(serve(container, [listener], stop))
    (reader, writer), (idle, idle_writer) = [await open_connection(server) for _ in range(2)]
    # Connections are taken in order: an answer to a later one means that these were taken.
    last = request.replace(b"\r\n\r\n", b"\r\nConnection: close\r\n\r\n")
    assert status_of(await exchange(server, last)) == 401
    stop.set()
    while listener.fileno() != -1 and not serving.done():  # noqa: ASYNC110 -- it sets no event
        await asyncio.sleep(0)
    writer.write(request)
    await serving
    assert status_of(await reader.read()) == 401
    assert await idle.read() == b""
    writer.close()
    idle_writer.close()


async def test_stop_lets_requests_end(settings: Settings) -> None:
    """A request that runs is answered; nobody new is let in."""
    async with open_container(settings) as container:
        async with running(container) as server:
            await server.add_user(EMAIL)
            reader, writer = await open_connection(server)
            body = b'{"email": "user@example.com", "password": "wrong-one-7"}'
            lines = (
                "POST /api/login/ HTTP/1.1",
                "Host: 127.0.0.1",
                "Content-Type: application/json",
                f"Content-Length: {len(body)}",
            )
            writer.write("\r\n".join((*lines, "", "")).encode() + body)
            await writer.drain()
            first = await reader.read(12)
        assert status_of(first) == 400
        with pytest.raises(httpx.ConnectError):
            async with server.client() as client:
                await client.get("video/")
        writer.close()


@pytest.mark.parametrize(
    ("trusted", "forwarded", "client"),
    [
        ((), "9.9.9.9", "127.0.0.1"),
        (("127.0.0.1",), "9.9.9.9", "9.9.9.9"),
        (("127.0.0.1",), "1.1.1.1, 9.9.9.9", "9.9.9.9"),
        (("127.0.0.0/8", "10.0.0.0/8"), "1.1.1.1, 9.9.9.9, 10.1.2.3", "9.9.9.9"),
        (("127.0.0.1",), "1.1.1.1, nonsense", "127.0.0.1"),
        (("127.0.0.1",), "", "127.0.0.1"),
        (("127.0.0.1",), "::ffff:9.9.9.9", "9.9.9.9"),
        (("127.0.0.1",), "2001:db8::1", "2001:db8::1"),
    ],
)
async def test_r5_trusted_proxies(
    settings: Settings, trusted: tuple[str, ...], forwarded: str, client: str
) -> None:
    """R5: X-Forwarded-For counts as far as our own proxies wrote it."""
    async with site(changed(settings, server={"trusted_proxies": trusted})) as server:
        with capture_logs() as logs:
            async with server.client() as sender:
                await sender.get("nothing", headers={"X-Forwarded-For": forwarded})
    [logged] = [entry for entry in logs if entry["event"] == "request"]
    assert logged["client"] == client


async def test_only_a_trusted_proxy_names_requests(settings: Settings) -> None:
    ids = {"0123456789abcdef0123456789abcdef", "0123456789abcdef"}
    others = {"0123456789ABCDEF", "short", "0" * 33}
    for proxy, kept in (("127.0.0.1", ids), ("10.0.0.1", set[str]())):
        async with site(changed(settings, server={"trusted_proxies": [proxy]})) as server:
            with capture_logs() as logs:
                async with server.client() as sender:
                    for given in ids | others:
                        answer = await sender.get("nothing", headers={"X-Request-ID": given})
                        named = answer.headers["X-Request-ID"]
                        assert (named == given) is (given in kept)
                        assert named in [entry.get("request_id") for entry in logs]


async def test_r49_the_database_goes_away_and_comes_back(
    settings: Settings, clip_cache: ClipCache
) -> None:
    """R49: 503 where it is needed, never a false answer, films that are known play on, and no
    restart is needed."""
    segments = [f"video/1/480p/segment_{number:03}.ts" for number in range(2)]
    async with relayed(settings.mongo.uri) as (relay, uri):
        away = changed(settings, mongo={"uri": uri, "timeout": 0.5})
        async with site(away) as server, server.signed_in() as client:
            body = {"email": "member@example.com", "password": PASSWORD}
            await publish(server.container, encoded_title(clip_cache))
            assert (await client.get(segments[0])).status_code == 200
            await relay.cut()
            for segment in segments:
                assert (await client.get(segment)).status_code == 200
            for response in (
                await client.get("video/"),
                await client.post("login/", json=body),
                await client.post("token/refresh/", headers=JSON),
                await client.post("logout/", headers=JSON),
            ):
                assert response.status_code == 503
                assert list(response.json()) == ["detail"]
                assert int(response.headers["retry-after"]) > 0
            async with server.client() as stranger:
                assert (await stranger.get("video/")).status_code == 401
                assert (await stranger.get(segments[0])).status_code == 401
            await relay.mend()

            async def works() -> bool:
                return (await client.get("video/")).status_code == 200

            await until(works)
            assert (await client.post("login/", json=body)).status_code == 200


async def test_a_login_renews_a_hash_of_another_cost(settings: Settings) -> None:
    """Logins of the same moment too: whoever is second to renew it still gets in."""
    async with site(settings) as server:
        before = await server.add_user("user@example.com")
    cost = settings.auth.bcrypt_cost + 1
    async with site(changed(settings, auth={"bcrypt_cost": cost})) as server:
        async with server.client() as client:
            logins = [login(client, "user@example.com") for _ in range(4)]
            await asyncio.gather(*logins)
        after = await server.container.users.find(before.id)
        assert after is not None
        assert after.password_hash.startswith(f"$2b${cost:02d}$")
        assert before.password_hash != after.password_hash


async def test_r16_plain_http_is_foreign_to_https(production: Settings) -> None:
    """R16: whoever is on the network can write pages of http://films.example."""
    async with site(production) as server, server.client() as client:
        for scheme, status in (("https", 400), ("http", 403)):
            headers = {"Host": "films.example", "Origin": f"{scheme}://films.example", **JSON}
            assert (await client.post("logout/", headers=headers)).status_code == status
