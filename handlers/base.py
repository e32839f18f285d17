"""What every request goes through before its handler sees it.

In this order: the host must be ours (400); a route that is not public needs a session (401) and
perhaps an admin's (403); the method must exist (405); a request that changes state must come
from an allowed origin, with a content type that no form of a foreign page can send, and with a
CSRF token equal to the cookie where it sends one (403).
"""

import hmac
import json
import secrets
from collections.abc import Awaitable
from types import TracebackType
from typing import Any, ClassVar, NoReturn, TypeVar, cast

import structlog
from pydantic import BaseModel
from tornado.iostream import StreamClosedError
from tornado.web import HTTPError, RequestHandler

from handlers.access import PREFLIGHT, Access, Route
from handlers.cookies import ACCESS_COOKIE, CSRF_COOKIE, CSRF_HEADER
from handlers.documentation import JSON_TYPE
from handlers.errors import Answer, BadRequest, answer_to
from handlers.inflight import InFlight
from handlers.origins import Origins
from handlers.proxies import ClientAddresses
from handlers.schemas import parse_body
from videoflix.container import Container
from videoflix.errors import Forbidden, Unauthenticated
from videoflix.models import Principal, Visitor

PREFLIGHT_SECONDS = 600
USER_AGENT_MAX = 200
SAFE_METHODS = frozenset({"GET", "HEAD", PREFLIGHT})

Model = TypeVar("Model", bound=BaseModel)

_log = structlog.get_logger(__name__)


def json_bytes(body: object) -> bytes:
    """JSON (RFC 8259) in UTF-8, without spaces."""
    return json.dumps(body, ensure_ascii=False, separators=(",", ":")).encode()


