"""Answering with a page, or with one of the files that pages load."""

import hashlib
from pathlib import Path
from typing import NamedTuple

from tornado.template import Loader

from handlers.media import MediaHandler
from handlers.pages.assets import HLS, HLS_WORKER, TUS, Assets
from handlers.pages.policy import page_headers
from videoflix.errors import NotFound
from videoflix.settings import Settings

TEMPLATES = Path(__file__).parent / "templates"
# The script that each page begins with.
ENTRIES = {
    "watch": "js/app.js",
    "activate": "js/activate.js",
    "confirm_password": "js/confirm_password.js",
    "admin": "js/admin/admin.js",
}
PAGE_TYPE = "text/html; charset=utf-8"
REVALIDATED = "no-cache"
FOR_GOOD = "public, max-age=31536000, immutable"


class Page(NamedTuple):
    """A page as it is sent, whoever asks."""

    content: bytes
    etag: str


class Pages:
    """All pages, made once, with their headers and the files that they load."""

    def __init__(self, settings: Settings, assets: Assets) -> None:
        self.assets = assets
        self.headers = page_headers(settings.pages)
        loader = Loader(str(TEMPLATES), autoescape="xhtml_escape")
        cdn = settings.pages.hls_cdn_url
        values = {
            "asset": assets.url,
            "hls_url": cdn or assets.url(HLS),
            "hls_integrity": settings.pages.hls_cdn_integrity if cdn else "",
            "hls_worker": "" if cdn else assets.url(HLS_WORKER),
            "tus_url": assets.url(TUS),
            "cookie_domain": settings.auth.cookie_domain,
        }
        self._pages = {}
        for name, entry in ENTRIES.items():
            # Named in the page, so that browsers need not find them one after the other.
            modules = [assets.url(each) for each in assets.imports(entry)]
            content = loader.load(f"{name}.html").generate(entry=entry, modules=modules, **values)
            etag = f'"{hashlib.sha256(content).hexdigest()[:32]}"'
            self._pages[name] = Page(content, etag)

    def page(self, name: str) -> Page:
        return self._pages[name]


class _Handler(MediaHandler):
    @property
    def pages(self) -> Pages:
        pages: Pages = self.settings["pages"]
        return pages


class PageHandler(_Handler):
    """A page of one name: ``page_name``."""

    page_name = ""

    async def get(self) -> None:
        content, etag = self.pages.page(self.page_name)
        for name, value in self.pages.headers.items():
            self.set_header(name, value)
        if self.begin(PAGE_TYPE, len(content), etag, REVALIDATED):
            self.write(content)


class WatchPageHandler(PageHandler):
    page_name = "watch"


class ActivatePageHandler(PageHandler):
    page_name = "activate"


class ConfirmPasswordPageHandler(PageHandler):
    page_name = "confirm_password"


class AdminPageHandler(PageHandler):
    page_name = "admin"


class AssetHandler(_Handler):
    """A file. Under the version of now it may be kept for good; under another, as a page asks
    for that came from a server before or after this one, it is to be asked for again."""

    async def get(self, version: str, name: str) -> None:
        asset = self.pages.assets.find(name)
        if asset is None:
            raise NotFound("There is no such file.")
        content, etag = asset.content, asset.etag
        self.add_header("Vary", "Accept-Encoding")
        if "gzip" in self.request.headers.get("Accept-Encoding", ""):
            self.set_header("Content-Encoding", "gzip")
            content, etag = asset.packed, f'{etag[:-1]}-gzip"'
        cache = FOR_GOOD if version == self.pages.assets.version else REVALIDATED
        self.set_header("Cross-Origin-Resource-Policy", "same-origin")
        if self.begin(asset.media_type, len(content), etag, cache):
            self.write(content)
