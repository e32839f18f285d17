"""The units for systemd, as far as they can be looked at without it."""

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.deploy.units import UNITS, directives
from tests.programs import program
from videoflix.cli.commands import EXIT_CONFIGURATION, main
from videoflix.cli.serving import SERVE_DRAIN_SECONDS
from videoflix.settings_loader import load_settings
from videoflix.stack import DRAIN_SECONDS, GRACE_SECONDS

PYTHON = "/opt/videoflix/.venv/bin/python"
EXPOSURE = 2.0  # of 10; docs/production.md gives the figure

units = pytest.mark.parametrize("unit", UNITS, ids=lambda unit: unit.name)


@pytest.fixture
def installed(unit: Path, tmp_path: Path) -> Path:
    """The unit with a program that is here."""
    text = unit.read_text(encoding="utf-8")
    assert PYTHON in text
    copy = tmp_path / unit.name
    copy.write_text(text.replace(PYTHON, sys.executable), encoding="utf-8")
    return copy


def analysed(*arguments: str) -> str:
    command = [program("systemd-analyze"), "--no-pager", *arguments]
    ended = subprocess.run(command, capture_output=True, text=True, check=False)
    assert ended.returncode == 0, ended.stdout + ended.stderr
    return ended.stdout + ended.stderr


@units
def test_systemd_has_nothing_to_say(installed: Path) -> None:
    if shutil.which("kill") is None:
        pytest.skip("needs kill (Debian: apt-get install procps)")
    assert analysed("verify", str(installed)) == ""


@units
def test_little_is_open_to_attacks(installed: Path) -> None:
    threshold = f"--threshold={EXPOSURE * 10:.0f}"
    assert "Overall exposure level" in analysed(
        "security", "--offline=true", threshold, str(installed)
    )


@units
def test_the_units_run_commands_that_there_are(unit: Path) -> None:
    said = directives(unit)
    (start,) = said["ExecStart"]
    program_, module, package, command, *_ = start.split()
    assert (program_, module, package) == (PYTHON, "-m", "videoflix")
    assert command in main.commands
    assert said["RestartPreventExitStatus"] == [str(EXIT_CONFIGURATION)]


@units
def test_their_variables_are_settings(unit: Path) -> None:
    said = dict(value.split("=", 1) for value in directives(unit)["Environment"])
    assert str(load_settings(environment=said).storage.root) == "/var/lib/videoflix"
    assert directives(unit)["StateDirectory"] == ["videoflix"]


def test_a_stop_may_take_its_time() -> None:
    server, worker = (
        int(directives(unit)["TimeoutStopSec"][0])
        for unit in sorted(UNITS, key=lambda unit: "worker" in unit.name)
    )
    assert server > GRACE_SECONDS - DRAIN_SECONDS + SERVE_DRAIN_SECONDS + 3
    assert worker > 10
