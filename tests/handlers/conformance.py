"""A client that holds every answer against the API document: whatever a test asks, an answer that
the document does not describe fails it."""

import json
import re
from functools import cache
from typing import Any

import httpx
import jsonschema_rs

from handlers.access import Route
from handlers.documented import documented, path_of
from handlers.openapi import api_document
from handlers.routes import ROUTES

# What the table of routes gives for paths and methods that lead nowhere (and ``OPTIONS``).
UNDOCUMENTED = {204, 400, 401, 403, 404, 405, 500, 503}


class NotDocumented(AssertionError):
    """An answer, or a part of one, that the document does not describe."""


class Conformance:
    """The document, and whether answers are what it says."""

    def __init__(self) -> None:
        self.document: dict[str, Any] = api_document(ROUTES)
        self._routes = [(re.compile(route.pattern), route) for route in ROUTES]
        self._operations = {
            (route.pattern, method): self.document["paths"][path_of(route)][method.lower()]
            for route, method, _ in documented(ROUTES)
        }

    def check(self, response: httpx.Response) -> None:
        """Raises NotDocumented. The response has been read."""
        operation = self._operation_of(response.request)
        where = f"{response.request.method} {response.request.url}: {response.status_code}"
        if operation is None:
            if response.status_code not in UNDOCUMENTED:
                raise NotDocumented(where)
            return
        described = operation["responses"].get(str(response.status_code))
        if described is None:
            raise NotDocumented(f"{where} is not among {list(operation['responses'])}")
        self._check_headers(where, described["headers"], response)
        self._check_body(where, described.get("content", {}), response)

    def validator(self, schema: object) -> jsonschema_rs.Draft202012Validator:
        """For a schema of the document, which may point into its components."""
        return _validator(json.dumps(schema), json.dumps(self.document["components"]))

    def _operation_of(self, request: httpx.Request) -> Any:
        path = request.url.raw_path.decode().partition("?")[0]
        route: Route | None = next(
            (route for pattern, route in self._routes if pattern.fullmatch(path)), None
        )
        return self._operations.get((route.pattern, request.method)) if route else None

    def _check_headers(
        self, where: str, described: dict[str, Any], response: httpx.Response
    ) -> None:
        if "set-cookie" in response.headers and "Set-Cookie" not in described:
            raise NotDocumented(f"{where}: sets {response.headers.get_list('set-cookie')}")
        for name, header in described.items():
            if "$ref" in header:
                header = self.document["components"]["headers"][name]  # noqa: PLW2901 -- resolved
            values = response.headers.get_list(name)
            if header["required"] and not values:
                raise NotDocumented(f"{where}: no {name}")
            for value in values:
                is_number = header["schema"]["type"] == "integer"
                self._validate(
                    f"{where}: {name}", header["schema"], int(value) if is_number else value
                )

    def _check_body(self, where: str, content: dict[str, Any], response: httpx.Response) -> None:
        media_type = response.headers.get("content-type", "").partition(";")[0]
        if not content:
            if response.content:
                raise NotDocumented(f"{where}: a body")
            return
        if media_type not in content:
            raise NotDocumented(f"{where}: {media_type} is not among {list(content)}")
        if schema := content[media_type]["schema"]:
            body = response.json() if media_type == "application/json" else response.text
            self._validate(where, schema, body)

    def _validate(self, where: str, schema: object, value: Any) -> None:
        for error in self.validator(schema).iter_errors(value):
            raise NotDocumented(f"{where}: {error}")


@cache
def _validator(schema: str, components: str) -> jsonschema_rs.Draft202012Validator:
    whole = {**json.loads(schema), "components": json.loads(components)}
    return jsonschema_rs.Draft202012Validator(whole, validate_formats=True)


@cache
def conformance() -> Conformance:
    return Conformance()


class ConformingClient(httpx.AsyncClient):
    """Answers that are streamed to the test are not looked at."""

    async def send(
        self, request: httpx.Request, *, stream: bool = False, **options: Any
    ) -> httpx.Response:
        response = await super().send(request, stream=stream, **options)
        if not stream:
            conformance().check(response)
        return response
