"""Forgotten passwords, from the mail to the sign-in, and links that are of no use."""

from datetime import UTC, datetime, timedelta

from pymongo import MongoClient

from tests.handlers.site import PASSWORD, text_of
from tests.pages.house import House
from tests.pages.page import Page
from videoflix.adapters.mongo.users import USERS

NEW = "brighter-Harbour-43"


def link_in_mail(house: House, count: int) -> str:
    """That of the mail with this number, once it is there."""
    mail = house.run(house.server.mail_number(count))
    return next(word for word in text_of(mail).split() if ".html?uid=" in word)


def ask(house: House, shown: Page, email: str) -> str:
    """Ask for a link by the page; the link."""
    mails = len(house.server.mails())
    house.let_in(shown, "", "/")
    shown.press("Forgot your password?")
    shown.heading("Forgot your password?")
    shown.fill(email=email)
    shown.press("Send me a link")
    shown.heading("Look into your mails")
    return link_in_mail(house, mails + 1)


def choose(shown: Page, password: str, again: str) -> None:
    shown.heading("Choose a new password")
    shown.fill(new_password=password, confirm_password=again)
    shown.press("Save the new password")


def test_a_forgotten_password(house: House, shown: Page) -> None:
    email = "forgets@example.com"
    house.run(house.server.add_user(email))
    link = ask(house, shown, email)
    assert link.startswith(f"{house.url}/pages/auth/confirm_password.html?")
    shown.driver.get(link)
    choose(shown, "short", "short")
    wrong = shown.find(".wrong")
    assert wrong.text
    assert shown.value("document.activeElement.name") == "new_password"
    choose(shown, NEW, "something-Else-44")
    shown.until(lambda: "match" in shown.find("form").text or shown.find(".wrong").text, "refused")
    choose(shown, NEW, NEW)
    shown.heading("Your password is changed")
    shown.press("Sign in", "main a")
    shown.fill(email=email, password=PASSWORD)
    shown.press("Sign in", "button")
    shown.find("[role=alert]", "do not fit")
    shown.fill(email=email, password=NEW)
    shown.press("Sign in", "button")
    shown.find(".hero")
    shown.log()  # has told of what was refused
    shown.driver.get(link)  # a second time
    choose(shown, PASSWORD, PASSWORD)
    shown.find("[role=alert]", "This link has been used, or is too old.")
    shown.press("Ask for a new link")
    shown.heading("Forgot your password?")


def test_links_that_are_too_old_or_wrong(house: House, shown: Page) -> None:
    email = "late@example.com"
    user = house.run(house.server.add_user(email))
    link = ask(house, shown, email)
    past = datetime.now(UTC) - timedelta(minutes=1)
    mongo = house.container.settings.mongo
    with MongoClient[dict[str, object]](mongo.uri.get_secret_value()) as client:
        users = client[mongo.database][USERS]
        users.update_one({"_id": user.id}, {"$set": {"links.0.expires_at": past}})
    for address in (link, f"{house.url}/pages/auth/confirm_password.html?uid=MQ&token=abc"):
        shown.driver.get(address)
        choose(shown, NEW, NEW)
        shown.find("[role=alert]", "This link has been used, or is too old.")
    shown.driver.get(f"{house.url}/pages/auth/confirm_password.html?uid=MQ")
    shown.find("[role=alert]", "This link is not complete.")
    shown.driver.get(f"{house.url}/pages/auth/activate.html?uid=MQ&token=abc")
    shown.find("[role=alert]", "This link has been used, or is too old.")
    shown.press("To the sign-in")
    shown.heading("Sign in")
    shown.log()  # has told of what was refused
