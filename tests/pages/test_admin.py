"""What an admin does: uploads, films, users, by pointer and by keys, and when things go wrong."""

from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from selenium.webdriver.common.keys import Keys
from selenium.webdriver.support.ui import Select

from tests.clips.fixtures import ClipCache
from tests.handlers.films import add_pending, small_film
from tests.handlers.site import PASSWORD
from tests.pages.house import ADMIN, FAILED, MEMBER, ON_ITS_WAY, REASON, House, fail_next
from tests.pages.page import Page
from videoflix.models import CATEGORY_MAX, DESCRIPTION_MAX, TITLE_MAX

SLOW = 100_000  # bytes a second
UPLOAD_BYTES = 2_000_000
FOCUSED = "document.activeElement.getAttribute('aria-label') ?? document.activeElement.textContent"
# A file is dropped on the element of this selector: whether the browser would then open it.
DROP = """
const data = new DataTransfer();
data.items.add(new File(["x"], "film.mp4", {type: "video/mp4"}));
const drop = (name) => document.querySelector(arguments[0]).dispatchEvent(
  new DragEvent(name, {bubbles: true, cancelable: true, dataTransfer: data}));
return [drop("dragover"), drop("drop")];
"""
# Requests to delete wait for ``goOn()``; ``answered`` counts those that are over.
HOLDS_DELETES = """
const {open, send} = XMLHttpRequest.prototype;
window.answered = 0;
XMLHttpRequest.prototype.open = function (method, ...rest) {
  this.isDelete = method === "DELETE";
  return open.call(this, method, ...rest);
};
XMLHttpRequest.prototype.send = function (body) {
  if (!this.isDelete) return send.call(this, body);
  this.addEventListener("loadend", () => { window.answered += 1; });
  window.goOn = () => { window.goOn = null; send.call(this, body); };
};
"""
# With ``holds`` set, an answer with films comes after ``goOn()``.
HOLDS_LISTS = """
const plain = window.fetch;
window.fetch = async (...request) => {
  const answer = await plain(...request);
  if (window.holds && String(request[0]).includes("admin/videos/?")) {
    await new Promise((resolve) => { window.goOn = resolve; });
  }
  return answer;
};
"""
# The status of the answer to how far an upload is.
ASK_HOW_FAR = """
const [upload, done] = arguments;
fetch(upload, {method: "HEAD", headers: {"Tus-Resumable": "1.0.0"}})
  .then(({status}) => done(status));
"""
# Pauses are over soon.
HASTENS = """
const later = window.setTimeout, often = window.setInterval;
window.setTimeout = (work, milliseconds, ...rest) => later(work, milliseconds / 50, ...rest);
window.setInterval = (work, milliseconds, ...rest) => often(work, milliseconds / 50, ...rest);
"""
LEAVES = 'return window.dispatchEvent(new Event("beforeunload", {cancelable: true}))'


def status(title: str, wanted: str) -> str:
    """The row of a film, once it is in that state."""
    return f"tr[data-status={wanted}]:has([aria-label='Edit {title}'])"


@pytest.fixture
def film(clip_cache: ClipCache, tmp_path: Path) -> Path:
    path = tmp_path / "a holiday.mp4"
    path.write_bytes(small_film(clip_cache, UPLOAD_BYTES))
    return path


def begin_upload(shown: Page, film: Path) -> None:
    shown.line(upload=SLOW)
    shown.choose("upload-file", film)
    shown.press("Upload", "button")
    shown.until(lambda: shown.value("document.querySelector('.upload progress')?.value"), "it goes")


def test_an_upload_outlives_other_views(house: House, shown: Page, film: Path) -> None:
    house.let_in(shown, ADMIN, "/admin/")
    shown.find("tr", "Film seven")
    assert shown.run(LEAVES) is True  # nothing is lost by leaving
    begin_upload(shown, film)
    shown.press("Users")
    shown.find("tr", MEMBER)
    assert "%" in shown.find(".tabs a[href='#/']").text
    assert shown.run(LEAVES) is False
    shown.find(".tabs a").click()
    shown.find(".upload progress")
    shown.press("Pause")
    shown.find("#upload-state", "paused")
    assert shown.run(LEAVES) is True
    shown.press("Resume")
    shown.press("Cancel the upload")
    shown.find(".notice", "The upload was cancelled.")
    assert shown.run(LEAVES) is True
    shown.log()  # may tell that the server still held the piece that was broken off


