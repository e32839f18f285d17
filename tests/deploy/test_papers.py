"""Documents for who runs it: messages that they quote are messages of the programs, what they link
to exists, licences are what the packages say."""

import ast
import re
from collections.abc import Iterator
from functools import cache
from importlib.metadata import files, metadata
from pathlib import Path

import pytest

from tests.commands import REPOSITORY
from tests.videoflix.test_requirements import RUN_TIME, pinned
from videoflix.settings_loader import load_settings

PAPERS = (
    *("README.md", "SECURITY.md", "CONTRIBUTING.md"),
    *sorted(
        str(path.relative_to(REPOSITORY))
        for folder in ("docs", "deploy")
        for path in (REPOSITORY / folder).rglob("*.md")
    ),
)
WITH_MESSAGES = ("README.md", "docs/production.md")
SOURCES = ("videoflix", "handlers", "media_pipeline", "deploy")
KINDS = (".py", ".conf", ".sh")
PERMISSIVE = r"MIT|BSD|0BSD|Apache|ISC|PSF|Zlib|CC0|The Unlicense"
SHORTEST = 12  # characters that a piece of a message needs to tell it from others


def quoted_messages() -> Iterator[str]:
    """What stands as a message in the first column of the tables of troubles."""
    for name in WITH_MESSAGES:
        text = (REPOSITORY / name).read_text(encoding="utf-8")
        table = text.partition("## Troubleshooting")[2].partition("\n## ")[0]
        yield from re.findall(r"(?m)^\| `([^`]+)` \|", table)


def _literals(path: Path) -> Iterator[str]:
    """The texts of a file, in pieces where something variable stands in between."""
    text = path.read_text(encoding="utf-8")
    if path.suffix == ".py":
        for node in ast.walk(ast.parse(text)):
            if isinstance(node, ast.Constant) and isinstance(node.value, str):
                yield node.value
    else:
        yield from text.splitlines()
        for message in re.findall(r"['\"]([^'\"]+)['\"]", text):
            yield from re.split(r"%[ds]|\$\([A-Z]+\)", message)


@cache
def literals() -> frozenset[str]:
    """The pieces of everything that the programs may say that are long enough to be told apart."""
    paths = [path for name in SOURCES for path in (REPOSITORY / name).rglob("*")]
    paths = [path for path in paths if path.suffix in KINDS and "node_modules" not in path.parts]
    found = {piece for path in (*paths, REPOSITORY / "Makefile") for piece in _literals(path)}
    return frozenset(piece for piece in found if len(piece.strip()) >= SHORTEST)


@pytest.mark.parametrize("message", sorted(set(quoted_messages())))
def test_messages_that_are_quoted_are_said(message: str) -> None:
    assert [piece for piece in literals() if piece.strip() in message or message in piece]


def licence(name: str) -> str:
    """As the package's metadata says it, shortly."""
    found = metadata(name)
    if expression := found["License-Expression"]:
        return str(expression)
    classified = [text for text in found.get_all("Classifier") or [] if "License ::" in text]
    said = [text.rpartition(":: ")[2] for text in classified if text.count("::") > 1]
    return str((said or str(found["License"]).splitlines())[0])


def licence_rows() -> dict[str, str]:
    """Packages that docs/licences.md names, each with its licence."""
    page = (REPOSITORY / "docs" / "licences.md").read_text(encoding="utf-8")
    return dict(re.findall(r"(?m)^\| (\w+)[^|]* \| `([^`]+)` \|", page))


def test_licences_that_ask_for_more_are_named() -> None:
    rows = licence_rows()
    assert {"av", "SecantusDB"} <= rows.keys()
    for requirement in pinned(RUN_TIME).values():
        name = requirement.name
        if requirement.marker is None or requirement.marker.evaluate():
            assert rows.get(name) in (None, licence(name)), name
            words = re.split(r" AND | OR ", licence(name))
            assert name in rows or all(re.match(PERMISSIVE, word) for word in words), name


def test_what_the_wheel_of_pyav_carries_is_named() -> None:
    page = (REPOSITORY / "docs" / "licences.md").read_text(encoding="utf-8")
    (row,) = re.findall(r"(?m)^\| av .*$", page)
    carried = {path.name for path in files("av") or () if "av.libs" in path.parts}
    named = re.findall(r"`(lib[\w-]+)`", row)
    assert {"libx264", "libx265"} <= set(named)
    for library in named:
        assert any(name.startswith(f"{library}-") for name in carried), library


def test_the_pictures_are_small() -> None:
    pictures = list((REPOSITORY / "docs" / "pictures").iterdir())
    assert pictures
    assert all(picture.stat().st_size <= 150 * 1024 for picture in pictures)


def test_the_environment_of_the_guide_is_one_of_production() -> None:
    guide = (REPOSITORY / "docs" / "production.md").read_text(encoding="utf-8")
    (block,) = re.findall(r"(?s)```ini\n(.*?)```", guide)
    secret = "0123456789abcdef" * 4
    said = dict(line.split("=", 1) for line in block.replace("...", secret).splitlines())
    settings = load_settings(REPOSITORY / "config.toml", environment=said)
    assert settings.server.is_production
    assert not settings.mongo.is_embedded
    assert not settings.redis.is_embedded


def test_a_restore_with_compose_makes_no_admin_before_it() -> None:
    """Else the database is not empty, and the restore refuses."""
    guide = (REPOSITORY / "docs" / "production.md").read_text(encoding="utf-8")
    commands = re.findall(r"(?m)^\$ (docker compose run .* restore .*)$", guide)
    assert len(commands) >= 2  # into an empty one, and in the place of what is there
    assert all("--no-deps" in command.split() for command in commands)


def _anchor(heading: str) -> str:
    """As GitHub makes it."""
    return re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-")


@pytest.mark.parametrize("paper", PAPERS)
def test_links_lead_somewhere(paper: str) -> None:
    here = REPOSITORY / paper
    for target in re.findall(r"\]\(([^)\s]+)\)", here.read_text(encoding="utf-8")):
        if re.match(r"https?:|mailto:", target):
            continue
        path, _, anchor = target.partition("#")
        place = (here.parent / path) if path else here
        assert place.exists(), target
        if anchor:
            headings = re.findall(r"(?m)^#+ (.+)$", place.read_text(encoding="utf-8"))
            assert anchor in map(_anchor, headings), target
