"""Logs: one line an event, with fields; readable in development, JSON in production.

Ids of the request or job are bound once (``structlog.contextvars.bind_contextvars``) and then
stand in every line. What looks like a password or a token never reaches the log, whoever logs
it: fields by their names, texts by their shapes.
"""

import logging
import re
import sys
from collections.abc import Mapping
from functools import lru_cache
from typing import TextIO

import structlog
from structlog.typing import EventDict, Processor, WrappedLogger

from videoflix.settings import Settings

HIDDEN = "[hidden]"

_SECRET_NAMES = re.compile(
    r"passw|secret|token|cookie|authorization|credential|csrf|^access$|^refresh$", re.IGNORECASE
)
# What every match has in it, which is faster to look for; the shape; what takes its place.
_SHAPES = (
    # the password in mongodb://user:password@host, and the like
    (("://",), re.compile(r"(\w://[^\s:/@\x22\x27]*):[^\s/@\x22\x27]+@"), rf"\1:{HIDDEN}@"),
    # a JSON web token
    (("eyJ",), re.compile(r"\beyJ[\w-]+\.[\w-]+\.[\w-]+"), HIDDEN),
    # links that carry a one-time token, as paths and as queries
    (
        ("/activate/", "/password_confirm/"),
        re.compile(r"(/(?:activate|password_confirm)/[^/\s]+/)[^/\s?*\x22\x27]+"),
        rf"\1{HIDDEN}",
    ),
    (("token=",), re.compile(r"([?&]token=)[^&\s\x22\x27]+"), rf"\1{HIDDEN}"),
)


def scrub(text: str) -> str:
    """The text without what looks like a password or a token."""
    for hints, shape, replacement in _SHAPES:
        if any(hint in text for hint in hints):
            text = shape.sub(replacement, text)
    return text


@lru_cache(maxsize=512)  # fields have few names
def _is_secret(name: str) -> bool:
    return _SECRET_NAMES.search(name) is not None


def _scrub_value(name: str, value: object) -> object:
    if _is_secret(name) and value not in (None, "", True, False):
        return HIDDEN
    if isinstance(value, str):
        return scrub(value)
    if isinstance(value, Mapping):
        return {key: _scrub_value(str(key), inner) for key, inner in value.items()}
    if isinstance(value, list | tuple):
        return [_scrub_value("", inner) for inner in value]
    if isinstance(value, BaseException | bytes):
        return scrub(repr(value))
    return value


def hide_secrets(_logger: WrappedLogger, _method: str, event: EventDict) -> EventDict:
    """A structlog processor; the last one before an event is written."""
    return {name: _scrub_value(name, value) for name, value in event.items()}


def configure_logging(settings: Settings, stream: TextIO | None = None) -> None:
    """Set up structlog and the standard library's logging for this process; to stderr."""
    stream = sys.stderr if stream is None else stream
    chosen = settings.log.format
    is_json = chosen == "json" or (chosen == "auto" and settings.server.is_production)
    shared: list[Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_logger_name,
        structlog.stdlib.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        structlog.stdlib.ExtraAdder(),
    ]
    # Tracebacks are plain text on purpose: the pretty ones show local variables.
    renderer: Processor = (
        structlog.processors.JSONRenderer()
        if is_json
        else structlog.dev.ConsoleRenderer(
            colors=stream.isatty(), exception_formatter=structlog.dev.plain_traceback
        )
    )
    handler = logging.StreamHandler(stream)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=shared,
            processors=[
                structlog.stdlib.ProcessorFormatter.remove_processors_meta,
                structlog.processors.format_exc_info,
                hide_secrets,
                renderer,
            ],
        )
    )
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(settings.log.level.upper())
    for chatty in ("pymongo", "asyncio", "tornado.access", "arq"):
        logging.getLogger(chatty).setLevel(max(root.level, logging.WARNING))
    structlog.configure(
        processors=[
            structlog.stdlib.filter_by_level,
            *shared,
            structlog.stdlib.PositionalArgumentsFormatter(),
            structlog.stdlib.ProcessorFormatter.wrap_for_formatter,
        ],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
        cache_logger_on_first_use=True,
    )
