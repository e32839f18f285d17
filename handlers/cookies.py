"""The cookies of a session, as existing clients expect them."""

import re
import secrets
from typing import Any

from tornado.web import RequestHandler

from videoflix.settings import Settings

ACCESS_COOKIE = "access_token"
REFRESH_COOKIE = "refresh_token"
CSRF_COOKIE = "csrftoken"
CSRF_HEADER = "X-CSRFToken"

_CSRF_TOKEN = re.compile(r"[0-9a-f]{64}")


class SessionCookies:
    """Sets and deletes the cookies on one answer."""

    def __init__(self, handler: RequestHandler, settings: Settings) -> None:
        self._handler = handler
        self._attributes: dict[str, Any] = {
            "path": "/",
            "samesite": "Lax",
            "secure": settings.has_secure_cookies,
        }
        self._domain = settings.auth.cookie_domain or None
        self._access_seconds = int(settings.auth.access_minutes * 60)
        self._refresh_seconds = int(settings.auth.refresh_days * 24 * 3600)

    def set_access(self, token: str) -> None:
        self._set_private(ACCESS_COOKIE, token, self._access_seconds)

    def set_refresh(self, token: str) -> None:
        self._set_private(REFRESH_COOKIE, token, self._refresh_seconds)

    def set_csrf(self, *, renew: bool) -> None:
        """The cookie that scripts read. Without ``renew`` a present token is kept: another tab
        may be about to send it."""
        present = self._handler.get_cookie(CSRF_COOKIE) or ""
        keep = not renew and _CSRF_TOKEN.fullmatch(present)
        self._handler.set_cookie(
            CSRF_COOKIE,
            present if keep else secrets.token_hex(32),
            domain=self._domain,
            max_age=self._refresh_seconds,
            **self._attributes,
        )

    def delete_all(self) -> None:
        for name in (ACCESS_COOKIE, REFRESH_COOKIE):
            self._handler.clear_cookie(name, httponly=True, **self._attributes)
        self._handler.clear_cookie(CSRF_COOKIE, domain=self._domain, **self._attributes)

    def _set_private(self, name: str, token: str, seconds: int) -> None:
        self._handler.set_cookie(name, token, max_age=seconds, httponly=True, **self._attributes)
