"""Every page at the width of a phone and of a desktop: pictures in ``build/pages``, axe-core finds
nothing serious, the console stays empty, the policy refuses nothing."""

from tests.pages.house import ADMIN, MEMBER, House
from tests.pages.page import Page


def test_accounts_look_good(house: House, shown: Page) -> None:
    house.let_in(shown, "")
    shown.heading("Sign in")
    shown.looked_at("sign-in")
    shown.press("Create an account")
    shown.heading("Create an account")
    shown.looked_at("sign-up")
    shown.open("/#/forgot")
    shown.heading("Forgot your password?")
    shown.looked_at("forgot")
    shown.open("/pages/auth/confirm_password.html?uid=MQ&token=abc")
    shown.heading("Choose a new password")
    assert "token" not in shown.value("location.href")
    shown.looked_at("confirm-password")
    shown.open("/pages/auth/activate.html")
    shown.heading("That did not work")
    shown.looked_at("activate")


def test_films_look_good(house: House, shown: Page) -> None:
    house.let_in(shown, MEMBER)
    shown.find(".hero")
    shown.looked_at("catalogue")
    shown.fill(search="seven")
    shown.find("h2", "1 film found")
    shown.looked_at("search")
    shown.press("Film seven", ".film a")
    shown.heading("Film seven")
    shown.until(lambda: shown.value("document.querySelector('video').currentTime > 1"), "it plays")
    shown.press("Pause")
    shown.press("Settings")
    shown.looked_at("player")


def test_the_admins_page_looks_good(house: House, shown: Page) -> None:
    house.let_in(shown, MEMBER, "/admin/")
    shown.heading("This page is for admins")
    shown.looked_at("for-admins")
    shown.press("Sign out")
    shown.heading("Sign in as admin")
    shown.looked_at("admin-sign-in")
    house.let_in(shown, ADMIN, "/admin/")
    shown.find("tr", "Film seven")
    shown.find("meter")
    shown.looked_at("admin-films")
    shown.press("Edit Film seven")
    shown.find("dialog h2", "Edit Film seven")
    shown.looked_at("admin-edit")
    shown.press("Close")
    shown.press("Delete Film six")
    shown.find("dialog h2", "Delete Film six?")
    shown.looked_at("admin-delete")
    shown.press("Keep it")
    shown.press("Users")
    shown.find("tr", MEMBER)
    shown.looked_at("admin-users")
