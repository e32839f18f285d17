"""The routes of the pages. Everybody may have them: what they show comes from the API, which
asks who one is."""

from handlers.access import PART, PUBLIC, Route, reading
from handlers.documentation import UNLISTED
from handlers.pages.handlers import (
    ActivatePageHandler,
    AdminPageHandler,
    AssetHandler,
    ConfirmPasswordPageHandler,
    PageHandler,
    WatchPageHandler,
)


def _page(path: str, handler: type[PageHandler]) -> Route:
    return Route(path, handler, reading(PUBLIC), UNLISTED)


PAGE_ROUTES = (
    _page(r"/", WatchPageHandler),
    _page(r"/admin/?", AdminPageHandler),
    # Links in mails lead to these two.
    _page(r"/pages/auth/activate\.html", ActivatePageHandler),
    _page(r"/pages/auth/confirm_password\.html", ConfirmPasswordPageHandler),
    Route(rf"/pages/static/{PART}/(.+)", AssetHandler, reading(PUBLIC), UNLISTED),
)
