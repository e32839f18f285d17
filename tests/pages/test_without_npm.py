"""Pages of a server on which npm's packages are not installed say so, and do what can be done."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from tornado.httpserver import HTTPServer

from handlers.app import make_app
from handlers.pages.assets import load_assets
from handlers.pages.handlers import Pages
from tests.clips.fixtures import ClipCache
from tests.handlers.conftest import changed
from tests.handlers.films import small_film
from tests.pages.house import ADMIN, MEMBER, House
from tests.pages.page import Page
from tests.ports import free_port

# As a browser that needs hls.js; this one could do without.
NO_HLS = "HTMLVideoElement.prototype.canPlayType = () => '';"


@pytest.fixture
def bare(house: House, shown: Page, tmp_path: Path) -> Iterator[House]:
    """A second server before the same films, without packages."""
    port = free_port()
    settings = changed(house.container.settings, server={"port": port})
    container = replace(house.container, settings=settings)

    async def listen() -> HTTPServer:
        application = make_app(container)
        application.settings["pages"] = Pages(settings, load_assets(modules=tmp_path))
        return application.listen(port, "127.0.0.1")

    async def close(server: HTTPServer) -> None:
        server.stop()
        await server.close_all_connections()

    server = house.run(listen())
    usual, shown.url = shown.url, f"http://127.0.0.1:{port}"
    yield House(replace(house.server, url=shown.url, container=container), house.loop)
    shown.url = usual
    house.run(close(server))


def test_the_player_that_is_missing(bare: House, shown: Page) -> None:
    shown.before_each(NO_HLS)
    bare.let_in(shown, MEMBER)
    shown.press("Film seven", ".film a")
    shown.find(".trouble", "The player is not installed on this server")
    assert "hls.js" in shown.find(".trouble").text
    shown.gone(".trouble button")
    shown.assert_clean()


def test_films_are_sent_by_a_form(
    bare: House, shown: Page, clip_cache: ClipCache, tmp_path: Path
) -> None:
    film, broken = tmp_path / "by form.mp4", tmp_path / "broken.mp4"
    film.write_bytes(small_film(clip_cache))
    broken.write_bytes(b"no film")
    bare.let_in(shown, ADMIN, "/admin/")
    shown.find(".upload .notice", "tus-js-client is not installed on this server")
    shown.look("admin-without-npm")
    shown.choose("upload-file", broken)
    shown.press("Upload", "button")
    shown.find(".upload .bad", "is no")
    shown.log()  # has told of the refusal
    shown.choose("upload-file", film)
    shown.fill(title="Sent by a form", category="Trees")
    shown.press("Upload", "button")
    shown.find(".notice", "by form.mp4 is uploaded")
    shown.find("tr[data-status=pending]", "Sent by a form")
    shown.press("Delete Sent by a form")
    shown.press("Delete", "dialog button")
    shown.find(".toast", "Sent by a form is deleted.")
    shown.assert_clean()
