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
from selenium.webdriver import ActionChains
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
# What a person sees of elements.
SEEN = """
const seen = (css) => [...document.querySelectorAll(css)].filter((element) => (
  element.checkVisibility({opacityProperty: true, visibilityProperty: true})));
"""
NAMED = """
const found = seen(arguments[0]).find((element) => !element.disabled && (
  [element.innerText.trim(), element.ariaLabel].includes(arguments[1])));
found?.scrollIntoView({block: "center", behavior: "instant"});
return found;
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
        self._scripts: list[str] = []
        opened.command("Page.addScriptToEvaluateOnNewDocument", source=WATCH)
        opened.command("Network.enable")
        self.driver.set_script_timeout(SECONDS)

    def open(self, path: str) -> None:
        self.driver.get("about:blank")  # a new document, also where only the hash differs
        self.driver.get(f"{self.url}{path}")

    def before_each(self, script: str) -> None:
        """Run ``script`` before the scripts of every page, until ``undo``."""
        added = self.browser.command("Page.addScriptToEvaluateOnNewDocument", source=script)
        self._scripts.append(added["identifier"])

    def line(self, *, upload: int = -1, offline: bool = False) -> None:
        """What the browser's line is like: bytes a second upwards, -1 for as fast as it is."""
        limits = {"latency": 0, "downloadThroughput": -1, "uploadThroughput": upload}
        self.browser.command("Network.emulateNetworkConditions", offline=offline, **limits)

    def blocks(self, *patterns: str) -> None:
        """Addresses that cannot be had; none without patterns."""
        self.browser.command("Network.setBlockedURLs", urls=list(patterns))

    def undo(self) -> None:
        """What ``before_each``, ``line`` and ``blocks`` did; the page goes, with its log."""
        for script in self._scripts:
            self.browser.command("Page.removeScriptToEvaluateOnNewDocument", identifier=script)
        self._scripts.clear()
        self.line()
        self.blocks()
        self.driver.get("about:blank")
        self.log()

    @contextmanager
    def elsewhere(self, url: str) -> Iterator["Page"]:
        """The same browser before another server, as if it had never been anywhere."""
        usual, self.url = self.url, url
        self.browser.be(width=DESKTOP, height=900, scheme="dark")
        self.forget()
        try:
            yield self
        finally:
            self.undo()
            self.url = usual

    def forget(self) -> None:
        """As a browser that was never here, but for its cache."""
        self.driver.get("about:blank")
        self.browser.command("Network.clearBrowserCookies")
        self.browser.command(
            "Storage.clearDataForOrigin", origin=self.url, storageTypes="local_storage"
        )

    def keys(self, *keys: str) -> None:
        """Press keys, wherever the focus is."""
        ActionChains(self.driver).send_keys(*keys).perform()

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
        script = (
            f"{SEEN} return seen(arguments[0]).find((e) => e.innerText.includes(arguments[1]));"
        )
        found = self.until(lambda: self.run(script, css, text), f"{css} {text!r}")
        assert isinstance(found, WebElement)
        return found

    def gone(self, css: str) -> None:
        script = f"{SEEN} return seen(arguments[0]).length === 0;"
        self.until(lambda: self.run(script, css), f"{css} is gone")

    def press(self, text: str, css: str = "button, a") -> None:
        """Press what says, or is called, ``text``."""

        def look() -> bool:
            element = self.run(f"{SEEN} {MOVE} {NAMED}", css, text)
            if element is not None:
                element.click()
            return element is not None

        self.until(look, f"press {text!r}")

    def fill(self, **values: str) -> None:
        """Type into the fields of these names."""
        for name, value in values.items():
            field = self.find(f":is(input, textarea)[name={name}]")
            field.clear()
            field.send_keys(value)

    def choose(self, field: str, file: Path) -> None:
        """A file for the field with this id."""
        self.until(lambda: self.driver.find_elements(By.ID, field), f"a place for {file.name}")
        self.driver.find_element(By.ID, field).send_keys(str(file))

    def heading(self, text: str) -> None:
        self.find("h1", text)

    def run(self, script: str, *arguments: object) -> Any:
        return self.driver.execute_script(script, *arguments)

    def value(self, expression: str) -> Any:
        return self.run(f"return {expression}")

    def box(self, css: str) -> dict[str, float]:
        """Where the first such element is in the window (a DOMRect)."""
        script = "return document.querySelector(arguments[0]).getBoundingClientRect().toJSON()"
        found: dict[str, float] = self.run(script, css)
        return found

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
        """``look``, without an error."""
        self.look(name)
        self.assert_clean()

    def look(self, name: str) -> None:
        """At both widths, a desktop's last: a picture in ``build/pages``, accessible."""
        for width, height in ((PHONE, 844), (DESKTOP, 900)):
            self.browser.be(width=width, height=height, scheme="dark")
            self.driver.execute_async_script(SETTLED)
            self.browser.picture(f"{name}-{width}", PICTURES)
            self.assert_accessible()


@contextmanager
def page(profile: Path, url: str) -> Iterator[Page]:
    """A browser of its own."""
    with browser(profile) as opened:
        opened.be(width=DESKTOP, height=900, scheme="dark")
        yield Page(opened, url)
