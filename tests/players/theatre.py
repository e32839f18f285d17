"""A server with the film, and a page on another origin with players, as an SPA is."""

from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from pathlib import Path

from structlog.testing import capture_logs
from tornado.httpserver import HTTPServer
from tornado.netutil import bind_sockets
from tornado.web import Application, StaticFileHandler

from tests.handlers.conftest import changed, site
from tests.handlers.films import publish
from tests.handlers.site import Server
from tests.players.film import Film
from tests.programs import REPOSITORY
from videoflix.settings import Settings

FORMATS = {"TS": "master.m3u8", "CMAF": "cmaf/master.m3u8", "DASH": "manifest.mpd"}
EMAIL = "member@example.com"
PAGE = Path(__file__).parent / "page"


@dataclass(frozen=True)
class Theatre:
    """``page`` is the URL of the players' page, which may use the server's API."""

    server: Server
    film: Film
    video_id: int
    page: str

    def url(self, name: str) -> str:
        """Of the playlist or manifest of a format."""
        return f"{self.server.url}/api/video/{self.video_id}/{FORMATS[name]}"

    async def cookie(self) -> str:
        """Of a session, as a ``Cookie`` header has it."""
        async with self.server.signed_in("native@example.com") as client:
            return f"access_token={client.cookies['access_token']}"


@asynccontextmanager
async def theatre(settings: Settings, film: Film) -> AsyncIterator[Theatre]:
    with _page() as page:
        shared = changed(settings, server={"cors_origins": (page,)})
        async with site(shared) as server:
            video = await publish(server.container, film.title.folder)
            await server.add_user(EMAIL)
            with no_refusals():
                yield Theatre(server, film, video.id, page)


@contextmanager
def _page() -> Iterator[str]:
    hls = REPOSITORY / "handlers/pages/node_modules/hls.js/dist"
    shaka = REPOSITORY / "tests/web/node_modules/shaka-player/dist"
    files = {"(hls.min.js)": hls, "(shaka-player.compiled.js)": shaka, "(.*)": PAGE}
    application = Application(
        [
            (f"/{name}", StaticFileHandler, {"path": str(path), "default_filename": "index.html"})
            for name, path in files.items()
        ]
    )
    sockets = bind_sockets(0, "127.0.0.1")
    server = HTTPServer(application)
    server.add_sockets(sockets)
    try:
        yield f"http://127.0.0.1:{sockets[0].getsockname()[1]}"
    finally:
        server.stop()


@contextmanager
def no_refusals() -> Iterator[None]:
    """Every request must be answered with what was asked for."""
    with capture_logs() as logs:
        yield
    requests = [entry for entry in logs if entry["event"] == "request"]
    assert requests
    assert [entry for entry in requests if entry["status"] >= 400] == []
