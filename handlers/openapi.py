"""The API document (OpenAPI 3.1.0), made from the table of routes and the models of bodies.

How routes are documented stands in ``handlers.documentation``.
"""

import asyncio
from collections.abc import Mapping, Sequence

from handlers.access import Access, Route
from handlers.answers import Detail
from handlers.base import ReadingHandler, json_bytes
from handlers.cookies import ACCESS_COOKIE, CSRF_COOKIE, CSRF_HEADER, REFRESH_COOKIE
from handlers.documentation import (
    Cookie,
    Header,
    Operation,
    Parameter,
    Reply,
    RequestHeader,
    Tag,
)
from handlers.documented import (
    SAFE,
    Documented,
    check_documentation,
    documented,
    parameters_of,
    path_of,
    replies_of,
)
from handlers.openapi_headers import HEADERS
from handlers.openapi_schemas import JsonObject, Schemas
from handlers.query import query_parameters
from videoflix import __version__

_ABOUT = """\
Video on demand: accounts, a catalogue, HLS playlists and segments, uploads.

- Every path works with and without its final slash.
- A session is a pair of cookies that scripts cannot read; browsers send them along with
  `credentials: "include"`, from the origins that the server allows. A request that changes state
  from any other origin is refused (403).
- A request that changes state has the content type given here, also where its body is empty, or
  it is refused (403).
- A method that a path does not have is answered with 405; where the path is not public, only to
  those who may use it. `OPTIONS` answers preflights on every path, to everybody.
- What is no HTTP, or a JSON body over 1 MB, is answered with 400 and an empty body.
"""

_TAGS: Mapping[Tag, str] = {
    Tag.ACCOUNTS: "Registration, sessions, passwords.",
    Tag.CATALOGUE: "What members watch.",
    Tag.ADMIN: "What admins add, see and do.",
    Tag.API: "The API itself.",
}

_COOKIES: Mapping[Cookie, str] = {
    Cookie.ACCESS: "the access token (HttpOnly)",
    Cookie.REFRESH: "the refresh token (HttpOnly)",
    Cookie.CSRF: f"readable by scripts, to be sent back as `{CSRF_HEADER}`",
}

_SESSION, _REFRESH = "cookieAuth", "refreshCookie"
_SECURITY_SCHEMES = {
    _SESSION: {
        "type": "apiKey",
        "in": "cookie",
        "name": ACCESS_COOKIE,
        "description": "The access token, set by login and refresh.",
    },
    _REFRESH: {
        "type": "apiKey",
        "in": "cookie",
        "name": REFRESH_COOKIE,
        "description": "The refresh token, set by login.",
    },
}

_CSRF_PARAMETER = {
    "name": CSRF_HEADER,
    "in": "header",
    "description": f"The cookie `{CSRF_COOKIE}`; where it is sent, it must be equal (403).",
    "schema": {"type": "string"},
}

_IF_NONE_MATCH = {
    "name": "If-None-Match",
    "in": "header",
    "description": "The `ETag` of what the client has.",
    "schema": {"type": "string"},
}

_RANGE = {
    "name": "Range",
    "in": "header",
    "description": "One part, for example `bytes=0-187`. Several are answered with the whole.",
    "schema": {"type": "string"},
}


class ApiDocument:
    """The document of a server's routes, made when it is asked for: hardly any process is.

    Raises ConfigurationError when a route is not documented as it must be.
    """

    def __init__(self, routes: Sequence[Route]) -> None:
        check_documentation(routes)
        self._routes = routes
        self._content: asyncio.Task[bytes] | None = None

    async def content(self) -> bytes:
        """As JSON."""
        if self._content is None:
            self._content = asyncio.create_task(asyncio.to_thread(self._make))
        return await asyncio.shield(self._content)

    def _make(self) -> bytes:
        return json_bytes(api_document(self._routes))


class ApiDocumentHandler(ReadingHandler):
    async def get(self) -> None:
        document: ApiDocument = self.settings["api_document"]
        self.answer_bytes(await document.content())


def api_document(routes: Sequence[Route]) -> JsonObject:
    """The document, as an object to be written as JSON.

    Raises ConfigurationError when a route is not documented as it must be.
    """
    check_documentation(routes)
    schemas = Schemas()
    paths: dict[str, JsonObject] = {}
    for found in documented(routes):
        path = paths.setdefault(path_of(found.route), _path_item(found.route))
        path[found.method.lower()] = _operation(found, schemas)
    not_allowed = Reply(405, "The path does not have this method.", Detail)
    return {
        "openapi": "3.1.0",
        "info": {"title": "Videoflix", "version": __version__, "description": _ABOUT},
        "servers": [{"url": "/"}],
        "tags": [{"name": tag.value, "description": text} for tag, text in _TAGS.items()],
        "paths": paths,
        "components": {
            "responses": {"MethodNotAllowed": _response([not_allowed], schemas, has_body=True)},
            "schemas": schemas.components,
            "headers": {name.value: dict(header) for name, header in HEADERS.items()},
            "securitySchemes": _SECURITY_SCHEMES,
        },
    }


