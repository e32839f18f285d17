"""The players' page in Chromium, and the numbers of the pictures that it shows."""

import base64
import io
import json
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import numpy as np

from tests.browser import Browser
from tests.clips.picture_code import Misread
from tests.clips.read import read_frame_number
from tests.handlers.site import PASSWORD
from tests.players.film import HIGH, LOW, SECONDS
from tests.players.matrix import FOLDER
from tests.players.theatre import EMAIL, Theatre

WIDTH, HEIGHT = 640, 360  # of the video element, at the page's corner
RATE = 4
TRIES = 50  # looks at the screen until the compositor has drawn what the element shows


def number_in(picture: bytes) -> int:
    """The number in a PNG whose upper left is the video. Raises Misread."""
    with av.open(io.BytesIO(picture), "r") as container:
        luma = next(container.decode(video=0)).to_ndarray(format="gray")
    return read_frame_number(np.ascontiguousarray(luma[:HEIGHT, :WIDTH], np.uint8))


class Screen:
    def __init__(self, browser: Browser, stage: Theatre, player: str, form: str) -> None:
        self.browser = browser
        self.name = f"{player}-{form}".lower()
        browser.driver.set_script_timeout(SECONDS / RATE + 60)
        browser.be(width=WIDTH, height=HEIGHT + 60, scheme="dark")
        browser.open(stage.page)
        arguments = json.dumps([f"{stage.server.url}/api/", EMAIL, PASSWORD])
        assert self.run(f"films.signIn(...{arguments})") == 200
        arguments = json.dumps([player, stage.url(form), f"{player}, {form}"])
        self.facts: dict[str, Any] = self.run(f"films.load(...{arguments})")

    def run(self, script: str) -> Any:
        return self.browser.run(f"return {script}")

    @property
    def errors(self) -> list[str]:
        found: list[str] = self.run("films.errors")
        return found

    def stand_at(self, second: float) -> int:
        """Seek there; the number that the element shows."""
        shown = self.run(f"films.show({second})")
        assert abs(shown["time"] - second) < 0.001
        return number_in(base64.b64decode(shown["picture"].partition(",")[2]))

    def photograph(self, picture: int, expected: int) -> Path:
        """The page as one sees it, in ``build/players``, once it shows the expected number."""
        seen: int | Misread = -1
        for _ in range(TRIES):
            path = self.browser.picture(f"{self.name}-{picture}", FOLDER)
            try:
                seen = number_in(path.read_bytes())
            except Misread as error:
                seen = error
            if seen == expected:
                return path
        raise AssertionError(f"{path} shows {seen} instead of {expected}")

    def play(self, choices: list[tuple[Fraction, str, Any]]) -> dict[str, Any]:
        """From the start to the end; ``choices`` are made on the way."""
        self.run("films.show(0)")
        made = json.dumps([(float(second), what, value) for second, what, value in choices])
        seen: dict[str, Any] = self.run(f"films.play({RATE}, {made})")
        return seen


SIZES = [f"{lines * 16 // 9}x{lines}" for lines in (LOW, HIGH)]
