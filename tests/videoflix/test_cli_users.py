"""``users``, as an operator types it."""

import subprocess
from pathlib import Path

import pytest

from tests.commands import run
from videoflix.container import Container
from videoflix.errors import FieldErrors, Unauthenticated
from videoflix.settings import Settings

PASSWORD = "quiet-Harbour-42"
EMAIL = "Some.Member@videoflix.example"


@pytest.fixture
def environment(settings: Settings) -> dict[str, str]:
    """Of a command on the same services and database as ``settings``."""
    return {
        "VIDEOFLIX_MONGO__URI": settings.mongo.uri.get_secret_value(),
        "VIDEOFLIX_MONGO__DATABASE": settings.mongo.database,
        "VIDEOFLIX_REDIS__URL": settings.redis.url.get_secret_value(),
        "VIDEOFLIX_AUTH__SECRET_KEY": settings.auth.secret_key.get_secret_value(),
    }


def users(
    *arguments: str, environment: dict[str, str], root: Path, stdin: str = ""
) -> subprocess.CompletedProcess[str]:
    return run("users", *arguments, root=root, extra=environment, stdin=stdin)


async def test_list(container: Container, environment: dict[str, str], tmp_path: Path) -> None:
    member = await container.accounts.create(EMAIL, PASSWORD, is_staff=False)
    await container.accounts.create("boss@videoflix.example", PASSWORD, is_staff=True)
    await container.members.disable(member.id)
    await container.accounts.register("new@videoflix.example", PASSWORD, PASSWORD)
    shown = users("list", environment=environment, root=tmp_path)
    assert shown.returncode == 0, shown.stderr
    lines = [line.split() for line in shown.stdout.splitlines()]
    day = f"{member.created_at:%Y-%m-%d}"
    assert lines == [
        ["id", "role", "state", "made", "email"],
        ["1", "member", "disabled", day, EMAIL],
        ["2", "admin", "active", day, "boss@videoflix.example"],
        ["3", "member", "not-activated", day, "new@videoflix.example"],
    ]
    starts = {line.index(line.split()[-1]) for line in shown.stdout.splitlines()}
    assert len(starts) == 1  # columns stand below one another


def test_list_of_nobody(environment: dict[str, str], tmp_path: Path) -> None:
    shown = users("list", environment=environment, root=tmp_path)
    assert shown.stdout.split() == ["id", "role", "state", "made", "email"]


async def test_r10_disable_and_enable(
    container: Container, environment: dict[str, str], tmp_path: Path
) -> None:
    """R10: disabling ends the sessions; enabling does not bring them back."""
    await container.accounts.create(EMAIL, PASSWORD, is_staff=False)
    signed_in = await container.accounts.login(EMAIL, PASSWORD)
    done = users("disable", EMAIL.lower(), environment=environment, root=tmp_path)
    assert (done.returncode, done.stdout) == (0, f"Disabled {EMAIL} (id 1).\n"), done.stderr
    with pytest.raises(Unauthenticated):
        await container.accounts.refresh(signed_in.refresh)
    with pytest.raises(FieldErrors):
        await container.accounts.login(EMAIL, PASSWORD)
    done = users("enable", EMAIL, environment=environment, root=tmp_path)
    assert (done.returncode, done.stdout) == (0, f"Enabled {EMAIL} (id 1).\n")
    assert (await container.accounts.login(EMAIL, PASSWORD)).user.id == 1
    with pytest.raises(Unauthenticated):
        await container.accounts.refresh(signed_in.refresh)


async def test_r10_delete_asks(
    container: Container, environment: dict[str, str], tmp_path: Path
) -> None:
    """R10: deleting ends the sessions."""
    await container.accounts.create(EMAIL, PASSWORD, is_staff=False)
    signed_in = await container.accounts.login(EMAIL, PASSWORD)
    for stdin in ("n\n", ""):
        kept = users("delete", EMAIL, environment=environment, root=tmp_path, stdin=stdin)
        assert kept.returncode == 1
        assert f"Delete the account of {EMAIL} for good?" in kept.stdout
    assert await container.users.find(1) is not None
    done = users("delete", EMAIL, environment=environment, root=tmp_path, stdin="y\n")
    assert done.returncode == 0, done.stderr
    assert done.stdout.endswith(f"Deleted {EMAIL} (id 1).\n")
    assert await container.users.find(1) is None
    with pytest.raises(Unauthenticated):
        await container.accounts.refresh(signed_in.refresh)


async def test_delete_without_asking(
    container: Container, environment: dict[str, str], tmp_path: Path
) -> None:
    await container.accounts.create(EMAIL, PASSWORD, is_staff=False)
    done = users("delete", EMAIL, "--yes", environment=environment, root=tmp_path)
    assert (done.returncode, done.stdout) == (0, f"Deleted {EMAIL} (id 1).\n")
    assert await container.users.find(1) is None


@pytest.mark.parametrize("command", [("disable",), ("enable",), ("delete", "--yes")])
def test_nobody_of_this_name(
    environment: dict[str, str], tmp_path: Path, command: tuple[str, ...]
) -> None:
    for email, said in ((EMAIL, "has no account"), ("no address", "valid email address")):
        ended = users(*command, email, environment=environment, root=tmp_path)
        assert ended.returncode == 1
        assert said in ended.stderr
        assert ended.stderr.count("\n") == 1
