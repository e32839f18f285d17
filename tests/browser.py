"""Headless Chromium, driven by its own driver."""

import base64
import os
import shlex
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from selenium.webdriver import Chrome, ChromeOptions
from selenium.webdriver.chrome.service import Service

from tests.programs import program
from videoflix import leash

PICTURES = Path(__file__).parents[1] / "build" / "pictures"
_SWITCHES = (
    *("headless=new", "no-sandbox", "disable-gpu", "disable-quic", "no-first-run"),
    *("disable-background-networking", "disable-component-update", "disable-sync"),
    *("disable-dev-shm-usage", "hide-scrollbars", "force-color-profile=srgb"),
)


def _leashed(profile: Path, program: str, parent: str) -> str:
    """A program that runs this one so that it dies with the process of this number. The driver
    and the browser outlive whoever starts them otherwise, and play on."""
    command = shlex.join([sys.executable, "-I", "-S", str(Path(leash.__file__).resolve())])
    script = profile.with_name(f"{profile.name}-{Path(program).name}")
    script.write_text(f'#!/bin/sh\nexec {command} "{parent}" {program} "$@"\n', encoding="ascii")
    script.chmod(0o700)
    return str(script)


@contextmanager
def browser(profile: Path) -> Iterator["Browser"]:
    """Chromium with a new ``profile`` folder. Skips the test where there is no Chromium."""
    options = ChromeOptions()
    options.binary_location = _leashed(profile, program("chromium"), "$PPID")
    for switch in (*_SWITCHES, f"user-data-dir={profile}"):
        options.add_argument(f"--{switch}")
    options.set_capability("goog:loggingPrefs", {"browser": "ALL"})
    # Named here, so that nothing is looked for on the network.
    service = Service(_leashed(profile, program("chromedriver"), str(os.getpid())))
    driver = Chrome(options, service)
    try:
        yield Browser(driver)
    finally:
        driver.quit()


class Browser:
    def __init__(self, driver: Chrome) -> None:
        self.driver = driver

    def command(self, name: str, /, **arguments: Any) -> dict[str, Any]:
        """Send a command of the Chrome DevTools Protocol."""
        answer: dict[str, Any] = self.driver.execute_cdp_cmd(name, arguments)
        return answer

    def be(self, *, width: int, scheme: str, height: int = 800) -> None:
        """A window of this size, small ones a phone's, in the colour scheme light or dark."""
        self.command(
            "Emulation.setDeviceMetricsOverride",
            width=width,
            height=height,
            deviceScaleFactor=1,
            mobile=width < 600,
        )
        feature = {"name": "prefers-color-scheme", "value": scheme}
        self.command("Emulation.setEmulatedMedia", features=[feature])

    def open(self, url: str) -> None:
        self.driver.get(url)

    def run(self, script: str) -> Any:
        """What the script returns."""
        return self.driver.execute_script(script)

    def picture(self, name: str, folder: Path = PICTURES) -> Path:
        """The whole page as ``<name>.png`` in a folder of ``build``."""
        shot = self.command("Page.captureScreenshot", format="png", captureBeyondViewport=True)
        folder.mkdir(parents=True, exist_ok=True)
        path = folder / f"{name}.png"
        path.write_bytes(base64.b64decode(shot["data"]))
        return path
