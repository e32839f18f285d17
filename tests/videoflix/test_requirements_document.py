"""docs/requirements.md names tests that exist, and the tests name its lines."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).parents[2]
DOCUMENT = REPOSITORY / "docs" / "requirements.md"
LINES = [*(f"R{number}" for number in range(1, 55)), *(f"D{number}" for number in range(1, 13))]
# Those of accounts and HTTP: each stands in the name of a test.
IN_NAMES = range(1, 26)


def names_of_tests() -> Iterator[str]:
    for path in (REPOSITORY / "tests").rglob("*.py"):
        yield from re.findall(r"(?m)^(?:async )?def (test_\w+)", path.read_text(encoding="utf-8"))


@pytest.mark.parametrize("line", LINES)
def test_every_line_is_in_the_document(line: str) -> None:
    assert re.search(rf"(?m)^\| {line} \|", DOCUMENT.read_text(encoding="utf-8"))


@pytest.mark.parametrize("number", IN_NAMES)
def test_every_line_is_in_the_name_of_a_test(number: int) -> None:
    assert [name for name in names_of_tests() if name.startswith(f"test_r{number}_")]


def test_every_test_that_the_document_names_exists() -> None:
    known = set(names_of_tests())
    for path, name in re.findall(r"`(tests/[\w/.]+)?(?:::)?(test_\w+)?`", DOCUMENT.read_text()):
        assert not path or (REPOSITORY / path).exists(), path
        assert not name or name in known, name
        if path and name:
            assert f"def {name}(" in (REPOSITORY / path).read_text(encoding="utf-8"), (path, name)
