"""The one table of routes: path, handler and, for every HTTP method, who may use it and its
documentation."""

from typing import NoReturn

from handlers import operations
from handlers.access import Access, Route
from handlers.accounts import (
    ActivateHandler,
    LoginHandler,
    LogoutHandler,
    PasswordConfirmHandler,
    PasswordResetHandler,
    RefreshHandler,
    RegisterHandler,
)
from handlers.admin import VideosHandler
from handlers.base import BaseHandler
from handlers.catalogue import (
    CatalogueHandler,
    MediaPlaylistHandler,
    MultivariantPlaylistHandler,
    SegmentHandler,
    ThumbnailHandler,
)
from handlers.documentation import UNLISTED
from handlers.events import EventsHandler
from handlers.me import (
    OwnAccountHandler,
    OwnPasswordHandler,
    OwnSessionHandler,
    OwnSessionsHandler,
)
from handlers.openapi import ApiDocumentHandler
from handlers.videos import (
    VideoCancelHandler,
    VideoRecordHandler,
    VideoRetryHandler,
    VideosRetryHandler,
)
from videoflix.errors import NotFound

PUBLIC, MEMBER, ADMIN = Access.PUBLIC, Access.MEMBER, Access.ADMIN

_PART = r"([^/]+)"
_METHODS = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE")


class UnknownHandler(BaseHandler):
    """Paths that lead nowhere. Where the paths beside them are closed, these are too."""

    async def get(self, *_path: str) -> NoReturn:
        raise NotFound("Not found.")

    head = post = put = patch = delete = get

    def check_forgery(self) -> None:
        """Nothing can be changed here."""


def everything(access: Access) -> dict[str, Access]:
    return dict.fromkeys(_METHODS, access)


def reading(access: Access) -> dict[str, Access]:
    return {"GET": access, "HEAD": access}


# Every path answers with and without its final slash, and without a redirect: players drop the
# slash, and a redirect loses the body of a POST.
ROUTES = (
    Route(r"/api/register/?", RegisterHandler, {"POST": PUBLIC}, {"POST": operations.REGISTER}),
    Route(
        rf"/api/activate/{_PART}/{_PART}/?",
        ActivateHandler,
        {"GET": PUBLIC},
        {"GET": operations.ACTIVATE},
    ),
    Route(r"/api/login/?", LoginHandler, {"POST": PUBLIC}, {"POST": operations.LOGIN}),
    Route(r"/api/logout/?", LogoutHandler, {"POST": PUBLIC}, {"POST": operations.LOGOUT}),
    Route(r"/api/token/refresh/?", RefreshHandler, {"POST": PUBLIC}, {"POST": operations.REFRESH}),
    Route(
        r"/api/password_reset/?",
        PasswordResetHandler,
        {"POST": PUBLIC},
        {"POST": operations.PASSWORD_RESET},
    ),
    Route(
        rf"/api/password_confirm/{_PART}/{_PART}/?",
        PasswordConfirmHandler,
        {"POST": PUBLIC},
        {"POST": operations.PASSWORD_CONFIRM},
    ),
    Route(
        r"/api/me/?",
        OwnAccountHandler,
        {"GET": MEMBER, "HEAD": MEMBER, "DELETE": MEMBER},
        {"GET": operations.ME, "DELETE": operations.DELETE_ME},
    ),
    Route(
        r"/api/me/password/?",
        OwnPasswordHandler,
        {"POST": MEMBER},
        {"POST": operations.CHANGE_PASSWORD},
    ),
    Route(r"/api/me/sessions/?", OwnSessionsHandler, reading(MEMBER), {"GET": operations.SESSIONS}),
    Route(
        rf"/api/me/sessions/{_PART}/?",
        OwnSessionHandler,
        {"DELETE": MEMBER},
        {"DELETE": operations.END_SESSION},
    ),
    Route(r"/api/me/.*", UnknownHandler, everything(MEMBER), UNLISTED),
    Route(r"/api/video/?", CatalogueHandler, reading(MEMBER), {"GET": operations.CATALOGUE}),
    Route(
        rf"/api/video/{_PART}/master\.m3u8/?",
        MultivariantPlaylistHandler,
        reading(MEMBER),
        {"GET": operations.MULTIVARIANT_PLAYLIST},
    ),
    Route(
        rf"/api/video/{_PART}/{_PART}/index\.m3u8/?",
        MediaPlaylistHandler,
        reading(MEMBER),
        {"GET": operations.MEDIA_PLAYLIST},
    ),
    Route(
        rf"/api/video/{_PART}/{_PART}/{_PART}/?",
        SegmentHandler,
        reading(MEMBER),
        {"GET": operations.SEGMENT},
    ),
    Route(r"/api/video/.*", UnknownHandler, everything(MEMBER), UNLISTED),
    Route(
        r"/api/admin/videos/?",
        VideosHandler,
        {"GET": ADMIN, "POST": ADMIN},
        {"GET": operations.VIDEO_LIST, "POST": operations.UPLOAD},
    ),
    Route(
        r"/api/admin/videos/retry/?",
        VideosRetryHandler,
        {"POST": ADMIN},
        {"POST": operations.RETRY_MANY},
    ),
    Route(
        rf"/api/admin/videos/{_PART}/?",
        VideoRecordHandler,
        {"GET": ADMIN},
        {"GET": operations.VIDEO_RECORD},
    ),
    Route(
        rf"/api/admin/videos/{_PART}/cancel/?",
        VideoCancelHandler,
        {"POST": ADMIN},
        {"POST": operations.CANCEL},
    ),
    Route(
        rf"/api/admin/videos/{_PART}/retry/?",
        VideoRetryHandler,
        {"POST": ADMIN},
        {"POST": operations.RETRY},
    ),
    Route(r"/api/admin/events/?", EventsHandler, {"GET": ADMIN}, {"GET": operations.EVENTS}),
    Route(r"/api/admin/.*", UnknownHandler, everything(ADMIN), UNLISTED),
    Route(r"/api/schema/?", ApiDocumentHandler, reading(PUBLIC), {"GET": operations.API_DOCUMENT}),
    Route(
        r"/media/thumbnails/video_([0-9]+)\.jpg/?",
        ThumbnailHandler,
        reading(PUBLIC),
        {"GET": operations.THUMBNAIL},
    ),
)

UNKNOWN = Route(r".*", UnknownHandler, everything(PUBLIC), UNLISTED)