def leave_unfinished(shown: Page, film: Path) -> None:
    """An upload that is listed as such, in a page that was opened anew."""
    begin_upload(shown, film)
    shown.press("Pause")
    shown.find("#upload-state", "paused")
    shown.line()
    shown.open("/admin/")
    shown.find(".unfinished", film.name)
    shown.log()  # may tell of the piece that was broken off


def while_discarding(house: House, shown: Page, film: Path) -> Path:
    """Another film to choose, while the answer to the discarding of this one is held."""
    shown.before_each(HOLDS_DELETES)
    house.let_in(shown, ADMIN, "/admin/")
    leave_unfinished(shown, film)
    shown.press(f"Discard {film.name}")
    other = film.with_name("another.mp4")
    other.write_bytes(film.read_bytes())
    return other


def is_answered(shown: Page) -> None:
    """The request that ``HOLDS_DELETES`` has held."""
    shown.until(lambda: shown.value("Boolean(window.goOn)"), "it is asked for")
    before = shown.value("window.answered")
    shown.run("window.goOn()")
    shown.until(lambda: shown.value("window.answered") > before, "it is answered")


def test_an_upload_outlives_the_discarding_of_another(
    house: House, shown: Page, film: Path
) -> None:
    other = while_discarding(house, shown, film)
    begin_upload(shown, other)
    is_answered(shown)
    shown.find(".upload progress")
    assert "%" in shown.find(".tabs a[href='#/']").text
    assert shown.run(LEAVES) is False
    shown.press("Cancel the upload")
    shown.find("#upload-state", "Cancelling")
    is_answered(shown)
    shown.find(".notice", "The upload was cancelled.")
    shown.gone(".unfinished")
    shown.log()  # may tell of the piece that was broken off


def test_what_could_not_be_discarded_stays_listed(house: House, shown: Page, film: Path) -> None:
    house.let_in(shown, ADMIN, "/admin/")
    leave_unfinished(shown, film)
    shown.blocks("*/api/admin/uploads/*")
    shown.press(f"Discard {film.name}")
    shown.find(".toast [role=alert]", "The server cannot be reached.")
    shown.find(".unfinished", film.name)
    shown.blocks()
    note = "Object.keys(localStorage).find((key) => key.startsWith('tus::'))"
    upload = shown.value(f"JSON.parse(localStorage[{note}]).uploadUrl")
    shown.press(f"Discard {film.name}")
    shown.gone(".unfinished")
    assert shown.value(f"{note} === undefined")
    assert shown.driver.execute_async_script(ASK_HOW_FAR, upload) == 404
    shown.log()  # has told of the line


def test_what_is_typed_outlives_the_discarding_of_another(
    house: House, shown: Page, film: Path
) -> None:
    other = while_discarding(house, shown, film)
    shown.choose("upload-file", other)
    shown.fill(description="Typed.")
    is_answered(shown)
    assert shown.find("textarea[name=description]").get_attribute("value") == "Typed."
    shown.press("Choose another file")
    shown.find(".drop")
    shown.gone(".unfinished")
    shown.assert_clean()


def test_details_that_are_refused_are_asked_for_again(
    house: House, shown: Page, film: Path
) -> None:
    house.let_in(shown, ADMIN, "/admin/")
    shown.choose("upload-file", film)
    lengths = "[...document.querySelectorAll('.upload [name]')].map((field) => field.maxLength)"
    shown.fill(title="A long title", description="Long", category="Trees")
    assert shown.value(lengths) == [TITLE_MAX, DESCRIPTION_MAX, CATEGORY_MAX]
    shown.run("document.querySelector('.upload textarea').value += '\\u0007'")
    shown.press("Upload", "button")
    shown.find(".upload .wrong", "Control characters are not allowed.")
    assert shown.value("document.activeElement.name") == "description"
    assert shown.value("document.activeElement.value") == "Long\u0007"
    assert shown.run(LEAVES) is True
    shown.log()  # has told of the refusal
    shown.looked_at("admin-details-refused")


