"""Settings: from a file and the environment, refused with one clear line when wrong."""

from pathlib import Path

import pytest

from videoflix.errors import ConfigurationError
from videoflix.settings_loader import load_settings

STRONG = "correct-horse-battery-staple-0123456789"
PRODUCTION = {
    "VIDEOFLIX_SERVER__MODE": "production",
    "VIDEOFLIX_SERVER__BASE_URL": "https://films.example",
    "VIDEOFLIX_SERVER__FRONTEND_URL": "https://app.example",
    "VIDEOFLIX_SERVER__CORS_ORIGINS": "https://app.example",
    "VIDEOFLIX_AUTH__SECRET_KEY": STRONG,
}


def test_the_environment_overrides_the_file(tmp_path: Path) -> None:
    path = tmp_path / "config.toml"
    path.write_text('[server]\nport = 1\nhost = "::1"\n', encoding="utf-8")
    settings = load_settings(path, {"VIDEOFLIX_SERVER__PORT": "2"})
    assert (settings.server.port, settings.server.host) == (2, "::1")


def test_the_environment_names_the_file(tmp_path: Path) -> None:
    path = tmp_path / "other.toml"
    path.write_text("[server]\nport = 7\n", encoding="utf-8")
    assert load_settings(environment={"VIDEOFLIX_CONFIG": str(path)}).server.port == 7


def test_a_file_in_the_working_directory_is_found(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "config.toml").write_text("[server]\nport = 9\n", encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    assert load_settings(environment={}).server.port == 9


def test_lists_are_written_with_commas() -> None:
    environment = {"VIDEOFLIX_SERVER__ALLOWED_HOSTS": "a.example, b.example"}
    assert load_settings(environment=environment).server.allowed_hosts == ("a.example", "b.example")


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("VIDEOFLIX_SERVER", "1"),
        ("VIDEOFLIX_SERVER__", "1"),
        ("VIDEOFLIX_SERVER__PROT", "1"),
        ("VIDEOFLIX_SEVER__PORT", "1"),
        ("VIDEOFLIX_SERVER__PORT", "65536"),
        ("VIDEOFLIX_SERVER__MODE", "test"),
        ("VIDEOFLIX_SERVER__BASE_URL", "films.example"),
        ("VIDEOFLIX_SERVER__CORS_ORIGINS", "http://a.example/path"),
        ("VIDEOFLIX_SERVER__CORS_ORIGINS", "*"),
        ("VIDEOFLIX_SERVER__TRUSTED_PROXIES", "proxy.example"),
        ("VIDEOFLIX_STORAGE__FREE_FLOOR", "-1"),
        ("VIDEOFLIX_MONGO__URI", "postgres://u:hidden@h"),
        ("VIDEOFLIX_SERVER__FRONTEND_URL", ""),
        ("VIDEOFLIX_MONGO__URI", "mongodb://"),
        ("VIDEOFLIX_MONGO__URI", "mongodb://db.example:hidden"),
        ("VIDEOFLIX_MONGO__URI", "mongodb://u:hidden/pw@db.example"),
        ("VIDEOFLIX_MONGO__URI", "mongodb://one.example,two.example:70000"),
        ("VIDEOFLIX_MONGO__DATABASE", "a/b"),
        ("VIDEOFLIX_REDIS__URL", "redis://u:hidden@queue.example:hidden/0"),
        ("VIDEOFLIX_MAIL__URL", "smtp://u:hidden@"),
        ("VIDEOFLIX_MAIL__URL", "smtps://u:hidden@mail.example:hidden"),
        ("VIDEOFLIX_REDIS__URL", "http://u:hidden@h"),
        ("VIDEOFLIX_MAIL__URL", "imap://u:hidden@h"),
        ("VIDEOFLIX_AUTH__BCRYPT_COST", "3"),
        ("VIDEOFLIX_MEDIA__RUNGS", "480p,480p"),
        ("VIDEOFLIX_MEDIA__RUNGS", "4k"),
        ("VIDEOFLIX_MEDIA__MAX_PIXELS", "268435457"),
        ("VIDEOFLIX_MEDIA__MAX_DURATION", "604801"),
        ("VIDEOFLIX_WORKER__JOB_TIMEOUT", "inf"),
        ("VIDEOFLIX_WORKER__JOB_TIMEOUT", "2592001"),
        ("VIDEOFLIX_LOG__LEVEL", "loud"),
    ],
)
def test_a_wrong_variable_is_one_line_that_names_it(name: str, value: str) -> None:
    with pytest.raises(ConfigurationError) as caught:
        load_settings(environment={name: value})
    assert str(caught.value).startswith(f"{name}: ")
    assert "\n" not in str(caught.value)
    assert "hidden" not in str(caught.value)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("VIDEOFLIX_MONGO__URI", "mongodb://u:p%2Fw@one.example:27017,[::1]:27018/?tls=true"),
        ("VIDEOFLIX_MONGO__URI", "mongodb://%2Ftmp%2Fmongodb-27017.sock"),
        ("VIDEOFLIX_MONGO__URI", "mongodb+srv://u:p@cluster.example/films"),
        ("VIDEOFLIX_REDIS__URL", "rediss://:p@queue.example:6380/1"),
        ("VIDEOFLIX_REDIS__URL", "unix:///run/redis.sock?db=1"),
        ("VIDEOFLIX_MAIL__URL", "smtp://user%40mail.example:p@[::1]:2525"),
    ],
)
def test_addresses_of_services_of_every_form_are_taken(name: str, value: str) -> None:
    section, key = name.removeprefix("VIDEOFLIX_").lower().split("__")
    settings = load_settings(environment={name: value})
    assert getattr(getattr(settings, section), key).get_secret_value() == value


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("[server]\nprot = 1", "server.prot: there is no such setting"),
        ("[sever]\nport = 1", "sever: there is no such setting"),
        ("[server]\nport = 'many'", "server.port: "),
        ("port = 1", "'port' stands outside of a [section]"),
        ("[server", "config.toml: "),
    ],
)
def test_a_wrong_file_is_one_line_that_names_the_place(
    tmp_path: Path, text: str, said: str
) -> None:
    path = tmp_path / "config.toml"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(ConfigurationError) as caught:
        load_settings(path, {})
    assert said in str(caught.value)
    assert "\n" not in str(caught.value)


