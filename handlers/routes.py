"""The one table of routes: path, handler and, for every HTTP method, who may use it and its
documentation."""

from typing import NoReturn

from handlers import media_operations, operations
from handlers.access import ADMIN, MEMBER, PART, PUBLIC, Route, everything, reading
from handlers.accounts import (
    ActivateHandler,
    LoginHandler,
    LogoutHandler,
    PasswordConfirmHandler,
    PasswordResetHandler,
    RefreshHandler,
    RegisterHandler,
)
from handlers.admin_routes import ADMIN_ROUTES
from handlers.base import BaseHandler
from handlers.catalogue import CatalogueHandler, SegmentHandler, ThumbnailHandler
from handlers.documentation import UNLISTED, Operation
from handlers.health import LivenessHandler, ReadinessHandler
from handlers.me import (
    OwnAccountHandler,
    OwnPasswordHandler,
    OwnSessionHandler,
    OwnSessionsHandler,
)
from handlers.openapi import ApiDocumentHandler
from handlers.packages import (
    CmafIFramePlaylistHandler,
    CmafInitHandler,
    CmafMediaPlaylistHandler,
    CmafMultivariantPlaylistHandler,
    CmafSegmentHandler,
    CmafTextSegmentHandler,
    IFramePlaylistHandler,
    ImagePlaylistHandler,
    MediaPlaylistHandler,
    MultivariantPlaylistHandler,
    PackedSegmentHandler,
    PresentationHandler,
    SpriteHandler,
    StoryboardHandler,
    TextHandler,
    TextSegmentHandler,
)
from handlers.positions import PositionHandler
from videoflix.errors import NotFound


class UnknownHandler(BaseHandler):
    """Paths that lead nowhere. Where the paths beside them are closed, these are too."""

    async def get(self, *_path: str) -> NoReturn:
        raise NotFound("Not found.")

    head = post = put = patch = delete = get

    def check_forgery(self) -> None:
        """Nothing can be changed here."""


def _media(path: str, handler: type[BaseHandler], operation: Operation) -> Route:
    """A route for members below a video's own."""
    return Route(rf"/api/video/{PART}/{path}/?", handler, reading(MEMBER), {"GET": operation})


# Every path answers with and without its final slash, and without a redirect: players drop the
# slash, and a redirect loses the body of a POST.
ROUTES = (
    Route(r"/api/register/?", RegisterHandler, {"POST": PUBLIC}, {"POST": operations.REGISTER}),
    Route(
        rf"/api/activate/{PART}/{PART}/?",
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
        rf"/api/password_confirm/{PART}/{PART}/?",
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
        rf"/api/me/sessions/{PART}/?",
        OwnSessionHandler,
        {"DELETE": MEMBER},
        {"DELETE": operations.END_SESSION},
    ),
    Route(r"/api/me/.*", UnknownHandler, everything(MEMBER), UNLISTED),
    Route(r"/api/video/?", CatalogueHandler, reading(MEMBER), {"GET": operations.CATALOGUE}),
    Route(
        rf"/api/video/{PART}/position/?",
        PositionHandler,
        {**reading(MEMBER), "PUT": MEMBER},
        {"GET": operations.POSITION, "PUT": operations.KEEP_POSITION},
    ),
    _media(r"master\.m3u8", MultivariantPlaylistHandler, media_operations.MULTIVARIANT_PLAYLIST),
    _media(
        r"cmaf/master\.m3u8",
        CmafMultivariantPlaylistHandler,
        media_operations.CMAF_MULTIVARIANT_PLAYLIST,
    ),
    _media(r"manifest\.mpd", PresentationHandler, media_operations.PRESENTATION),
    _media(r"storyboard\.m3u8", ImagePlaylistHandler, media_operations.IMAGE_PLAYLIST),
    _media(r"storyboard\.vtt", StoryboardHandler, media_operations.STORYBOARD),
    _media(rf"sprite-{PART}\.jpg", SpriteHandler, media_operations.SPRITE),
    _media(rf"text-{PART}\.vtt", TextHandler, media_operations.TEXT),
    _media(
        rf"cmaf/{PART}/index\.m3u8", CmafMediaPlaylistHandler, media_operations.CMAF_MEDIA_PLAYLIST
    ),
    _media(
        rf"cmaf/{PART}/iframes\.m3u8",
        CmafIFramePlaylistHandler,
        media_operations.CMAF_I_FRAME_PLAYLIST,
    ),
    _media(rf"cmaf/{PART}/init\.mp4", CmafInitHandler, media_operations.CMAF_INIT),
    _media(rf"cmaf/{PART}/segment_{PART}\.m4s", CmafSegmentHandler, media_operations.CMAF_SEGMENT),
    _media(
        rf"cmaf/{PART}/segment_000\.vtt",
        CmafTextSegmentHandler,
        media_operations.CMAF_TEXT_SEGMENT,
    ),
    _media(rf"{PART}/index\.m3u8", MediaPlaylistHandler, media_operations.MEDIA_PLAYLIST),
    _media(rf"{PART}/iframes\.m3u8", IFramePlaylistHandler, media_operations.I_FRAME_PLAYLIST),
    _media(rf"{PART}/segment_{PART}\.aac", PackedSegmentHandler, media_operations.PACKED_SEGMENT),
    _media(rf"{PART}/segment_000\.vtt", TextSegmentHandler, media_operations.TEXT_SEGMENT),
    _media(rf"{PART}/{PART}", SegmentHandler, media_operations.SEGMENT),
    Route(r"/api/video/.*", UnknownHandler, everything(MEMBER), UNLISTED),
    *ADMIN_ROUTES,
    Route(r"/api/admin/.*", UnknownHandler, everything(ADMIN), UNLISTED),
    Route(r"/api/schema/?", ApiDocumentHandler, reading(PUBLIC), {"GET": operations.API_DOCUMENT}),
    Route(r"/healthz/?", LivenessHandler, reading(PUBLIC), {"GET": operations.LIVENESS}),
    Route(r"/readyz/?", ReadinessHandler, reading(PUBLIC), {"GET": operations.READINESS}),
    Route(
        r"/media/thumbnails/video_([0-9]+)\.jpg/?",
        ThumbnailHandler,
        reading(PUBLIC),
        {"GET": media_operations.THUMBNAIL},
    ),
)

UNKNOWN = Route(r".*", UnknownHandler, everything(PUBLIC), UNLISTED)
