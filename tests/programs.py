"""Programs of the machine that some tests need beside Python."""

import shutil

import pytest

# The Debian packages of what is used; ``.ci/run`` installs them and refuses skipped tests.
PACKAGES = {
    "chromedriver": "chromium-driver",
    "chromium": "chromium",
    "curl": "curl",
    "ffmpeg": "ffmpeg",
    "openssl": "openssl",
    "strace": "strace",
}


def program(name: str) -> str:
    """Its path. Skips the test, saying what to install, where it is missing."""
    found = shutil.which(name)
    if found is None:
        pytest.skip(f"needs {name} (Debian: apt-get install {PACKAGES[name]})")
    return found