class BaseHandler(RequestHandler):
    """Checks, JSON in and out, errors as answers."""

    content_types: ClassVar[tuple[str, ...]] = (JSON_TYPE,)
    # Only where a header that browsers ask about beforehand is needed anyway.
    may_lack_content_type: ClassVar[bool] = False
    # Whether machines ask this again and again: logged only where debugging is.
    is_probe: ClassVar[bool] = False

    def initialize(self, route: Route) -> None:
        self.route = route
        # Tornado parses forms by this header before ``prepare`` could refuse them.
        self.content_type = self.request.headers.pop("Content-Type", "")
        self._principal: Principal | None = None

    @property
    def container(self) -> Container:
        container: Container = self.settings["container"]
        return container

    @property
    def in_flight(self) -> InFlight:
        in_flight: InFlight = self.settings["in_flight"]
        return in_flight

    @property
    def origins(self) -> Origins:
        origins: Origins = self.settings["origins"]
        return origins

    @property
    def principal(self) -> Principal:
        """Who makes the request. Only on routes that are not public."""
        if self._principal is None:
            raise Unauthenticated("Authentication credentials were not provided.")
        return self._principal

    @property
    def visitor(self) -> Visitor:
        """Where the request comes from; what a client says of itself is cut short."""
        said = self.request.headers.get("User-Agent", "")
        shown = "".join(character for character in said if character.isprintable())
        return Visitor(self._addresses.of(self.request), shown[:USER_AGENT_MAX])

    @property
    def request_id(self) -> str:
        # Made on first use: Tornado asks for the default headers before ``initialize``.
        if not hasattr(self, "_request_id"):
            given = self._addresses.request_id_of(self.request)
            self._request_id = given or secrets.token_hex(8)
        return self._request_id

    @property
    def _addresses(self) -> ClientAddresses:
        addresses: ClientAddresses = self.settings["client_addresses"]
        return addresses

    def set_default_headers(self) -> None:
        """Headers of every answer, errors included."""
        self.set_header("Server", "Videoflix")
        self.set_header("X-Request-ID", self.request_id)
        self.set_header("X-Content-Type-Options", "nosniff")
        self.set_header("Cache-Control", "no-store")
        self.set_header("Vary", "Origin")
        origin = self.request.headers.get("Origin")
        if origin is not None and self.origins.is_shared_with(origin):
            self.set_header("Access-Control-Allow-Origin", origin)
            self.set_header("Access-Control-Allow-Credentials", "true")
            self.set_header(
                "Access-Control-Expose-Headers", "X-Request-ID, Retry-After, Content-Range, ETag"
            )
        if self.in_flight.is_stopping:
            self.set_header("Connection", "close")

    def decode_argument(self, value: bytes, name: str | None = None) -> str:  # noqa: ARG002 -- Tornado's
        """A part of the path. One that is no UTF-8 names nothing that exists; that is said after
        the checks of ``prepare``, not before them."""
        return value.decode("utf-8", "replace")

    async def prepare(self) -> None:
        self.in_flight.enter(self)
        structlog.contextvars.bind_contextvars(request_id=self.request_id)
        self.check_host()
        method = self.request.method or ""
        if method == PREFLIGHT:
            return
        self._authenticate(self.route.rule(method))
        if method not in self.route.access:
            raise HTTPError(405)
        if method not in SAFE_METHODS:
            self.check_forgery()

    def check_host(self) -> None:
        """Raises BadRequest for a request that names another server."""
        if not self.origins.is_known_host(self.request.headers, self.request.host):
            raise BadRequest("This server does not answer to that host.")

    def _authenticate(self, rule: Access) -> None:
        if rule is Access.PUBLIC:
            return
        self._principal = self.container.guard.authenticate(self.get_cookie(ACCESS_COOKIE))
        if rule is Access.ADMIN and not self._principal.is_staff:
            raise Forbidden("You do not have permission to perform this action.")

    def check_forgery(self) -> None:
        """Raises Forbidden for a request that a foreign page may have made."""
        headers = self.request.headers
        if not self.origins.may_change(headers.get("Origin"), self.request.host):
            raise Forbidden("Requests from this origin are not allowed.")
        media_type = self.content_type.partition(";")[0].strip().lower()
        if media_type not in self.content_types and (media_type or not self.may_lack_content_type):
            self.refuse_content_type()
        token = headers.get(CSRF_HEADER)
        cookie = self.get_cookie(CSRF_COOKIE) or ""
        if token is not None and not hmac.compare_digest(token.encode(), cookie.encode()):
            raise Forbidden("The CSRF token does not match its cookie.")

    def refuse_content_type(self) -> NoReturn:
        raise Forbidden(f"The content type must be {' or '.join(self.content_types)}.")

    def share_headers(self, *names: str) -> None:
        """Let scripts of another origin that may read the answer read these headers of it too."""
        if "Access-Control-Allow-Origin" in self._headers:
            self.add_header("Access-Control-Expose-Headers", ", ".join(names))

    def allow_headers(self, *names: str) -> None:
        """In the answer to a preflight: let scripts of that origin send these headers too."""
        if "Access-Control-Allow-Origin" in self._headers:
            self.add_header("Access-Control-Allow-Headers", ", ".join(names))

    async def options(self, *_path: str) -> None:
        """A preflight (Fetch standard, CORS-preflight request), for everybody."""
        self.nothing()
        self.set_header("Allow", self.route.methods)
        if "Access-Control-Allow-Origin" in self._headers:
            self.set_header("Access-Control-Allow-Methods", self.route.methods)
            self.set_header("Access-Control-Allow-Headers", f"Content-Type, Range, {CSRF_HEADER}")
            self.set_header("Access-Control-Max-Age", str(PREFLIGHT_SECONDS))

    def body_as(self, model: type[Model]) -> Model:
        """The JSON body as ``model``; an empty one counts as ``{}``. Raises FieldErrors."""
        return parse_body(model, self.request.body)

    def answer(self, body: object, status: int = 200) -> None:
        """Answer with JSON (RFC 8259), UTF-8."""
        self.answer_bytes(json_bytes(body), status)

    def answer_bytes(self, content: bytes, status: int = 200) -> None:
        """Answer with what ``json_bytes`` made."""
        self.set_status(status)
        self.set_header("Content-Type", "application/json; charset=utf-8")
        self.set_header("Content-Length", str(len(content)))
        self.write(content)

    def nothing(self) -> None:
        """Answer that it is done, without a body."""
        self.set_status(204)
        self.clear_header("Content-Type")

    def answer_error(self, error: BaseException | None) -> Answer:
        """Replace what was written so far by the answer to an error."""
        self.clear()
        answer = answer_to(error, self.request_id)
        self.answer(answer.body, answer.status)
        for name, value in answer.headers.items():
            self.set_header(name, value)
        if answer.status == 405:
            self.set_header("Allow", self.route.methods)
        return answer

    def write_error(self, status_code: int, **kwargs: Any) -> None:
        error = kwargs["exc_info"][1] if "exc_info" in kwargs else HTTPError(status_code)
        self.answer_error(error)
        self.finish()

    def log_exception(
        self,
        typ: type[BaseException] | None,
        value: BaseException | None,
        tb: TracebackType | None,
    ) -> None:
        """Only what nobody expected is worth a traceback; the access log has the rest."""
        if value is None or typ is None or isinstance(value, StreamClosedError):
            return
        if not answer_to(value, "").is_expected:
            _log.error("request failed", request_id=self.request_id, exc_info=(typ, value, tb))

    def compute_etag(self) -> str | None:
        """None: handlers that have a validator set it themselves."""
        return None

    def on_finish(self) -> None:
        self.in_flight.leave(self)

    def on_connection_close(self) -> None:
        super().on_connection_close()
        self.in_flight.leave(self)


class ReadingHandler(BaseHandler):
    """HEAD is GET (RFC 9110 §9.3.2): Tornado leaves the body out."""

    async def head(self, *path: str) -> None:
        await cast(Awaitable[None], self.get(*path))
