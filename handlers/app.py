"""The Tornado application: the table of routes over an open container."""

from collections.abc import Sequence

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


def _log_request(handler: RequestHandler) -> None:
    """One line a request. It names the route, not the path: paths hold one-time tokens."""
    if not isinstance(handler, BaseHandler):
        return
    status = int(handler.get_status())  # an HTTPStatus is no number in the readable log
    log = _log.warning if status >= 500 else _log.info
    if handler.is_probe:
        log = _log.debug
    log(
        "request",
        method=handler.request.method,
        route=handler.route.pattern,
        status=status,
        milliseconds=round(handler.request.request_time() * 1000, 1),
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
