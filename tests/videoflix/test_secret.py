"""The key for tokens: made once, for its owner alone, the same for all who start at once."""

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from videoflix.errors import ConfigurationError
from videoflix.private_files import read_or_create_private
from videoflix.secret import with_secret
from videoflix.settings import Settings
from videoflix.settings_loader import load_settings


def settings_at(root: Path, **more: str) -> Settings:
    return load_settings(environment={"VIDEOFLIX_STORAGE__ROOT": str(root), **more})


def secret_of(settings: Settings) -> str:
    return with_secret(settings).auth.secret_key.get_secret_value()


def test_it_is_made_once_and_kept_private(tmp_path: Path) -> None:
    settings = settings_at(tmp_path / "var")
    secret = secret_of(settings)
    assert len(secret) >= 32
    assert secret_of(settings) == secret
    assert (tmp_path / "var" / "secret_key").stat().st_mode & 0o777 == 0o600
    assert (tmp_path / "var").stat().st_mode & 0o777 == 0o700


def test_two_roots_have_two(tmp_path: Path) -> None:
    assert secret_of(settings_at(tmp_path / "a")) != secret_of(settings_at(tmp_path / "b"))


def test_a_configured_one_is_used_and_nothing_written(tmp_path: Path) -> None:
    settings = settings_at(tmp_path / "var", VIDEOFLIX_AUTH__SECRET_KEY="k" * 40)
    assert secret_of(settings) == "k" * 40
    assert not (tmp_path / "var").exists()


def test_of_many_that_make_it_at_once_one_wins(tmp_path: Path) -> None:
    path = tmp_path / "secret"
    with ThreadPoolExecutor(16) as pool:
        found = set(pool.map(lambda n: read_or_create_private(path, f"{n}"), range(64)))
    assert found == {path.read_text(encoding="utf-8")}
    assert list(tmp_path.iterdir()) == [path]


def test_a_short_one_is_refused(tmp_path: Path) -> None:
    (tmp_path / "secret_key").write_text("short", encoding="utf-8")
    with pytest.raises(ConfigurationError, match="too short"):
        with_secret(settings_at(tmp_path))


def test_a_root_that_cannot_be_made_is_named() -> None:
    with pytest.raises(ConfigurationError, match=r"^storage\.root: "):
        with_secret(settings_at(Path("/proc/nowhere")))
