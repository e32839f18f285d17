"""What a member does with films and the player: every control, by pointer and by keys."""

import pytest
from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys

from tests.pages.house import MEMBER, House
from tests.pages.page import Page
from tests.pages.screen import at, plays

FILM = "Film seven"
# The list of films arrives when the test says so.
HOLD_FILMS = """
const real = window.fetch;
window.held = [];
window.fetch = async (url, ...rest) => {
  if (url === "/api/video/") await new Promise((go) => window.held.push(go));
  return real(url, ...rest);
};
"""
VIDEO = "document.querySelector('video')"
CUE = f"""[...{VIDEO}.textTracks].filter(({{mode}}) => mode === "showing")
  .flatMap(({{activeCues}}) => [...(activeCues ?? [])]).map(({{text}}) => text)[0] ?? null"""
PICTURE = "document.querySelector('.preview-picture').style"
BAR = "Number(document.querySelector('.seek-range').value)"
SEGMENTS = "performance.getEntriesByType('resource').map(({name}) => name)"


def watch(house: House, shown: Page) -> None:
    house.let_in(shown, MEMBER)
    shown.press(FILM, ".film a")
    shown.heading(FILM)
    shown.until(lambda: shown.value(f"{VIDEO}?.readyState >= 3"), "there are pictures")


def seek(shown: Page, seconds: float) -> None:
    shown.run(f"{VIDEO}.currentTime = {seconds}")


def choose(shown: Page, name: str, label: str) -> None:
    select = shown.find(f"#player-{name}")
    select.find_element(By.XPATH, f"option[text()='{label}']").click()


def stands(shown: Page, seconds: float) -> None:
    """Paused there, give or take a picture."""
    shown.until(lambda: abs(at(shown) - seconds) < 0.1, f"it stands at {seconds}")


def test_subtitles_on_and_off_and_remembered(house: House, shown: Page) -> None:
    watch(house, shown)
    shown.keys("k")
    seek(shown, 8)
    assert shown.value(CUE) is None
    shown.keys("c")
    shown.until(lambda: shown.value(CUE) == "Two\nlines", "the subtitle of this moment")
    assert shown.find("[aria-label=Subtitles]").get_attribute("aria-pressed") == "true"
    shown.press("Settings")
    options = shown.find("#player-text").text.split("\n")
    assert options[0].strip() == "Off"
    assert len(options) == 3
    choose(shown, "text", options[2].strip())
    shown.until(lambda: shown.value(CUE) == "Two\nlines", "the other one")
    shown.press("All films")
    shown.press("Film six", ".film a")
    shown.until(lambda: shown.value(f"{VIDEO}?.readyState >= 3"), "there are pictures")
    seek(shown, 8)
    shown.until(lambda: shown.value(CUE) == "Two\nlines", "the choice is kept")
    shown.press("Subtitles")
    shown.until(lambda: shown.value(CUE) is None, "none")
    shown.assert_clean()


def test_another_sound_and_speed(house: House, shown: Page) -> None:
    watch(house, shown)
    shown.press("Settings")
    sounds = [option.strip() for option in shown.find("#player-sound").text.split("\n")]
    assert len(sounds) == 3
    assert not any("/cmaf/audio-1/" in name for name in shown.value(SEGMENTS))
    choose(shown, "sound", sounds[1])
    shown.until(
        lambda: any("/cmaf/audio-1/seg" in name for name in shown.value(SEGMENTS)), "that sound"
    )
    plays(shown)
    choose(shown, "speed", "2 ×")
    assert shown.value(f"{VIDEO}.playbackRate") == 2
    shown.keys(Keys.ESCAPE)
    shown.gone(".menu")
    assert shown.value("document.activeElement.getAttribute('aria-label')") == "Settings"
    shown.keys("<", "<")
    assert shown.value(f"{VIDEO}.playbackRate") == 1.5
    shown.keys(">")
    assert shown.value(f"{VIDEO}.playbackRate") == 1.75
    shown.driver.refresh()
    shown.until(lambda: shown.value(f"{VIDEO}?.playbackRate") == 1.75, "the speed is kept")
    shown.assert_clean()


def test_the_keys_of_the_player(house: House, shown: Page) -> None:
    watch(house, shown)
    shown.keys(" ")
    shown.until(lambda: shown.value(f"{VIDEO}.paused"), "it pauses")
    shown.keys("0")
    stands(shown, 0)
    for key, seconds in (
        *((Keys.ARROW_RIGHT, 5), ("l", 15), ("j", 5), (Keys.ARROW_LEFT, 0)),
        *(("5", 7.5), (Keys.HOME, 0), (Keys.END, 15), ("2", 3)),
    ):
        shown.keys(key)
        length = shown.value(f"{VIDEO}.duration")
        stands(shown, min(seconds, length))
    shown.keys(Keys.ARROW_DOWN, Keys.ARROW_DOWN)
    assert shown.value(f"{VIDEO}.volume") == pytest.approx(0.8)
    shown.keys(Keys.ARROW_UP)
    assert shown.value(f"{VIDEO}.volume") == pytest.approx(0.9)
    shown.keys("m")
    assert shown.value(f"{VIDEO}.muted") is True
    shown.find("[aria-label='Sound on']")
    shown.keys("m", "f")
    shown.until(lambda: shown.value("Boolean(document.fullscreenElement)"), "full screen")
    shown.keys("f")
    shown.until(lambda: not shown.value("Boolean(document.fullscreenElement)"), "no more")
    shown.keys("k")
    plays(shown)
    shown.assert_clean()


