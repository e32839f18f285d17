"""The tokens in cookies: signed JSON web tokens (RFC 7519), HS256 and nothing else.

Each token names its type (``typ``: access or refresh), so that one is never taken for the other,
the user (``sub``), the session (``sid``), itself (``jti``), its issuer and its times. The header
names the key (``kid``): one secret signs, and those before it are still accepted, so that a secret
can be replaced without signing everybody out.
"""

import hashlib
import secrets
from collections import OrderedDict
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from typing import Any

import jwt

from videoflix.errors import ConfigurationError, Unauthenticated
from videoflix.models import Principal, Session, User

ALGORITHM = "HS256"
ISSUER = "videoflix"
REQUIRED = ("typ", "sub", "sid", "jti", "iat", "exp", "iss")
LEEWAY = timedelta(seconds=5)

ACCESS_REFUSED = "The access token is not valid."
REFRESH_REFUSED = "Invalid refresh token."

# Access tokens whose signature is not computed again: a player sends the same one many times.
_REMEMBERED = 4096

_ROLES = {"member": False, "admin": True}


def utc_now() -> datetime:
    return datetime.now(UTC)


class _Refused(Exception):
    """Not a token of ours, or not of this type, or no longer."""


class TokenType(StrEnum):
    ACCESS = "access"
    REFRESH = "refresh"


@dataclass(frozen=True, slots=True)
class RefreshClaims:
    user_id: int
    session_id: str


def signing_key(secret: str) -> bytes:
    """The key for tokens, of full length whatever the secret's; of no use for anything else."""
    return hashlib.sha256(b"videoflix session tokens\0" + secret.encode()).digest()


def key_id(key: bytes) -> str:
    """The ``kid`` of a key. It tells nothing about the key."""
    return hashlib.sha256(key).hexdigest()[:12]


class Tokens:
    """Issues tokens under one secret, and checks tokens of that and of previous ones."""

    def __init__(self, secret: str, previous: Iterable[str] = (), *, access: timedelta) -> None:
        """``access`` is how long an access token lives. Raises ConfigurationError without a
        secret."""
        if not secret:
            raise ConfigurationError("auth.secret_key: there is no secret to sign sessions with")
        self._key = signing_key(secret)
        self._kid = key_id(self._key)
        self._keys = {key_id(key): key for key in map(signing_key, (secret, *previous))}
        self._access = access
        self._checked: OrderedDict[str, tuple[Principal, float]] = OrderedDict()

    def access(self, user: User, session: Session) -> str:
        """An access token; it never outlives its session."""
        expires = min(utc_now() + self._access, session.expires_at)
        role = "admin" if user.is_staff else "member"
        return self._encode(TokenType.ACCESS, user.id, session.id, expires, role=role)

    def refresh(self, session: Session) -> str:
        return self._encode(TokenType.REFRESH, session.user_id, session.id, session.expires_at)

    def check_access(self, token: str) -> Principal:
        """Raises Unauthenticated for anything but a valid access token.

        What was valid once is so, letter by letter, until it expires: the keys of a process do
        not change.
        """
        known = self._checked.get(token)
        if known is not None and utc_now().timestamp() < known[1]:
            self._checked.move_to_end(token)
            return known[0]
        try:
            claims = self._decode(token, TokenType.ACCESS)
            role = _text(claims, "role")
            if role not in _ROLES:
                raise _Refused
            found = Principal(_user_id(claims), _text(claims, "sid"), is_staff=_ROLES[role])
        except _Refused as error:
            self._checked.pop(token, None)
            raise Unauthenticated(ACCESS_REFUSED) from error
        self._checked[token] = found, float(claims["exp"])
        if len(self._checked) > _REMEMBERED:
            self._checked.popitem(last=False)
        return found

    def check_refresh(self, token: str) -> RefreshClaims:
        """Raises Unauthenticated for anything but a valid refresh token."""
        try:
            claims = self._decode(token, TokenType.REFRESH)
            return RefreshClaims(_user_id(claims), _text(claims, "sid"))
        except _Refused as error:
            raise Unauthenticated(REFRESH_REFUSED) from error

    def _encode(
        self, typ: TokenType, user_id: int, session_id: str, expires: datetime, **more: str
    ) -> str:
        claims: dict[str, Any] = {
            "typ": typ.value,
            "sub": str(user_id),
            "sid": session_id,
            "jti": secrets.token_hex(16),
            "iat": utc_now(),
            "exp": expires,
            "iss": ISSUER,
            **more,
        }
        return jwt.encode(claims, self._key, ALGORITHM, headers={"kid": self._kid})

    def _decode(self, token: str, typ: TokenType) -> dict[str, Any]:
        try:
            key = self._keys.get(jwt.get_unverified_header(token).get("kid", ""))
            if key is None:
                raise _Refused
            claims: dict[str, Any] = jwt.decode(
                token,
                key,
                algorithms=[ALGORITHM],
                issuer=ISSUER,
                leeway=LEEWAY,
                options={"require": list(REQUIRED)},
            )
        except (jwt.PyJWTError, ValueError, TypeError) as error:
            raise _Refused from error
        if claims["typ"] != typ.value or not _text(claims, "jti"):
            raise _Refused
        return claims


def _text(claims: dict[str, Any], name: str) -> str:
    value = claims.get(name)
    if not isinstance(value, str) or not value:
        raise _Refused
    return value


def _user_id(claims: dict[str, Any]) -> int:
    subject = _text(claims, "sub")
    if not (subject.isascii() and subject.isdecimal() and len(subject) <= 18):
        raise _Refused
    return int(subject)
