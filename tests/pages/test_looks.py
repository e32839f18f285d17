"""Every page at the width of a phone and of a desktop: pictures in ``build/pages``, axe-core finds
nothing serious, the console stays empty, the policy refuses nothing."""

import asyncio
from pathlib import Path

from tests.clips.fixtures import ClipCache
from tests.handlers.films import add_pending, publish
from tests.handlers.site import PASSWORD, Server
from tests.media_pipeline.titles import rich_title
from tests.pages.page import Page, page

MEMBER, ADMIN = "member@example.com", "admin@example.com"


def sign_in(shown: Page, email: str) -> None:
    shown.fill(email=email, password=PASSWORD)
    shown.press("Sign in", "button")


def look_at_accounts(shown: Page) -> None:
    shown.open("/")
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


def look_at_films(shown: Page) -> None:
    shown.open("/")
    sign_in(shown, MEMBER)
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


def look_at_admins_page(shown: Page) -> None:
    shown.open("/admin/")
    shown.heading("This page is for admins")
    shown.looked_at("for-admins")
    shown.press("Sign out")
    shown.heading("Sign in as admin")
    shown.looked_at("admin-sign-in")
    sign_in(shown, ADMIN)
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


async def test_pages_look_good(server: Server, clip_cache: ClipCache, tmp_path: Path) -> None:
    title = rich_title(clip_cache).folder
    numbers = ("one", "two", "three", "four", "five", "six", "seven")
    for number in numbers:
        await publish(server.container, title, f"Film {number}")
    await server.add_user(MEMBER)
    await server.add_user(ADMIN, is_staff=True)
    videos = server.container.videos
    await add_pending(server.container, "A film that could not be encoded")
    lease = await videos.claim("test", 60, 5)
    assert lease is not None
    await videos.fail(lease, "The file holds no picture and no sound.")
    await add_pending(server.container, "A film on its way")
    assert await videos.claim("test", 600, 5) is not None

    def look() -> None:
        with page(tmp_path / "profile", server.url) as shown:
            look_at_accounts(shown)
            look_at_films(shown)
            look_at_admins_page(shown)

    await asyncio.to_thread(look)
