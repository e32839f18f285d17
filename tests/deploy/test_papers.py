"""Documents for who runs it: messages that they quote are messages of the programs, and what they
link to exists."""

import ast
import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

from tests.commands import REPOSITORY

PAPERS = (
    "README.md",
    "SECURITY.md",
    "CONTRIBUTING.md",
    *map(str, (REPOSITORY / "docs").glob("*.md")),
)
PAPERS += tuple(map(str, (REPOSITORY / "deploy").rglob("*.md")))
WITH_MESSAGES = ("README.md", "docs/production.md")
SOURCES = ("videoflix", "handlers", "media_pipeline", "deploy")
KINDS = (".py", ".conf", ".sh")
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
    files = [path for name in SOURCES for path in (REPOSITORY / name).rglob("*")]
    files = [path for path in files if path.suffix in KINDS and "node_modules" not in path.parts]
    found = {piece for path in (*files, REPOSITORY / "Makefile") for piece in _literals(path)}
    return frozenset(piece for piece in found if len(piece.strip()) >= SHORTEST)


@pytest.mark.parametrize("message", sorted(set(quoted_messages())))
def test_messages_that_are_quoted_are_said(message: str) -> None:
    assert [piece for piece in literals() if piece.strip() in message or message in piece]


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
