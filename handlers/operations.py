"""Every call of the API but those for media (``handlers.media_operations``) and for admins
(``handlers.admin_operations``), documented. How to add one: see ``handlers.documentation``."""

from typing import Any

from handlers import schemas
from handlers.answers import (
    Alive,
    CatalogueEntry,
    Detail,
    LoggedIn,
    Me,
    Message,
    OpenSession,
    Position,
    Readiness,
    Refreshed,
    Registered,
)
from handlers.documentation import Cookie, Header, Operation, Reply, Tag
from handlers.health import ReadinessQuery

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
    "The catalogue: videos that can be played, newest first",
    Tag.CATALOGUE,
    (Reply(200, "The videos.", list[CatalogueEntry]),),
)

POSITION = Operation(
    "getPosition",
    "Where one stopped watching",
    Tag.CATALOGUE,
    (Reply(200, "The position, 0 where nothing is kept.", Position),),
)

KEEP_POSITION = Operation(
    "keepPosition",
    "Remember where one stopped watching",
    Tag.CATALOGUE,
    (Reply(200, "The position as it is kept.", Position),),
    description="Of oneself alone. Beyond the film's end is refused, but for a second.",
    request=schemas.WatchPosition,
)

LIVENESS = Operation(
    "isAlive",
    "Whether this server answers; touches no service",
    Tag.API,
    (Reply(200, "It does.", Alive),),
    description="By any host name, for load balancers and container engines.",
)

READINESS = Operation(
    "isReady",
    "Whether this server can do all of its work",
    Tag.API,
    (
        Reply(200, "It can.", Readiness),
        Reply(503, "Something is wrong.", Readiness, headers=(Header.RETRY_AFTER,)),
    ),
    description="Answers within 2.5 seconds, by any host name; why a part is not fine is in the "
    "server's log.",
    query=ReadinessQuery,
)

API_DOCUMENT = Operation(
    "getApiDocument",
    "This document (OpenAPI 3.1)",
    Tag.API,
    (Reply(200, "The document.", dict[str, Any]),),
)
