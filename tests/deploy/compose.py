"""docker-compose.yml as Compose reads it, with the variables of an ``.env`` file filled in."""

import re
import subprocess
from collections.abc import Mapping
from typing import Any

import yaml

from tests.commands import REPOSITORY

FILE = REPOSITORY / "docker-compose.yml"
TEMPLATE = REPOSITORY / ".env.template"
URL = "https://videos.example"
ADMIN = "boss@videoflix.example"
# $$, $NAME, ${NAME}, ${NAME:-default}, ${NAME:?message} (Compose specification, interpolation).
VARIABLE = re.compile(r"\$(?:(\$)|(\w+)|\{(\w+)(?::([-?])([^}]*))?\})")


class MissingVariable(Exception):
    """As Compose refuses to start."""


def variables(file: str) -> dict[str, str]:
    """What an ``.env`` file sets."""
    lines = [line for line in file.splitlines() if line and not line.startswith("#")]
    pairs = [line.partition("=") for line in lines]
    assert all(separator for _, separator, _ in pairs)
    return {name: value for name, _, value in pairs}


def made_env(url: str = URL, admin: str = ADMIN) -> dict[str, str]:
    """What deploy/make-env.sh makes."""
    command = ["sh", "deploy/make-env.sh", url, admin]
    made = subprocess.run(command, cwd=REPOSITORY, check=True, capture_output=True, text=True)
    return variables(made.stdout)


def interpolated(text: str, known: Mapping[str, str]) -> str:
    def value(match: re.Match[str]) -> str:
        dollar, plain, braced, kind, rest = match.groups()
        if dollar:
            return "$"
        found = known.get(plain or braced, "")
        if not found and kind == "?":
            raise MissingVariable(f"{braced} {rest}")
        return rest if not found and kind == "-" else found

    return VARIABLE.sub(value, text)


def _filled(part: Any, known: Mapping[str, str]) -> Any:
    if isinstance(part, str):
        return interpolated(part, known)
    if isinstance(part, dict):
        return {key: _filled(value, known) for key, value in part.items()}
    if isinstance(part, list):
        return [_filled(value, known) for value in part]
    return part


def compose_file(known: Mapping[str, str]) -> dict[str, Any]:
    """The file with its variables filled in. Raises MissingVariable."""
    loaded: dict[str, Any] = _filled(yaml.safe_load(FILE.read_text(encoding="utf-8")), known)
    return loaded


def asked_variables() -> set[str]:
    """The variables that the file names, but for comments."""
    text = "\n".join(
        line for line in FILE.read_text(encoding="utf-8").splitlines() if "#" not in line[:8]
    )
    return {plain or braced for _, plain, braced, _, _ in VARIABLE.findall(text)} - {""}


def dockerfile() -> list[tuple[str, str]]:
    """The Dockerfile's instructions with their arguments; lines that go on are one."""
    text = (REPOSITORY / "Dockerfile").read_text(encoding="utf-8").replace("\\\n", "")
    lines = [line for line in text.splitlines() if line and not line.startswith("#")]
    return [(line.split(" ", 1)[0], line.split(" ", 1)[1].strip()) for line in lines]


def of_image(instruction: str) -> list[str]:
    """The arguments of the instruction in the Dockerfile's last stage."""
    found = dockerfile()
    last = max(index for index, (name, _) in enumerate(found) if name == "FROM")
    return [argument for name, argument in found[last:] if name == instruction]