def test_picture_in_picture(house: House, shown: Page) -> None:
    watch(house, shown)
    inset = "document.pictureInPictureElement === document.querySelector('video')"
    shown.press("Picture in picture")
    shown.until(lambda: shown.value(inset), "it is in a window of its own")
    shown.keys("p")
    shown.until(lambda: not shown.value(inset), "it is back")
    shown.press("Picture in picture")
    shown.until(lambda: shown.value(inset), "once more")
    shown.press("All films")
    shown.find(".hero")
    shown.until(lambda: shown.value("document.pictureInPictureElement === null"), "gone with it")
    shown.assert_clean()


def test_pictures_over_the_seek_bar(house: House, shown: Page) -> None:
    watch(house, shown)
    shown.keys("k")
    bar = shown.box(".seek-range")
    seen = set()
    for share in (0.001, 0.5, 0.999):
        x, y = bar["x"] + share * bar["width"], bar["y"] + bar["height"] / 2
        shown.browser.command("Input.dispatchMouseEvent", type="mouseMoved", x=x, y=y)
        shown.find(".preview")
        image, position = shown.value(f"[{PICTURE}.backgroundImage, {PICTURE}.backgroundPosition]")
        assert "/sprite-0.jpg" in image
        seen.add(position)
        box = shown.box(".preview")
        assert bar["left"] - 1 <= box["left"] < box["right"] <= bar["right"] + 1
        minutes, seconds = shown.find(".preview-time").text.split(":")
        assert abs(int(minutes) * 60 + int(seconds) - share * 15) <= 1
    assert len(seen) == 3
    shown.assert_clean()


def test_a_drag_that_is_taken_away_leaves_the_seek_bar_alive(house: House, shown: Page) -> None:
    watch(house, shown)
    shown.keys("0")
    for end in ("pointercancel", "pointerup"):  # a release where it began is no change either
        shown.run(
            """
            const bar = document.querySelector(".seek-range");
            bar.value = 12;
            bar.dispatchEvent(new Event("input", {bubbles: true}));
            bar.dispatchEvent(new PointerEvent(arguments[0], {bubbles: true}));
            """,
            end,
        )
        shown.until(
            lambda: (
                abs(float(shown.value("document.querySelector('.seek-range').value")) - at(shown))
                < 1
            ),
            "the bar shows where the film is",
        )
    plays(shown)
    shown.assert_clean()


def test_going_on_where_one_stopped(house: House, shown: Page) -> None:
    watch(house, shown)
    seek(shown, 11)
    shown.until(lambda: at(shown) > 11, "it plays there")
    shown.press("All films")
    shown.press(FILM, ".film a")
    shown.find(".resumed", "Going on at 0:1")
    plays(shown)
    assert at(shown) > 11
    shown.press("Start over")
    shown.until(lambda: at(shown) < 10, "from the beginning")
    shown.gone(".resumed")
    plays(shown)
    seek(shown, 0)
    shown.press("All films")
    shown.find(".hero")
    shown.assert_clean()


def test_a_film_that_one_went_back_from_does_not_play(house: House, shown: Page) -> None:
    shown.before_each(HOLD_FILMS)
    house.let_in(shown, MEMBER)
    shown.until(lambda: shown.value("held.length") == 1, "it asks for the films")
    shown.run("location.hash = '#/watch/1'")
    shown.until(lambda: shown.value("held.length") == 2, "and again")
    shown.run("history.back()")
    shown.until(lambda: shown.value("held.length") == 3, "and once more")
    shown.run("for (const go of held) go()")
    shown.find(".hero")
    shown.press(FILM, ".film a")
    shown.until(lambda: shown.value(f"{VIDEO}?.readyState >= 3"), "there are pictures")
    asked = {name.split("/")[5] for name in shown.value(SEGMENTS) if "/cmaf/" in name}
    assert asked == {shown.value("location.hash").split("/")[2]}
    shown.assert_clean()


def test_what_goes_wrong_is_seen_and_can_be_dismissed(house: House, shown: Page) -> None:
    house.let_in(shown, MEMBER)
    shown.find(".hero")
    shown.line(offline=True)
    shown.press("Sign out")
    toast = shown.find(".toast [role=alert]", "The server cannot be reached.")
    assert toast.is_displayed()
    shown.line()
    shown.press("Dismiss")
    shown.gone(".toast")
    shown.log()  # has told of the line
    shown.press("Sign out")
    shown.heading("Sign in")
    shown.assert_clean()
