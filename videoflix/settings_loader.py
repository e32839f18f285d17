"""Reading the settings: ``config.toml``, overridden by ``VIDEOFLIX_<SECTION>__<KEY>``.

``load_settings`` is the one way in. What is wrong is one clear line (``ConfigurationError``).
"""

import os
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from videoflix.errors import ConfigurationError
from videoflix.settings import Settings

ENVIRONMENT_PREFIX = "VIDEOFLIX_"
CONFIG_VARIABLE = "VIDEOFLIX_CONFIG"
DEFAULT_CONFIG = Path("config.toml")


def _from_environment(environment: Mapping[str, str]) -> dict[str, dict[str, str]]:
    found: dict[str, dict[str, str]] = {}
    for name, value in environment.items():
        if not name.startswith(ENVIRONMENT_PREFIX) or name == CONFIG_VARIABLE:
            continue
        section, separator, key = name.removeprefix(ENVIRONMENT_PREFIX).lower().partition("__")
        if not separator or not section or not key:
            raise ConfigurationError(f"{name}: not of the form VIDEOFLIX_<SECTION>__<KEY>")
        if section not in Settings.model_fields:
            raise ConfigurationError(f"{name}: there is no section '{section}'")
        section_type = Settings.model_fields[section].annotation
        if section_type is None or key not in section_type.model_fields:
            raise ConfigurationError(f"{name}: there is no setting '{section}.{key}'")
        found.setdefault(section, {})[key] = value
    return found


def _from_file(path: Path) -> dict[str, dict[str, Any]]:
    try:
        tables = tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise ConfigurationError(f"{path}: cannot be read ({error.strerror})") from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise ConfigurationError(f"{path}: {error}") from error
    for name, table in tables.items():
        if not isinstance(table, dict):
            raise ConfigurationError(f"{path}: '{name}' stands outside of a [section]")
    return tables


def _one_line(error: ValidationError, overridden: Mapping[str, Mapping[str, str]]) -> str:
    first = error.errors(include_url=False)[0]
    place = [str(part) for part in first["loc"][:2]]
    message = first["msg"].removeprefix("Value error, ")
    if first["type"] == "extra_forbidden":
        message = "there is no such setting"
    if not place:
        return message
    name = ".".join(place)
    if len(place) == 2 and place[1] in overridden.get(place[0], {}):
        name = f"{ENVIRONMENT_PREFIX}{place[0]}__{place[1]}".upper()
    return f"{name}: {message}"


def load_settings(
    path: Path | None = None, environment: Mapping[str, str] | None = None
) -> Settings:
    """Read the settings.

    ``path`` is the TOML file; without it ``$VIDEOFLIX_CONFIG``, else ``config.toml`` in the
    working directory where there is one. Raises ConfigurationError with one line that names the
    setting and where it came from, never with a secret's value.
    """
    environment = os.environ if environment is None else environment
    if path is None and environment.get(CONFIG_VARIABLE):
        path = Path(environment[CONFIG_VARIABLE])
    if path is None and DEFAULT_CONFIG.is_file():
        path = DEFAULT_CONFIG
    values: dict[str, dict[str, Any]] = _from_file(path) if path else {}
    overridden = _from_environment(environment)
    for section, keys in overridden.items():
        values[section] = {**values.get(section, {}), **keys}
    try:
        return Settings.model_validate(values)
    except ValidationError as error:
        raise ConfigurationError(_one_line(error, overridden)) from error
