"""Playback outlives access tokens: they are renewed on the way, after a pause and after sleep, and
the viewer notices nothing, by hls.js and by the browser's own HLS.

``PAGES_TOKEN_SECONDS`` in the environment makes tokens live longer than in an ordinary run.
"""

import asyncio
import os
import signal
import time
from fractions import Fraction

import pytest

from tests.clips.fixtures import ClipCache
from tests.commands import descendants
from tests.handlers.conftest import changed
from tests.handlers.films import publish
from tests.handlers.site import PASSWORD, Server
from tests.media_pipeline.titles import TWO_RUNGS, cached_title
from tests.pages.page import Page
from tests.pages.screen import at, plays
from videoflix.settings import Settings

LIFE = float(os.environ.get("PAGES_TOKEN_SECONDS", "2"))  # seconds
LONGER = LIFE + 1
SECONDS = 160  # of the film: far more than players hold
MEMBER = "member@example.com"
# Every message that is shown over the picture, however shortly.
NOTE_TROUBLES = """
window.troubles = [];
const noteTroubles = () => {
  const shown = document.querySelector(".trouble:not([hidden])");
  if (shown) window.troubles.push(shown.innerText);
  const sign = document.querySelector("main form [name=password]");
  if (sign && window.isIn) window.troubles.push("the sign-in");
};
new MutationObserver(noteTroubles)
  .observe(document, {subtree: true, childList: true, attributes: true, characterData: true});
"""
NO_MEDIA_SOURCE = "delete window.MediaSource; delete window.ManagedMediaSource;"


@pytest.fixture
def page_settings(settings: Settings) -> Settings:
    return changed(settings, auth={"access_minutes": LIFE / 60})


def start(shown: Page, *, is_native: bool) -> None:
    if is_native:
        shown.before_each(NO_MEDIA_SOURCE)
    shown.before_each(NOTE_TROUBLES)
    shown.open("/")
    shown.fill(email=MEMBER, password=PASSWORD)
    shown.press("Sign in", "button")
    shown.press("Play", ".hero a")
    shown.run("window.isIn = true")
    plays(shown)
    source = shown.value("document.querySelector('video').currentSrc")
    assert source.endswith("/master.m3u8") if is_native else source.startswith("blob:")


def seek(shown: Page, seconds: int) -> None:
    """To where nothing has been fetched yet."""
    shown.run(f"document.querySelector('video').currentTime = {seconds}")
    shown.until(lambda: at(shown) > seconds, f"it plays at {seconds}")


def sleep(shown: Page) -> None:
    """As when the lid is closed: the whole browser stands still, its clock goes on."""
    processes = descendants(shown.driver.service.process.pid)
    try:
        for process in processes:
            os.kill(process, signal.SIGSTOP)
        time.sleep(LONGER)
    finally:
        for process in processes:
            os.kill(process, signal.SIGCONT)


def watch(shown: Page, *, is_native: bool) -> None:
    start(shown, is_native=is_native)
    began = at(shown)
    shown.until(lambda: at(shown) > began + 2 * LIFE, "it plays through two tokens")
    seek(shown, 60)
    shown.keys("k")
    shown.until(lambda: shown.value("document.querySelector('video').paused"), "it pauses")
    time.sleep(LONGER)
    shown.keys("k")
    seek(shown, 100)
    plays(shown)
    shown.assert_clean()
    sleep(shown)
    plays(shown)
    # What was on its way out when everything stood still has the old token, and is repeated.
    assert all("401" in entry for entry in shown.log())
    seek(shown, 150)
    assert shown.value("window.troubles") == []
    shown.assert_clean()


@pytest.mark.parametrize("is_native", [False, True], ids=["hls.js", "native"])
async def test_playback_outlives_tokens(
    server: Server, clip_cache: ClipCache, browsed: Page, is_native: bool
) -> None:
    clip = clip_cache.clip(seconds=SECONDS, width=64, height=48, rate=Fraction(12), sound=None)
    title = cached_title(clip_cache, clip.path, TWO_RUNGS)
    await publish(server.container, title.folder)
    await server.add_user(MEMBER)

    def look() -> None:
        with browsed.elsewhere(server.url) as shown:
            watch(shown, is_native=is_native)

    await asyncio.to_thread(look)
