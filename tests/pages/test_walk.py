"""The whole way of a film and of a member, by the pages alone, in a real browser with a real
worker: sign up, read the mail, activate, upload, break off, resume, watch the encode, play, seek,
change the quality, sign out."""

import asyncio
from fractions import Fraction
from pathlib import Path

import pytest
from selenium.webdriver import ActionChains
from selenium.webdriver.common.by import By

from tests.clips.fixtures import ClipCache
from tests.clips.padding import padded
from tests.handlers.conftest import changed
from tests.handlers.site import PASSWORD, Server, text_of
from tests.pages.page import Page
from tests.pages.screen import at, plays, seen_number
from tests.videoflix.worker.processes import REAL_WORKER, worker_process
from videoflix.settings import Settings

MEMBER, ADMIN = "new.member@example.com", "admin@example.com"
TITLE = "A film from the page"
RATE = Fraction(25)
UPLOAD_BYTES = 1_000_000
SLOW = 150_000  # bytes a second
# Kept by the page itself: what goes by too quickly to be looked at from outside.
NOTE_OFFSETS = """
window.offsets = [];
const set = XMLHttpRequest.prototype.setRequestHeader;
XMLHttpRequest.prototype.setRequestHeader = function (name, value) {
  if (name === "Upload-Offset") window.offsets.push(Number(value));
  return set.call(this, name, value);
};
"""
# As when a proxy or a signed-out session answers: the server refuses (412) the first question how
# far the upload is.
SPOIL_FIRST_QUESTION = """
const {open, setRequestHeader} = XMLHttpRequest.prototype;
XMLHttpRequest.prototype.open = function (method, ...rest) {
  if (method === "HEAD" && !window.isSpoilt) {
    window.isSpoilt = true;
    this.setRequestHeader = function (name, value) {
      if (name !== "Tus-Resumable") setRequestHeader.call(this, name, value);
    };
  }
  return open.call(this, method, ...rest);
};
"""
NOTE_PROGRESS = """
window.percents = [];
new MutationObserver(() => {
  const bar = document.querySelector("tr[data-status=processing] progress");
  if (bar && bar.value !== window.percents.at(-1)) window.percents.push(bar.value);
}).observe(document.body, {subtree: true, childList: true, characterData: true, attributes: true});
"""


@pytest.fixture
def page_settings(settings: Settings) -> Settings:
    return changed(
        settings,
        server={"frontend_url": f"http://127.0.0.1:{settings.server.port}"},
        media={"rungs": ("480p=160x90", "720p=320x180"), "preset": "slower"},
        worker={"poll": 0.2, "lease": 2.0},
    )


def sign_in(shown: Page, email: str) -> None:
    shown.fill(email=email, password=PASSWORD)
    shown.press("Sign in", "button")


def sign_up(shown: Page, server: Server) -> None:
    shown.open("/")
    shown.press("Create an account")
    shown.heading("Create an account")
    shown.fill(email=MEMBER, password=PASSWORD, confirmed_password=PASSWORD)
    shown.press("Create account")
    shown.heading("Nearly done")
    (mail,) = server.mails()
    link = next(word for word in text_of(mail).split() if "activate.html" in word)
    assert link.startswith(server.url)
    shown.driver.get(link)
    shown.heading("Your account is active")
    shown.press("Sign in", "main a")
    sign_in(shown, MEMBER)
    shown.find(".nothing", "There are no films yet.")
    shown.looked_at("no-films")
    shown.press("Sign out")
    shown.heading("Sign in")


def sent(shown: Page) -> int:
    return int(shown.value("document.querySelector('.upload progress')?.value ?? 0"))


