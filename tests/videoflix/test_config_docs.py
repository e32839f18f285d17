"""config.toml, the README's tables and the settings say the same."""

import re
import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest
from pydantic import BaseModel

from videoflix.settings import Settings
from videoflix.settings_loader import load_settings

REPOSITORY = Path(__file__).parents[2]
CONFIG = REPOSITORY / "config.toml"
README = REPOSITORY / "README.md"


def setting_names() -> Iterator[str]:
    for section, field in Settings.model_fields.items():
        assert isinstance(field.default, BaseModel)
        for key in type(field.default).model_fields:
            yield f"{section}.{key}"


def written_settings() -> Iterator[tuple[str, str]]:
    """Each setting that config.toml names, also where it is commented out, with the comment
    that stands before it."""
    section, comment = "", ""
    for line in CONFIG.read_text(encoding="utf-8").splitlines():
        if match := re.fullmatch(r"\[(\w+)\]", line):
            section, comment = match[1], ""
        elif match := re.match(r"(?:# )?([a-z_]+) = ", line):
            yield f"{section}.{match[1]}", comment
        elif line.startswith("# "):
            comment += line
        elif not line:
            comment = ""


def test_every_setting_is_in_the_file_in_order_and_no_other() -> None:
    assert [name for name, _ in written_settings()] == list(setting_names())


def test_every_setting_has_a_comment() -> None:
    assert [name for name, comment in written_settings() if not comment] == []


def test_the_file_equals_the_defaults() -> None:
    assert load_settings(CONFIG, environment={}) == Settings()


def test_settings_that_are_commented_out_may_be_written_as_they_stand(tmp_path: Path) -> None:
    text = re.sub(r"(?m)^# ([a-z_]+ = )", r"\1", CONFIG.read_text(encoding="utf-8"))
    assert text != CONFIG.read_text(encoding="utf-8")
    path = tmp_path / "config.toml"
    path.write_text(text, encoding="utf-8")
    load_settings(path, environment={})


def readme_rows() -> dict[str, str]:
    text = README.read_text(encoding="utf-8")
    return dict(re.findall(r"(?m)^\| `(\w+\.\w+)` \| (.+?) \|", text))


def test_the_readme_lists_every_setting_and_no_other() -> None:
    assert list(readme_rows()) == list(setting_names())


@pytest.mark.parametrize("name", sorted(setting_names()))
def test_the_readme_gives_the_default(name: str) -> None:
    section, key = name.split(".")
    shown = readme_rows()[name]
    if shown == "unset":
        assert getattr(getattr(Settings(), section), key) is None
        return
    written = tomllib.loads(f"[{section}]\n{key} = {shown.strip('`')}\n")
    values = {section: written[section]}
    assert getattr(Settings.model_validate(values), section) == getattr(Settings(), section)
