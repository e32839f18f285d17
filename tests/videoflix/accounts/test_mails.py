"""What stands in the mails: the link, twice and whole; nothing of a stranger's making."""

from html.parser import HTMLParser
from urllib.parse import parse_qs, urlsplit

import pytest

from videoflix.accounts.addresses import Address, parse_address
from videoflix.accounts.links import activation_url, reset_url
from videoflix.accounts.mails import MailTemplates
from videoflix.adapters.mail import build_message
from videoflix.ports import Mail

FRONTEND = "https://app.example"
TOKEN = "0123456789abcdef" * 4
SENDER = "Videoflix <no-reply@videoflix.example>"
KINDS = ("activation", "password_reset")
PAGES = {"activation": "activate", "password_reset": "confirm_password"}


class Page(HTMLParser):
    """The tags of an HTML part with their attributes, and its text."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.text = ""
        self.feed(html)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))

    def handle_data(self, data: str) -> None:
        self.text += data

    def values(self, name: str) -> list[str]:
        return [value for _, attrs in self.tags if (value := attrs.get(name))]


def made(kind: str, to: Address, hours: float = 24) -> tuple[Mail, str]:
    """The mail and its link."""
    templates = MailTemplates()
    if kind == "activation":
        url = activation_url(FRONTEND, 1, TOKEN)
        return templates.activation(to, url, hours), url
    url = reset_url(FRONTEND, 1, TOKEN)
    return templates.password_reset(to, url, hours), url


@pytest.mark.parametrize("kind", KINDS)
def test_the_link_is_in_both_parts(kind: str) -> None:
    mail, url = made(kind, parse_address("User@example.com"))
    parts = urlsplit(url)
    assert f"{parts.scheme}://{parts.netloc}" == FRONTEND
    assert parts.path == f"/pages/auth/{PAGES[kind]}.html"
    assert parse_qs(parts.query) == {"uid": ["MQ"], "token": [TOKEN]}
    assert f"\n{url}\n" in mail.text
    page = Page(mail.html)
    assert page.values("href") == [url, url]
    assert url in page.text
    for part in (mail.text, page.text):
        assert "User@example.com" in part
        assert "24 hours" in part


@pytest.mark.parametrize("kind", KINDS)
def test_nothing_is_fetched_from_anywhere(kind: str) -> None:
    """No pictures, styles or counters: whoever reads a mail tells nobody."""
    mail, _ = made(kind, parse_address("user@example.com"))
    page = Page(mail.html)
    assert not {"img", "script", "link", "iframe", "form"} & {tag for tag, _ in page.tags}
    assert page.values("src") == []
    assert "url(" not in mail.html
    assert "@import" not in mail.html


@pytest.mark.parametrize(("hours", "words"), [(1, " 1 hour "), (24, " 24 hours "), (0.5, " 0.5 ")])
@pytest.mark.parametrize("kind", KINDS)
def test_how_long_it_is_valid(kind: str, hours: float, words: str) -> None:
    mail, _ = made(kind, parse_address("user@example.com"), hours)
    assert words in " ".join(mail.text.split())
    assert words in Page(mail.html).text


@pytest.mark.parametrize(
    "typed",
    [
        '"<script>alert(1)</script>"@example.com',
        "<b>user</b>@example.com",
        '"><a href="https://evil.example">@example.com',
        "{{ 7 * 7 }}{% raw email %}@example.com",
        "a&amp;b'c@example.com",
    ],
)
@pytest.mark.parametrize("kind", KINDS)
def test_r14_an_address_is_only_ever_text(kind: str, typed: str) -> None:
    """R14: even one that would never have been accepted."""
    to = Address(typed=typed, folded=typed, deliverable="user@example.com")
    mail, url = made(kind, to)
    plain, _ = made(kind, parse_address("user@example.com"))
    page = Page(mail.html)
    assert page.tags == Page(plain.html).tags
    assert page.values("href") == [url, url]
    assert typed in page.text
    assert typed in mail.text


@pytest.mark.parametrize("kind", KINDS)
def test_international_addresses(kind: str) -> None:
    """Shown as typed, sent to as every mail server takes it."""
    mail, _ = made(kind, parse_address("user@M\u00fcnchen.example"))
    message = build_message(mail, SENDER)
    assert message["To"] == "user@xn--mnchen-3ya.example"
    text, html = message.get_body(("plain",)), message.get_body(("html",))
    assert text is not None
    assert html is not None
    assert "user@M\u00fcnchen.example" in text.get_content()
    assert "user@M\u00fcnchen.example" in html.get_content()
    message.as_bytes().decode("ascii")


@pytest.mark.parametrize("kind", KINDS)
def test_a_mail_in_plain_ascii_shows_its_link_to_whoever_reads_it_raw(kind: str) -> None:
    mail, url = made(kind, parse_address("user@example.com"))
    raw = build_message(mail, SENDER).as_string()
    assert url in raw
    assert f'href="{url.replace("&", "&amp;")}"' in raw
