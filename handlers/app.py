"""The Tornado application: the table of routes over an open container."""

import re
from collections.abc import Sequence
from functools import cache

import structlog
from tornado.web import Application, RequestHandler

from handlers.access import Route, url_specs
from handlers.base import BaseHandler
from handlers.catalogue import CatalogueAnswer
from handlers.inflight import InFlight
from handlers.openapi import ApiDocument
from handlers.origins import Origins
from handlers.pages.assets import load_assets
from handlers.pages.handlers import Pages
from handlers.pages.routes import PAGE_ROUTES
from handlers.proxies import ClientAddresses
from handlers.routes import ROUTES, UNKNOWN, UnknownHandler
from videoflix.container import Container

_log = structlog.get_logger(__name__)


@cache
def label_of(pattern: str) -> str:
    """A route's pattern as figures name it: ``/api/video/*/master.m3u8``. Never of a path: those
    are endless, and hold one-time tokens."""
    path = re.sub(r"\([^()]*\)", "*", pattern.removesuffix("/?"))
    return re.sub(r"\\(.)", r"\1", path).replace(".*", "...")


def _log_request(handler: RequestHandler) -> None:
    """One line a request, and its figures. They name the route, not the path: paths hold one-time
    tokens."""
    if not isinstance(handler, BaseHandler):
        return
    status = int(handler.get_status())  # an HTTPStatus is no number in the readable log
    method, seconds = handler.request.method or "", handler.request.request_time()
    route = label_of(handler.route.pattern)
    handler.container.measures.request(method, route, status, seconds)
    log = _log.warning if status >= 500 else _log.info
    if handler.is_probe:
        log = _log.debug
    log(
        "request",
        method=method,
        route=route,
        status=status,
        milliseconds=round(seconds * 1000, 1),
        client=handler.visitor.address,
        request_id=handler.request_id,
    )


def make_app(container: Container, routes: Sequence[Route] = ROUTES) -> Application:
    """The application. Raises ConfigurationError when a route's method declares no access or is
    not documented."""
    settings = container.settings
    pages = PAGE_ROUTES if settings.pages.enabled else ()
    return Application(
        url_specs([*routes, *pages]),
        default_handler_class=UnknownHandler,
        default_handler_args={"route": UNKNOWN},
        log_function=_log_request,
        container=container,
        catalogue_answer=CatalogueAnswer(container.catalogue),
        api_document=ApiDocument(routes),
        pages=Pages(settings, load_assets()) if pages else None,
        in_flight=InFlight(),
        origins=Origins(settings.server),
        client_addresses=ClientAddresses(settings.server.trusted_proxies),
    )
