"""Programs of the machine and npm packages that some tests need beside Python."""

import shutil
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).parents[1]

# The Debian packages of what is used; ``.ci/run`` installs them and refuses skipped tests.
PACKAGES = {
    "chromedriver": "chromium-driver",
    "chromium": "chromium",
    "curl": "curl",
    "ffmpeg": "ffmpeg",
    "nginx": "nginx-light",
    "node": "nodejs",
    "openssl": "openssl",
    "strace": "strace",
    "systemd-analyze": "systemd",
    "wrk": "wrk",
}


def program(name: str) -> str:
    """Its path. Skips the test, saying what to install, where it is missing."""
    found = shutil.which(name)
    if found is None:
        pytest.skip(f"needs {name} (Debian: apt-get install {PACKAGES[name]})")
    return found


def npm_package(folder: str, name: str) -> Path:
    """The folder of a package that ``folder``'s package.json names. Skips the test without it."""
    found = REPOSITORY / folder / "node_modules" / name
    if not found.is_dir():
        pytest.skip(f"needs {name} (npm ci --ignore-scripts --prefix {folder})")
    return found