def test_previous_keys_are_a_list_and_stay_secret() -> None:
    settings = load_settings(environment={"VIDEOFLIX_AUTH__PREVIOUS_KEYS": "one-key, other-key"})
    keys = settings.auth.previous_keys
    assert [key.get_secret_value() for key in keys] == ["one-key", "other-key"]
    assert "one-key" not in repr(settings)


def test_production_takes_a_strong_secret_and_a_base_url() -> None:
    settings = load_settings(environment=PRODUCTION)
    assert settings.has_secure_cookies
    assert not settings.reveals_activation_token
    assert "localhost" not in settings.server.hosts


@pytest.mark.parametrize(
    ("change", "named"),
    [
        ({"VIDEOFLIX_AUTH__SECRET_KEY": ""}, "auth.secret_key"),
        ({"VIDEOFLIX_AUTH__SECRET_KEY": "a" * 64}, "auth.secret_key"),
        ({"VIDEOFLIX_AUTH__SECRET_KEY": STRONG[:31]}, "auth.secret_key"),
        ({"VIDEOFLIX_AUTH__PREVIOUS_KEYS": f"{STRONG},{STRONG[:31]}"}, "auth.previous_keys"),
        ({"VIDEOFLIX_SERVER__BASE_URL": ""}, "server.base_url"),
        ({"VIDEOFLIX_SERVER__FRONTEND_URL": "http://127.0.0.1:5500"}, "server.frontend_url"),
        ({"VIDEOFLIX_SERVER__CORS_ORIGINS": "http://localhost:5500"}, "server.cors_origins"),
        (
            {"VIDEOFLIX_SERVER__CORS_ORIGINS": "https://a.example,http://[::1]"},
            "server.cors_origins",
        ),
        ({"VIDEOFLIX_AUTH__REVEAL_ACTIVATION_TOKEN": "true"}, "auth.reveal_activation_token"),
    ],
)
def test_production_refuses_what_is_weak(change: dict[str, str], named: str) -> None:
    with pytest.raises(ConfigurationError, match=f"^{named}: ") as caught:
        load_settings(environment=PRODUCTION | change)
    assert STRONG[:31] not in str(caught.value)


@pytest.mark.parametrize(
    ("host", "url"),
    [
        ("127.0.0.1", "http://127.0.0.1:8000"),
        ("0.0.0.0", "http://127.0.0.1:8000"),  # noqa: S104 -- a value, nothing is bound
        ("::1", "http://[::1]:8000"),
    ],
)
def test_the_public_url_follows_host_and_port(host: str, url: str) -> None:
    settings = load_settings(environment={"VIDEOFLIX_SERVER__HOST": host})
    assert settings.server.public_url == url


def test_production_may_share_with_no_other_origin() -> None:
    settings = load_settings(environment=PRODUCTION | {"VIDEOFLIX_SERVER__CORS_ORIGINS": ""})
    assert settings.server.cors_origins == ()


def test_secrets_are_not_shown() -> None:
    environment = PRODUCTION | {"VIDEOFLIX_MONGO__URI": "mongodb://u:hidden@h/"}
    shown = repr(load_settings(environment=environment))
    assert STRONG not in shown
    assert "hidden" not in shown
