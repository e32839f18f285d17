"""Which hosts this server answers to, and which origins may do what."""

from collections.abc import Mapping
from urllib.parse import urlsplit

from videoflix.settings import ServerSettings


def host_name(value: str) -> str | None:
    """The name in a ``Host`` header, in lower case, without port and brackets."""
    try:
        parts = urlsplit(f"//{value}")
        _ = parts.port  # a port that is none is a ValueError too
    except ValueError:
        return None
    if parts.username is not None or parts.path or parts.query or parts.fragment:
        return None
    return parts.hostname


class Origins:
    """The exact lists of the settings."""

    def __init__(self, settings: ServerSettings) -> None:
        self._hosts = settings.hosts
        self._cors = frozenset(settings.cors_origins)
        own = urlsplit(settings.public_url)
        self._own = f"{own.scheme}://{own.netloc}".lower()
        # A page that somebody on the network wrote into plain HTTP is foreign to HTTPS.
        self._schemes = ("https",) if own.scheme == "https" else ("http", "https")

    def is_known_host(self, headers: Mapping[str, str], host: str) -> bool:
        """Whether the request is for us. A forwarded host is never used, and must be ours too."""
        names = [host, *filter(None, [headers.get("X-Forwarded-Host")])]
        return all(host_name(name) in self._hosts for name in names)

    def is_shared_with(self, origin: str) -> bool:
        """Whether scripts of another origin may read our answers (CORS)."""
        return origin in self._cors

    def may_change(self, origin: str | None, host: str) -> bool:
        """Whether a request from this origin may change state. ``host`` was checked before.

        A request without an origin comes from no browser's cross-site form.
        """
        if origin is None or origin in self._cors:
            return True
        own = (f"{scheme}://{host}" for scheme in self._schemes)
        return origin.lower() in (self._own, *(name.lower() for name in own))
