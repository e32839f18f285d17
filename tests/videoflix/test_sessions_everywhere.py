"""R9: a session that ends on one server is refused by every other, which are processes of their
own over the same database."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import pytest

from tests.commands import running, until
from tests.ports import free_port
from videoflix.container import Container
from videoflix.settings import Settings

EMAIL = "member@videoflix.example"
PASSWORD = "quiet-Harbour-42"
LISTENS = r"^Videoflix listens on (http://\S+)"
JSON = {"Content-Type": "application/json"}
SECONDS = 5.0  # what R9 gives


@pytest.fixture
def environment(settings: Settings) -> dict[str, str]:
    return {
        "VIDEOFLIX_MONGO__URI": settings.mongo.uri.get_secret_value(),
        "VIDEOFLIX_MONGO__DATABASE": settings.mongo.database,
        "VIDEOFLIX_REDIS__URL": settings.redis.url.get_secret_value(),
        "VIDEOFLIX_AUTH__SECRET_KEY": settings.auth.secret_key.get_secret_value(),
    }


@contextmanager
def server(root: Path, environment: dict[str, str]) -> Iterator[str]:
    with running("serve", root=root, extra=environment) as started:
        yield started.line(LISTENS)[1]


@pytest.fixture
async def member(container: Container) -> int:
    return (await container.accounts.create(EMAIL, PASSWORD, is_staff=False)).id


def sign_in(url: str) -> dict[str, str]:
    answer = httpx.post(f"{url}/api/login/", json={"email": EMAIL, "password": PASSWORD})
    assert answer.status_code == 200, answer.text
    return dict(answer.cookies)


def status(url: str, cookies: dict[str, str]) -> int:
    return httpx.get(f"{url}/api/video/", cookies=cookies).status_code


def sign_out(url: str, cookies: dict[str, str]) -> None:
    answer = httpx.post(f"{url}/api/logout/", cookies=cookies, headers=JSON)
    assert answer.status_code == 200, answer.text


def refused_in_time(url: str, cookies: dict[str, str]) -> None:
    """Wait until the server refuses the session. Raises TimeoutError after the seconds of R9."""
    until(lambda: status(url, cookies) == 401, seconds=SECONDS)


def refreshes(url: str, cookies: dict[str, str]) -> int:
    return httpx.post(f"{url}/api/token/refresh/", cookies=cookies, headers=JSON).status_code


@pytest.mark.usefixtures("member")
def test_r9_logout_on_one_server_is_refused_on_the_other(
    tmp_path: Path, environment: dict[str, str]
) -> None:
    with server(tmp_path / "one", environment) as one:
        with server(tmp_path / "two", environment) as two:
            ended, kept = sign_in(one), sign_in(two)
            assert [status(url, ended) for url in (one, two)] == [200, 200]
            sign_out(one, ended)
            assert status(one, ended) == 401  # at once
            refused_in_time(two, ended)
            assert refreshes(two, ended) == 401
            assert [status(url, kept) for url in (one, two)] == [200, 200]
        with server(tmp_path / "two", environment) as restarted:
            assert status(restarted, ended) == 401
            assert refreshes(restarted, ended) == 401
            assert status(restarted, kept) == 200


@pytest.mark.usefixtures("member")
def test_r9_without_redis_too(tmp_path: Path, environment: dict[str, str]) -> None:
    """The poll of the database alone is fast enough, and sign-ins work."""
    away = {**environment, "VIDEOFLIX_REDIS__URL": f"redis://127.0.0.1:{free_port()}"}
    with server(tmp_path / "one", away) as one, server(tmp_path / "two", away) as two:
        cookies = sign_in(one)
        assert status(two, cookies) == 200
        sign_out(one, cookies)
        refused_in_time(two, cookies)
        assert status(one, sign_in(two)) == 200


@pytest.mark.usefixtures("member")
async def test_r10_an_operator_ends_sessions_on_running_servers(
    tmp_path: Path, environment: dict[str, str], container: Container
) -> None:
    """R10: disabled and deleted elsewhere, refused here."""
    with server(tmp_path / "one", environment) as one:
        cookies = sign_in(one)
        await container.members.disable(1)
        refused_in_time(one, cookies)
        await container.members.enable(1)
        assert status(one, cookies) == 401
        again = sign_in(one)
        assert status(one, again) == 200
        await container.members.delete(1)
        refused_in_time(one, again)