def test_nothing_is_called_kept_that_did_not_arrive(house: House, shown: Page, film: Path) -> None:
    shown.before_each(HASTENS)
    shown.blocks("*/api/admin/uploads/*")
    house.let_in(shown, ADMIN, "/admin/")
    shown.choose("upload-file", film)
    shown.press("Upload", "button")
    assert shown.find(".upload .notice").text == "The server cannot be reached."
    shown.blocks()
    shown.line(upload=SLOW)
    shown.press("Resume")
    shown.until(lambda: shown.value("document.querySelector('.upload progress')?.value"), "goes on")
    shown.press("Cancel the upload")
    shown.find(".notice", "The upload was cancelled.")
    shown.log()  # has told of the line


def test_the_end_of_an_upload_is_told_wherever_one_is(
    house: House, shown: Page, film: Path, tmp_path: Path
) -> None:
    house.let_in(shown, ADMIN, "/admin/")
    begin_upload(shown, film)
    shown.press("Cancel the upload")
    shown.find(".notice", "The upload was cancelled.")
    assert shown.value("document.activeElement.id") == "upload-file"
    broken = tmp_path / "notes.mp4"
    broken.write_bytes(b"no film at all " * 20_000)
    begin_upload(shown, broken)
    shown.press("Users")
    shown.find("tr", MEMBER)
    shown.line()
    said = shown.find(".toast.bad [role=alert]").text
    shown.press("Films")
    shown.find(".upload .notice.bad", said)
    shown.log()  # has told of the refusal


def test_that_nothing_fits_is_read_out(house: House, shown: Page) -> None:
    house.let_in(shown, ADMIN, "/admin/")
    shown.find("tr", "Film seven")
    there = "document.querySelectorAll('.panel > .empty[role=status]').length"
    assert shown.value(there) == 1
    shown.find("[type=search]").send_keys("zzz")
    shown.find(".empty[role=status]", "No film fits.")
    shown.looked_at("admin-nothing-fits")
    shown.press("Users")
    shown.find("tr", MEMBER)
    assert shown.value(there) == 1
    shown.find("[type=search]").send_keys("zzz")
    shown.find(".empty[role=status]", "Nobody fits.")
    shown.assert_clean()


def test_a_file_that_misses_its_place_does_not_leave_the_page(house: House, shown: Page) -> None:
    house.let_in(shown, ADMIN, "/admin/")
    shown.find("tr", "Film seven")
    assert shown.run(DROP, "table") == [False, False]
    assert shown.run(DROP, ".drop") == [False, False]
    shown.find(".file", "film.mp4")
    shown.assert_clean()


def test_what_sends_films_is_fetched_again(house: House, shown: Page, film: Path) -> None:
    shown.blocks("*tus.min.js")
    house.let_in(shown, ADMIN, "/admin/")
    shown.choose("upload-file", film)
    shown.find(".notice", "could not be loaded")
    shown.blocks()
    shown.log()  # has told of it
    shown.choose("upload-file", film)
    shown.find(".file", film.name)
    shown.assert_clean()


def test_dialogs_do_not_stay_above_the_sign_in(house: House, shown: Page) -> None:
    user = house.run(house.server.add_user("short.lived@example.com", is_staff=True))
    house.let_in(shown, user.email, "/admin/")
    shown.press("Edit Film one")
    shown.find("dialog h2", "Edit Film one")
    house.run(house.container.members.delete(user.id))
    # By script: the stream of events may have found out before, and the dialog be gone.
    save = "[...document.querySelectorAll('dialog button')].find((b) => b.textContent === 'Save')"
    shown.run(f"{save}?.click()")
    shown.heading("Sign in as admin")
    shown.find(".notice", "You were signed out.")
    shown.gone("dialog")
    shown.fill(email=ADMIN, password=PASSWORD)
    shown.press("Sign in", "button")
    shown.find("tr", "Film seven")
    shown.log()  # has told of what was refused


def test_the_last_row_of_the_last_page(house: House, shown: Page) -> None:
    titles = [f"One of many {number}" for number in range(12)]
    added = [house.run(add_pending(house.container, title)) for title in titles]
    house.let_in(shown, ADMIN, "/admin/")
    shown.find("tr", titles[-1])
    shown.press("Next")
    shown.find(".pager", "Page 2 of 2")
    shown.press("Delete Film one")
    shown.press("Keep it")
    for video in added[1:]:  # somebody else does
        house.run(house.container.removal.delete(video.id))
    shown.gone(".pager")
    shown.find("tr", "Film one")
    house.run(house.container.removal.delete(added[0].id))
    shown.gone(f"[aria-label='Edit {titles[0]}']")
    shown.assert_clean()