def upload(shown: Page, film: Path) -> None:
    """By an admin; in the middle the page is loaded anew."""
    shown.open("/admin/")
    sign_in(shown, ADMIN)
    shown.choose("upload-file", film)
    shown.fill(title=TITLE, description="Numbers, mostly.", category="Numbers")
    shown.line(upload=SLOW)
    shown.press("Upload", "button")
    shown.until(lambda: sent(shown) > UPLOAD_BYTES // 4, "a part is there")
    shown.press("Pause")
    shown.find("#upload-state", "paused")
    shown.press("Resume")
    shown.until(lambda: sent(shown) > UPLOAD_BYTES // 3, "it goes on")
    assert sent(shown) < UPLOAD_BYTES
    shown.driver.refresh()
    shown.find(".unfinished", film.name)
    shown.line()
    shown.run(NOTE_OFFSETS)
    shown.run(NOTE_PROGRESS)
    shown.run(SPOIL_FIRST_QUESTION)
    shown.choose("upload-file", film)  # its title is remembered
    shown.find(".notice", "is uploaded")
    refused = shown.log()  # what was noted there is not told again
    assert len(refused) == 1, refused
    assert "412" in str(refused), refused
    offsets = shown.value("window.offsets")
    assert offsets[0] > 0, offsets


def watch_the_encode(shown: Page) -> None:
    shown.find("tr[data-status=ready]", TITLE)
    percents = shown.value("window.percents")
    assert len(percents) > 1, percents
    assert percents == sorted(percents)
    shown.press(f"Preview {TITLE}")
    plays(shown)
    shown.press("Close")
    shown.gone("dialog")
    shown.assert_clean()
    shown.press("Sign out")
    shown.heading("Sign in as admin")


def assert_number(shown: Page) -> None:
    """The number on the screen is that of the picture's time."""
    number, expected = seen_number(shown, RATE)
    assert number == expected


def shows_lines(shown: Page, height: int) -> None:
    size = "document.querySelector('video').videoHeight"
    shown.until(lambda: shown.value(size) == height, f"{height} lines")


def play(shown: Page) -> None:
    shown.open("/")
    sign_in(shown, MEMBER)
    shown.press("Play", ".hero a")
    shown.heading(TITLE)
    plays(shown)
    assert_number(shown)
    ActionChains(shown.driver).send_keys("5").perform()  # to the middle
    shown.until(lambda: at(shown) > 6, "it is in the middle")
    plays(shown)
    assert_number(shown)
    shown.press("Settings")
    for label, height in (("90p", 90), ("180p", 180)):
        quality = shown.find("#player-quality")
        quality.find_element(By.XPATH, f"option[text()='{label}']").click()
        shown.run("document.querySelector('video').currentTime = 4.5")
        shows_lines(shown, height)
        plays(shown)
        assert_number(shown)
    shown.press("Settings")
    ActionChains(shown.driver).move_to_element(shown.find(".seek-range")).perform()
    shown.find(".preview")
    picture = "getComputedStyle(document.querySelector('.preview-picture')).backgroundImage"
    assert "/sprite-0.jpg" in shown.value(picture)
    shown.assert_clean()


def sign_out(shown: Page) -> None:
    cookies = shown.driver.get_cookies()
    assert {cookie["name"] for cookie in cookies} == {"access_token", "refresh_token", "csrftoken"}
    shown.press("Sign out")
    shown.heading("Sign in")
    shown.gone("video")
    shown.assert_clean()
    assert shown.driver.get_cookies() == []
    for path in ("video/", "video/1/cmaf/master.m3u8", "video/1/480p/segment_000.ts", "me/"):
        asked = f"return fetch('/api/{path}').then((answer) => answer.status)"
        assert shown.run(asked) == 401
    for cookie in cookies:  # those of before are of no use either
        shown.driver.add_cookie(cookie)
    assert shown.run("return fetch('/api/video/').then((answer) => answer.status)") == 401


async def test_from_signing_up_to_signing_out(
    server: Server, clip_cache: ClipCache, browsed: Page, tmp_path: Path
) -> None:
    clip = clip_cache.clip(width=320, height=180, seconds=16)
    film = tmp_path / "from the page.mp4"
    film.write_bytes(padded(clip.path.read_bytes(), UPLOAD_BYTES))
    await server.add_user(ADMIN, is_staff=True)

    def walk() -> None:
        with browsed.elsewhere(server.url) as shown:
            sign_up(shown, server)
            upload(shown, film)
            watch_the_encode(shown)
            play(shown)
            sign_out(shown)

    async with worker_process(server.container.settings, REAL_WORKER):
        await asyncio.to_thread(walk)
    stored = server.container.media.source(1)
    assert stored.read_bytes() == film.read_bytes()
