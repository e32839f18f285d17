"""What pages may load and who may frame them: the headers of every page."""

from collections.abc import Mapping
from urllib.parse import quote, urlsplit

from videoflix.settings import PagesSettings


def content_security_policy(settings: PagesSettings) -> str:
    """Content Security Policy Level 3: nothing but this origin, no inline script or style.

    hls.js hands the browser its buffers as ``blob:`` media, and empty text tracks, which it then
    fills, as ``data:``. Where it comes from a CDN, exactly that
    script is allowed, and its worker is a ``blob:``, since workers must be of the page's own
    origin.
    """
    scripts, workers = "'self'", "'self'"
    if settings.hls_cdn_url:
        scripts += f" {_source(settings.hls_cdn_url)}"
        workers += " blob:"
    rules = {
        "default-src": "'none'",
        "script-src": scripts,
        "style-src": "'self'",
        "img-src": "'self'",
        "connect-src": "'self'",
        "media-src": "'self' blob: data:",
        "worker-src": workers,
        "base-uri": "'none'",
        "form-action": "'none'",
        "frame-ancestors": "'none'",
    }
    return "; ".join(f"{name} {value}" for name, value in rules.items())


def _source(url: str) -> str:
    """A source expression (CSP Level 3 §2.3.1) for this URL alone: a path that does not end in a
    slash matches as a whole. A query is no part of it, and what separates rules is escaped."""
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc}{quote(parts.path, safe='/%:@!$&()*+=~')}"


def page_headers(settings: PagesSettings) -> Mapping[str, str]:
    """The referrer stays here: addresses of the pages of mail links hold one-time tokens."""
    return {
        "Content-Security-Policy": content_security_policy(settings),
        "Referrer-Policy": "same-origin",
        "Cross-Origin-Opener-Policy": "same-origin",
        "Cross-Origin-Resource-Policy": "same-origin",
        "Permissions-Policy": "camera=(), geolocation=(), microphone=(), payment=(), usb=()",
        "X-Frame-Options": "DENY",
    }