def test_deleting_by_keys(house: House, shown: Page) -> None:
    titles = ["Goes first", "Stays", "Goes second"]
    added = [house.run(add_pending(house.container, title)) for title in titles]
    house.let_in(shown, ADMIN, "/admin/")
    shown.find("tr", "Goes second")
    shown.run("document.querySelector(\"[aria-label='Delete Goes second']\").focus()")
    shown.keys(Keys.ENTER)
    shown.find("dialog h2", "Delete Goes second?")
    assert shown.value(FOCUSED) == "Keep it"
    shown.keys(Keys.ESCAPE)
    shown.gone("dialog")
    assert shown.value(FOCUSED) == "Delete Goes second"
    shown.keys(Keys.ENTER)
    shown.find("dialog")
    shown.keys(Keys.TAB, Keys.ENTER)
    shown.gone("dialog")
    shown.find(".toast", "Goes second is deleted.")
    shown.gone("[aria-label='Delete Goes second']")
    assert shown.value(FOCUSED) == "Delete Stays"
    for video in added[:2]:
        house.run(house.container.removal.delete(video.id))
    shown.gone("[aria-label='Delete Stays']")
    shown.assert_clean()


def test_edit_retry_and_cancel(house: House, shown: Page) -> None:
    video = house.failed("Not yet encoded")
    house.let_in(shown, ADMIN, "/admin/")
    shown.press("Edit Not yet encoded")
    shown.fill(title="Tried once more", description="Longer.", category="Trees")
    shown.press("Save")
    shown.gone("dialog")
    shown.find(status("Tried once more", "failed"), "Trees")
    assert shown.value(FOCUSED) == "Edit Tried once more"
    shown.press("Retry Tried once more")
    shown.find(status("Tried once more", "pending"), "Waiting")
    shown.press("Cancel Tried once more")
    shown.find(status("Tried once more", "failed"))
    assert house.run(house.container.catalogue.find(video.id)).description == "Longer."
    shown.line(offline=True)
    shown.press("Retry Tried once more")
    shown.find(".toast [role=alert]", "The server cannot be reached.")
    shown.line()
    shown.log()  # has told of the line
    house.run(house.container.removal.delete(video.id))


def test_a_picture_of_ones_own(house: House, shown: Page, tmp_path: Path) -> None:
    picture = tmp_path / "picture.jpg"
    with house.client() as client:
        picture.write_bytes(client.get("/media/thumbnails/video_1.jpg").content)
    house.let_in(shown, ADMIN, "/admin/")
    address = f'document.querySelector("{status("Film two", "ready")} img").src'
    shown.find(status("Film two", "ready"))
    before = shown.value(address)
    shown.press("Edit Film two")
    shown.choose("edit-picture", picture)
    shown.find("dialog [role=status]", "The picture is saved.")
    record = house.run(house.container.catalogue.find(2))
    assert record.has_own_thumbnail
    own = shown.value(address)
    assert own != before
    shown.press("Take one from the film")
    shown.find("dialog [role=status]", "The picture comes from the film again.")
    assert not house.run(house.container.catalogue.find(2)).has_own_thumbnail
    assert shown.value(address) != own
    other = tmp_path / "picture.gif"
    other.write_bytes(b"GIF89a")
    shown.choose("edit-picture", other)
    shown.find("dialog [role=status]", "This is no JPEG, PNG or WebP.")
    shown.assert_clean()  # it was not even sent
    shown.look("admin-picture-refused")
    picture.write_bytes(b"no picture")
    shown.choose("edit-picture", picture)
    shown.until(lambda: "…" not in (text := shown.find("dialog [role=status]").text) and text, "no")
    assert not house.run(house.container.catalogue.find(2)).has_own_thumbnail
    shown.press("Close")
    shown.gone("dialog")
    shown.log()  # has told of the refused picture


@pytest.fixture
def visitor(house: House) -> Iterator[httpx.Client]:
    with house.client() as client:
        yield client


def signs_in(visitor: httpx.Client, email: str) -> bool:
    body = {"email": email, "password": PASSWORD}
    return visitor.post("/api/login/", json=body).status_code == 200


