"""Every call of the API but those for media (``handlers.media_operations``), documented. How to add
one: see ``handlers.documentation``."""

from typing import Any

from handlers import schemas
from handlers.answers import (
    CatalogueEntry,
    Detail,
    EventStream,
    LoggedIn,
    Me,
    Message,
    OpenSession,
    Refreshed,
    Registered,
    RetriedMany,
    VideoList,
    VideoRecord,
)
from handlers.documentation import FORM_TYPE, Cookie, Operation, Reply, Tag
from handlers.events import EVENT_TYPE
from handlers.videos import VideoListQuery

_ALL_COOKIES = (Cookie.ACCESS, Cookie.REFRESH, Cookie.CSRF)
_REFRESH_REFUSED = (
    Reply(400, "There is no refresh cookie.", Detail),
    Reply(401, "The refresh token is invalid, or its session has ended.", Detail),
)

REGISTER = Operation(
    "register",
    "Create an account, which the link in a mail activates",
    Tag.ACCOUNTS,
    (
        Reply(201, "The account, not active yet.", Registered),
        Reply(503, "The mail could not be sent; there is no account.", Detail),
    ),
    request=schemas.Registration,
    is_limited=True,
)

ACTIVATE = Operation(
    "activate",
    "Activate an account by the link of its mail",
    Tag.ACCOUNTS,
    (
        Reply(200, "The account is active.", Message),
        Reply(400, "The link is wrong, used or too old.", Message),
    ),
    is_limited=True,
)

LOGIN = Operation(
    "login",
    "Sign in",
    Tag.ACCOUNTS,
    (Reply(200, "A session has begun.", LoggedIn, cookies=_ALL_COOKIES),),
    description="One and the same 400 for an unknown address, a wrong password and an account "
    "that is not active.",
    request=schemas.Login,
    is_limited=True,
)

LOGOUT = Operation(
    "logout",
    "Sign out: ends the session and deletes the cookies",
    Tag.ACCOUNTS,
    (Reply(200, "The session has ended.", Detail, cookies=_ALL_COOKIES), *_REFRESH_REFUSED),
    request=schemas.Empty,
    needs_refresh_cookie=True,
)

REFRESH = Operation(
    "refreshToken",
    "Get a new access token",
    Tag.ACCOUNTS,
    (
        Reply(200, "A new access token.", Refreshed, cookies=(Cookie.ACCESS, Cookie.CSRF)),
        *_REFRESH_REFUSED,
    ),
    request=schemas.Empty,
    needs_refresh_cookie=True,
    is_limited=True,
)

PASSWORD_RESET = Operation(
    "requestPasswordReset",
    "Ask for a mail with a link to a new password",
    Tag.ACCOUNTS,
    (Reply(200, "The same whether or not there is such an account.", Detail),),
    request=schemas.PasswordResetRequest,
    is_limited=True,
)

PASSWORD_CONFIRM = Operation(
    "confirmPasswordReset",
    "Set a new password by the link of a mail; ends all sessions",
    Tag.ACCOUNTS,
    (
        Reply(200, "The password is changed.", Detail),
        Reply(400, "The link is wrong, used or too old.", Detail),
    ),
    request=schemas.PasswordResetConfirmation,
    is_limited=True,
)

ME = Operation(
    "getOwnAccount",
    "One's own account",
    Tag.ACCOUNTS,
    (Reply(200, "The account.", Me),),
)

DELETE_ME = Operation(
    "deleteOwnAccount",
    "Delete one's own account, with its sessions and links",
    Tag.ACCOUNTS,
    (Reply(200, "The account is deleted, and so are the cookies.", Detail, cookies=_ALL_COOKIES),),
    description="The password is asked for again. The only admin may delete himself too: "
    "the command line makes another.",
    request=schemas.AccountDeletion,
    is_limited=True,
)

CHANGE_PASSWORD = Operation(
    "changePassword",
    "Change one's own password; ends all other sessions and voids the links in mails",
    Tag.ACCOUNTS,
    (Reply(200, "The password is changed; this session goes on.", Detail),),
    request=schemas.PasswordChange,
    is_limited=True,
)

SESSIONS = Operation(
    "listOwnSessions",
    "Where one is signed in, newest first",
    Tag.ACCOUNTS,
    (Reply(200, "The open sessions.", list[OpenSession]),),
)

END_SESSION = Operation(
    "endOwnSession",
    "Sign out elsewhere, or here: then the cookies are deleted",
    Tag.ACCOUNTS,
    (
        Reply(200, "The session has ended.", Detail),
        Reply(200, "It was this one: the cookies are deleted.", Detail, cookies=_ALL_COOKIES),
    ),
    request=schemas.Empty,
)

CATALOGUE = Operation(
    "listVideos",
    "The catalogue: ready videos, newest first",
    Tag.CATALOGUE,
    (Reply(200, "The videos.", list[CatalogueEntry]),),
)


UPLOAD = Operation(
    "uploadVideo",
    "Add a film",
    Tag.ADMIN,
    (
        Reply(201, "The film is kept, and waits to be encoded.", VideoRecord),
        Reply(413, "The film or the thumbnail is too large.", Detail),
        Reply(507, "There is not enough free space.", Detail),
    ),
    description="The form is read as it arrives; it may be as large as `upload.max_bytes` allows.",
    request=schemas.VideoUpload,
    request_type=FORM_TYPE,
)

VIDEO_LIST = Operation(
    "listAllVideos",
    "All videos, whatever their status, newest first",
    Tag.ADMIN,
    (Reply(200, "One page. One beyond the last is empty.", VideoList),),
    query=VideoListQuery,
)

CANCEL = Operation(
    "cancelEncoding",
    "Stop the encoding of a video, or take it out of the queue",
    Tag.ADMIN,
    (
        Reply(200, "Its worker gives up within seconds.", VideoRecord),
        Reply(409, "The video neither waits nor is being encoded.", Detail),
    ),
    description="The video is `failed`, and not tried again by itself. Where an earlier encode is "
    "published, it is `ready` again with that one.",
    request=schemas.Empty,
)

RETRY = Operation(
    "retryVideo",
    "Give a failed video all its attempts again",
    Tag.ADMIN,
    (
        Reply(200, "It waits to be encoded.", VideoRecord),
        Reply(409, "It has not failed, or its film is no longer kept.", Detail),
    ),
    request=schemas.Empty,
)

RETRY_MANY = Operation(
    "retryVideos",
    "Give many failed videos, or all, their attempts again",
    Tag.ADMIN,
    (Reply(200, "Which of them wait now, and which do not and why.", RetriedMany),),
    request=schemas.RetryMany,
)

EVENTS = Operation(
    "watchVideos",
    "How videos are getting on, as it happens (server-sent events)",
    Tag.ADMIN,
    (Reply(200, "Events, until the session ends.", EventStream, EVENT_TYPE),),
    description="`start` (`is_resumed`: whether what has changed since `Last-Event-ID` follows), "
    "then `video` with the record of each unfinished video, and of each that changes from then on.",
)

VIDEO_RECORD = Operation(
    "getVideoRecord",
    "A video with its processing status",
    Tag.ADMIN,
    (Reply(200, "The record.", VideoRecord),),
)

API_DOCUMENT = Operation(
    "getApiDocument",
    "This document (OpenAPI 3.1)",
    Tag.API,
    (Reply(200, "The document.", dict[str, Any]),),
)
