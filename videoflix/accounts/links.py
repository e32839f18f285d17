"""One-time links: ``uidb64`` and the token in their URLs, and what is kept of the token."""

import base64
import binascii
import hashlib
import hmac
import re
import secrets
from dataclasses import dataclass
from urllib.parse import urlencode

_TOKEN = re.compile(r"[0-9a-f]{64}")
_DECIMAL = re.compile(r"[1-9][0-9]{0,17}")


@dataclass(frozen=True, slots=True)
class LinkClaim:
    """What the visitor of a link claims: an account and, as its hash, a token."""

    user_id: int
    token_hash: str


def encode_uid(user_id: int) -> str:
    """URL-safe base64 of the decimal id, without padding."""
    return base64.urlsafe_b64encode(str(user_id).encode()).decode().rstrip("=")


def decode_uid(uidb64: str) -> int | None:
    """The id, or None for what ``encode_uid`` never gives."""
    try:
        padded = uidb64.encode("ascii") + b"=" * (-len(uidb64) % 4)
        text = base64.urlsafe_b64decode(padded).decode("ascii")
    except (UnicodeError, binascii.Error):
        return None
    if not _DECIMAL.fullmatch(text) or encode_uid(int(text)) != uidb64:
        return None
    return int(text)


def new_token() -> str:
    # Hexadecimal: a mail reader that makes links clickable might leave out a final "-" or "_".
    return secrets.token_hex(32)


def derived_token(secret: str, *parts: str) -> str:
    """A token that whoever knows the secret can make again from the same parts."""
    key = hashlib.sha256(b"videoflix links in mails\0" + secret.encode()).digest()
    return hmac.new(key, "\0".join(parts).encode(), hashlib.sha256).hexdigest()


def hash_token(token: str) -> str:
    """How a token is kept. It is random, so a plain hash without salt suffices."""
    return hashlib.sha256(token.encode()).hexdigest()


def parse_link(uidb64: str, token: str) -> LinkClaim | None:
    """The claim of a link, or None when it cannot be one of ours."""
    user_id = decode_uid(uidb64)
    if user_id is None or not _TOKEN.fullmatch(token):
        return None
    return LinkClaim(user_id, hash_token(token))


def activation_url(frontend_url: str, user_id: int, token: str) -> str:
    return _url(frontend_url, "activate", user_id, token)


def reset_url(frontend_url: str, user_id: int, token: str) -> str:
    return _url(frontend_url, "confirm_password", user_id, token)


def _url(frontend_url: str, page: str, user_id: int, token: str) -> str:
    query = urlencode({"uid": encode_uid(user_id), "token": token})
    return f"{frontend_url}/pages/auth/{page}.html?{query}"