def test_users_are_disabled_and_enabled(house: House, shown: Page, visitor: httpx.Client) -> None:
    email, waiting = "comes.and.goes@example.com", "never.came@example.com"
    house.run(house.server.add_user(email))
    registration = {"email": waiting, "password": PASSWORD, "confirmed_password": PASSWORD}
    assert visitor.post("/api/register/", json=registration).status_code == 201
    assert signs_in(visitor, email)
    assert visitor.get("/api/video/").status_code == 200
    house.let_in(shown, ADMIN, "/admin/#/users")
    shown.find("tr[data-state=active]", email)
    assert "goes away" in shown.find("tr[data-state=waiting]", waiting).text
    shown.press(f"Disable {email}")
    shown.press("Disable", "dialog button")
    shown.find("tr[data-state=disabled]", email)
    shown.gone("dialog")
    shown.find(".toast", f"{email} is disabled.")
    assert shown.value(FOCUSED) == f"Enable {email}"
    assert visitor.get("/api/video/").status_code == 401
    assert not signs_in(visitor, email)
    shown.keys(Keys.ENTER)
    shown.find("tr[data-state=active]", email)
    shown.until(lambda: shown.value(FOCUSED) == f"Disable {email}", "the focus stays there")
    assert signs_in(visitor, email)
    assert visitor.get("/api/video/").status_code == 200
    shown.press(f"Activate {waiting}")
    shown.gone("tr[data-state=waiting]")
    assert signs_in(visitor, waiting)
    shown.press("Dismiss")
    shown.assert_clean()


def test_the_rows_of_films_that_are_not_ready(house: House, shown: Page) -> None:
    house.let_in(shown, ADMIN, "/admin/")
    assert "holds no picture" in shown.find(status(FAILED, "failed")).text
    assert "Cancel" in shown.find(status(ON_ITS_WAY, "processing")).text


def test_an_event_outruns_the_answer_with_films(house: House, shown: Page) -> None:
    shown.before_each(HOLDS_LISTS)
    video = house.run(add_pending(house.container, "Soon broken"))
    house.let_in(shown, ADMIN, "/admin/")
    shown.find("tbody tr:first-child", "Soon broken")
    shown.run("window.holds = true")
    Select(shown.find("select[name=sort]")).select_by_value("title")
    shown.until(lambda: shown.value("Boolean(window.goOn)"), "the answer is there")
    house.run(fail_next(house.container, video.id))
    shown.find(status("Soon broken", "failed"))
    shown.run("window.holds = false; window.goOn()")
    shown.find("tbody tr:first-child", "A film")
    shown.find(status("Soon broken", "failed"), REASON)
    house.run(house.container.removal.delete(video.id))
    shown.gone("[aria-label='Edit Soon broken']")
    shown.assert_clean()


def test_films_without_the_stream_of_events(house: House, shown: Page) -> None:
    shown.before_each(HASTENS)
    shown.blocks("*/api/admin/events/*")
    house.let_in(shown, ADMIN, "/admin/")
    shown.find("tr", "Film seven")
    notice = ".panel > [role=status] .notice"
    shown.find(notice, "Live progress is not available.")

    def asked(path: str) -> int:
        entries = "performance.getEntriesByType('resource')"
        return int(
            shown.value(f"{entries}.filter((entry) => entry.name.includes('{path}')).length")
        )

    refreshes = asked("/token/refresh/")
    video = house.run(add_pending(house.container, "Came unheard"))
    shown.find("tr", "Came unheard")
    tries = asked("/events/")
    shown.until(lambda: asked("/events/") > tries + 3, "the stream is tried again")
    # Once, for the session may be over; but they are counted, for all behind one address.
    assert asked("/token/refresh/") == refreshes
    shown.log()  # has told of the stream
    shown.look("admin-not-live")
    shown.blocks()
    shown.gone(notice)
    house.run(house.container.removal.delete(video.id))
    shown.gone("[aria-label='Edit Came unheard']")
    shown.log()  # has told of the stream


def test_pages_that_were_left_hold_no_connection(house: House, shown: Page) -> None:
    """Browsers keep them to come back to, and have six connections to a server."""
    for _ in range(8):
        house.let_in(shown, ADMIN, "/admin/")
        shown.find("tr", "Film seven")
    shown.assert_clean()
