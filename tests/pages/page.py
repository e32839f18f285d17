"""A page as a person has it: found by what it says, watched for whatever goes wrong in it."""

import json
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TypeVar

from selenium.common.exceptions import (
    ElementClickInterceptedException,
    StaleElementReferenceException,
)
from selenium.webdriver.common.by import By
from selenium.webdriver.remote.webelement import WebElement

from tests.browser import Browser, browser
from tests.programs import npm_package

PICTURES = Path(__file__).parents[2] / "build" / "pages"
SECONDS = 60.0
DESKTOP, PHONE = 1440, 390

# Runs before every page's own scripts: what the browser refuses by the policy is kept.
WATCH = """
window.refusedByPolicy = [];
document.addEventListener("securitypolicyviolation", (event) => {
  window.refusedByPolicy.push(`${event.effectiveDirective} ${event.blockedURI}`);
});
"""
# A pointer that moves over the player, whose controls go away when it rests.
MOVE = """
document.querySelector(".player")?.dispatchEvent(new PointerEvent("pointermove", {bubbles: true}));
"""
SETTLED = """
const done = arguments[0];
const images = [...document.images].filter((image) => image.loading !== "lazy");
Promise.all([document.fonts.ready, ...images.map((image) => image.decode().catch(() => {}))])
  .then(() => requestAnimationFrame(() => setTimeout(done, 50)));
"""
AXE = """
const done = arguments[0];
axe.run(document, {resultTypes: ["violations"]}).then((found) => done(found.violations.filter(
  ({impact}) => ["serious", "critical"].includes(impact)
).map(({id, nodes}) => `${id}: ${nodes.map(({html}) => html).join(" | ")}`)));
"""

T = TypeVar("T")


class Page:
    def __init__(self, opened: Browser, url: str) -> None:
        self.browser = opened
        self.driver = opened.driver
        self.url = url
        opened.command("Page.addScriptToEvaluateOnNewDocument", source=WATCH)
        self.driver.set_script_timeout(SECONDS)

    def open(self, path: str) -> None:
        self.driver.get("about:blank")  # a new document, also where only the hash differs
        self.driver.get(f"{self.url}{path}")

    def until(self, look: Callable[[], T | None], what: str) -> T:
        """What ``look`` returns once that is true. Raises AssertionError with all that the page
        shows."""
        deadline = time.monotonic() + SECONDS
        while True:
            try:
                if found := look():
                    return found
            except (StaleElementReferenceException, ElementClickInterceptedException):
                pass  # the page has just drawn that anew, or it is on its way
            if time.monotonic() > deadline:
                text = self.driver.find_element(By.TAG_NAME, "body").text
                raise AssertionError(f"{what}: not within {SECONDS:g} s of\n{text}\n{self.log()}")
            time.sleep(0.05)

    def find(self, css: str, text: str = "") -> WebElement:
        """The first element that is shown, and says ``text``."""

        def look() -> WebElement | None:
            for element in self.driver.find_elements(By.CSS_SELECTOR, css):
                if element.is_displayed() and text in element.text:
                    return element
            return None

        return self.until(look, f"{css} {text!r}")

    def gone(self, css: str) -> None:
        self.until(
            lambda: (
                not any(e.is_displayed() for e in self.driver.find_elements(By.CSS_SELECTOR, css))
            ),
            f"{css} is gone",
        )

    def press(self, text: str, css: str = "button, a") -> None:
        """Press what says, or is called, ``text``."""

        def look() -> bool:
            self.run(MOVE)
            for element in self.driver.find_elements(By.CSS_SELECTOR, css):
                if text in (element.text, element.get_attribute("aria-label")) and (
                    element.is_displayed() and element.is_enabled()
                ):
                    self.run("arguments[0].scrollIntoView({block: 'center'})", element)
                    element.click()
                    return True
            return False

        self.until(look, f"press {text!r}")

    def fill(self, **values: str) -> None:
        """Type into the fields of these names."""
        for name, value in values.items():
            field = self.find(f"[name={name}]")
            field.clear()
            field.send_keys(value)

    def heading(self, text: str) -> None:
        self.find("h1", text)

    def run(self, script: str, *arguments: object) -> Any:
        return self.driver.execute_script(script, *arguments)

    def value(self, expression: str) -> Any:
        return self.run(f"return {expression}")

    def log(self) -> list[str]:
        """The errors and warnings of the console since the last look."""
        found: list[dict[str, Any]] = self.driver.execute("getLog", {"type": "browser"})["value"]
        grave = [entry for entry in found if entry["level"] in ("SEVERE", "WARNING")]
        return [f"{entry['level']} {entry['message']}" for entry in grave]

    def assert_clean(self) -> None:
        """No error and no warning in the console, nothing refused by the policy."""
        found = [*self.value("window.refusedByPolicy"), *self.log()]
        assert not found, found

    def assert_accessible(self) -> None:
        """Nothing serious for axe-core, and nothing wider than the window."""
        source = (npm_package("tests/web", "axe-core") / "axe.min.js").read_text(encoding="utf-8")
        # By the debugger, which no policy of the page holds for.
        self.browser.command("Runtime.evaluate", expression=source)
        found = self.driver.execute_async_script(AXE)
        assert found == [], json.dumps(found, indent=1)
        widths = "[document.documentElement.scrollWidth, window.innerWidth]"
        reach, width = self.value(widths)
        assert reach <= width

    def looked_at(self, name: str) -> None:
        """At both widths: a picture in ``build/pages``, accessible, without an error."""
        for width, height in ((PHONE, 844), (DESKTOP, 900)):
            self.browser.be(width=width, height=height, scheme="dark")
            self.driver.execute_async_script(SETTLED)
            self.browser.picture(f"{name}-{width}", PICTURES)
            self.assert_accessible()
        self.assert_clean()


@contextmanager
def page(profile: Path, url: str) -> Iterator[Page]:
    """A browser of its own."""
    with browser(profile) as opened:
        opened.be(width=DESKTOP, height=900, scheme="dark")
        yield Page(opened, url)
