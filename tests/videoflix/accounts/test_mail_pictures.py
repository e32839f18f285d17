"""The mails as people see them: rendered by Chromium, measured, and kept in build/pictures."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest

from tests.browser import Browser, browser
from videoflix.accounts.addresses import parse_address
from videoflix.accounts.links import activation_url, reset_url
from videoflix.accounts.mails import MailTemplates
from videoflix.adapters.mail import build_message

FRONTEND = "https://app.videoflix.example"
LONG = "a.person.with.quite.a.long.name.and.no.hyphen.in.it.at.all.either@mail.department.example"
BUTTON = (0x2E, 0x3E, 0xDF)
CONTRAST = 4.5  # WCAG 2.2, 1.4.3

# What is painted behind an element, and whether anything reaches out of the window.
MEASURE = """
const ground = (element) => {
  for (let at = element; at; at = at.parentElement) {
    const colour = getComputedStyle(at).backgroundColor;
    if (!colour.endsWith(", 0)")) return colour;
  }
  return "rgb(255, 255, 255)";
};
const box = (element) => {
  const {left, right, top, bottom} = element.getBoundingClientRect();
  return {left, right, top, bottom};
};
const texts = [];
const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
while (walker.nextNode()) {
  const element = walker.currentNode.parentElement;
  const text = walker.currentNode.data.trim();
  if (!text || !element.checkVisibility()) continue;
  const range = document.createRange();
  range.selectNodeContents(walker.currentNode);
  texts.push({text, colour: getComputedStyle(element).color, ground: ground(element),
              ...box(range)});
}
const button = document.getElementById("button");
return {
  width: innerWidth,
  reach: document.documentElement.scrollWidth,
  height: document.documentElement.scrollHeight,
  texts,
  button: {...box(button), href: button.getAttribute("href"), text: button.innerText},
};
"""


@pytest.fixture(scope="module")
def chromium(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Browser]:
    with browser(tmp_path_factory.mktemp("profile")) as opened:
        yield opened


def rendered(name: str, address: str) -> tuple[str, str]:
    """The HTML part of the mail as it goes out, and its link."""
    to, templates = parse_address(address), MailTemplates()
    if name == "activation":
        url = activation_url(FRONTEND, 12345, "0123456789abcdef" * 4)
        mail = templates.activation(to, url, 24)
    else:
        url = reset_url(FRONTEND, 12345, "0123456789abcdef" * 4)
        mail = templates.password_reset(to, url, 24)
    part = build_message(mail, "Videoflix <no-reply@videoflix.example>").get_body(("html",))
    assert part is not None
    html = part.get_content()
    assert isinstance(html, str)
    return html, url


def colour(text: str) -> tuple[int, int, int]:
    """Of ``rgb(1, 2, 3)``."""
    red, green, blue = text.removeprefix("rgb(").removesuffix(")").split(",")
    return int(red), int(green), int(blue)


def luminance(rgb: tuple[int, int, int]) -> float:
    linear = [
        value / 12.92 if value <= 0.03928 else ((value + 0.055) / 1.055) ** 2.4
        for value in (channel / 255 for channel in rgb)
    ]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def contrast(one: str, other: str) -> float:
    """WCAG 2.2's ratio of two colours, from 1 to 21."""
    dark, light = sorted((luminance(colour(one)), luminance(colour(other))))
    return (light + 0.05) / (dark + 0.05)


def pixels(path: Path) -> Any:
    with av.open(str(path)) as picture:
        return next(picture.decode(video=0)).to_ndarray(format="rgb24")


@pytest.mark.parametrize(
    "window",
    [(390, "light"), (390, "dark"), (1000, "light"), (1000, "dark")],
    ids=lambda window: f"{window[0]}-{window[1]}",
)
@pytest.mark.parametrize(
    "mail",
    [
        ("activation", "user@example.com"),
        ("password_reset", "user@example.com"),
        ("password_reset", LONG),
    ],
    ids=["activation", "password-reset", "password-reset-long-address"],
)
def test_a_mail_is_whole_readable_and_has_its_button(
    chromium: Browser,
    tmp_path: Path,
    request: pytest.FixtureRequest,
    mail: tuple[str, str],
    window: tuple[int, str],
) -> None:
    (name, address), (width, scheme) = mail, window
    html, url = rendered(name, address)
    page = tmp_path / "mail.html"
    page.write_text(html, encoding="utf-8")
    chromium.be(width=width, scheme=scheme)
    chromium.open(page.as_uri())
    found = chromium.run(MEASURE)
    path = chromium.picture("mail-" + request.node.callspec.id)

    assert found["width"] == found["reach"] == width
    for text in found["texts"]:
        assert 0 <= text["left"] < text["right"] <= width, text
        assert contrast(text["colour"], text["ground"]) >= CONTRAST, text
    words = " ".join(text["text"] for text in found["texts"])
    assert address in words
    assert url in words

    button = found["button"]
    assert button["href"] == url
    assert button["text"] in ("Activate account", "Reset password")
    assert 0 < button["left"] < button["right"] < width
    assert button["bottom"] - button["top"] >= 44  # what a thumb needs

    image = pixels(path)
    assert image.shape == (max(found["height"], 800), width, 3)
    # In the middle of the button's height, right of its rounded corner, is its colour.
    row, column = int((button["top"] + button["bottom"]) / 2), int(button["left"]) + 12
    assert np.abs(image[row, column].astype(int) - BUTTON).max() <= 2
    is_bright = float(np.median(image)) > 128
    assert is_bright is (scheme == "light")