def _path_item(route: Route) -> JsonObject:
    parameters = [_parameter(name, found) for name, found in parameters_of(route).items()]
    return {"parameters": parameters} if parameters else {}


def _parameter(name: str, parameter: Parameter) -> JsonObject:
    return {
        "name": name,
        "in": "path",
        "required": True,
        "description": parameter.description,
        "schema": dict(parameter.schema),
        "example": parameter.example,
    }


def _operation(found: Documented, schemas: Schemas) -> JsonObject:
    route, method, operation = found
    is_head = method == "HEAD"
    document: JsonObject = {
        "operationId": f"{operation.name}Head" if is_head else operation.name,
        "summary": f"{operation.summary} (headers alone)" if is_head else operation.summary,
        "tags": [operation.tag.value],
        "security": _security(route.rule(method), operation),
        "responses": _responses(found, schemas),
    }
    if operation.description:
        document["description"] = operation.description
    parameters = [_IF_NONE_MATCH] if operation.is_conditional else []
    if operation.is_ranged and not is_head:
        parameters.append(_RANGE)
    if operation.query is not None:
        parameters += query_parameters(schemas.parts_of(operation.query))
    parameters += map(_header_parameter, operation.request_headers)
    if method not in SAFE:
        parameters.append(_CSRF_PARAMETER)
    if parameters:
        document["parameters"] = parameters
    if operation.request is not None and not is_head:
        document["requestBody"] = {
            "required": any(
                field.is_required() for field in operation.request.model_fields.values()
            ),
            "content": {
                operation.request_type: {"schema": schemas.of(operation.request, "validation")}
            },
        }
    if operation.bytes_types:
        bytes_schema = {"type": "string", "format": "binary"}
        content = {name: {"schema": bytes_schema} for name in operation.bytes_types}
        document["requestBody"] = {"content": content}
    return document


def _header_parameter(header: RequestHeader) -> JsonObject:
    document: JsonObject = {
        "name": header.name,
        "in": "header",
        "required": header.is_required,
        "description": header.description,
        "schema": dict(header.schema),
    }
    return document if header.example is None else {**document, "example": header.example}


def _security(rule: Access, operation: Operation) -> list[JsonObject]:
    if operation.needs_refresh_cookie:
        return [{_REFRESH: []}]
    return [] if rule is Access.PUBLIC else [{_SESSION: []}]


def _responses(found: Documented, schemas: Schemas) -> JsonObject:
    by_status: dict[int, list[Reply]] = {}
    for reply in replies_of(*found):
        by_status.setdefault(reply.status, []).append(reply)
    return {
        str(status): _response(by_status[status], schemas, has_body=found.method != "HEAD")
        for status in sorted(by_status)
    }


def _response(replies: Sequence[Reply], schemas: Schemas, *, has_body: bool) -> JsonObject:
    """One status; several replies are alternatives."""
    headers: JsonObject = {
        name.value: {"$ref": f"#/components/headers/{name.value}"}
        for name in dict.fromkeys(
            [Header.REQUEST_ID, *(name for reply in replies for name in reply.headers)]
        )
    }
    if cookies := list(dict.fromkeys(cookie for reply in replies for cookie in reply.cookies)):
        always = all(reply.cookies for reply in replies)
        headers["Set-Cookie"] = _set_cookie(cookies, is_required=always)
    response: JsonObject = {
        "description": " ".join(reply.description for reply in replies),
        "headers": headers,
    }
    contents: dict[str, list[JsonObject]] = {}
    for reply in replies:
        if has_body and reply.content is not None:
            choices = contents.setdefault(reply.media_type, [])
            if (schema := schemas.of(reply.content)) not in choices:
                choices.append(schema)
    if contents:
        response["content"] = {
            media_type: {"schema": choices[0] if len(choices) == 1 else {"anyOf": choices}}
            for media_type, choices in contents.items()
        }
    return response


def _set_cookie(cookies: Sequence[Cookie], *, is_required: bool) -> JsonObject:
    """The header comes once for each of the cookies."""
    what = "; ".join(f"`{cookie.value}`: {_COOKIES[cookie]}" for cookie in cookies)
    names = "|".join(cookie.value for cookie in cookies)
    return {
        "description": f"Once for each cookie. {what}.",
        "required": is_required,
        "schema": {"type": "string", "pattern": f"^({names})="},
    }
