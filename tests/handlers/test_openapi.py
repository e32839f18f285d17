"""The API document: complete, valid, and what the server does."""

import copy
import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import httpx
import jsonschema_rs
import pytest
import schemathesis

from handlers.access import Access, Route
from handlers.app import make_app
from handlers.base import BaseHandler
from handlers.documentation import UNLISTED, Cookie, Operation, Reply, Tag
from handlers.documented import check_documentation, path_of
from handlers.openapi import api_document
from handlers.routes import ROUTES
from tests.handlers.conformance import NotDocumented, conformance
from tests.handlers.site import PASSWORD, Server
from videoflix.container import Container
from videoflix.errors import ConfigurationError

README = Path(__file__).parents[2] / "README.md"
BASE = "http://testserver"
REQUEST_ID = {"X-Request-ID": "0123456789abcdef"}
DOCUMENT = api_document(ROUTES)
READ = Operation("read", "Read", Tag.API, (Reply(200, "It."),))


class Reader(BaseHandler):
    async def get(self) -> None: ...

    async def head(self) -> None: ...


def route(documentation: Mapping[str, Operation] | None, pattern: str = r"/x/?") -> Route:
    rules = {"GET": Access.PUBLIC, "HEAD": Access.PUBLIC}
    return Route(pattern, Reader, rules, documentation)


def nodes(value: object) -> Iterator[dict[str, Any]]:
    """Every object in the document."""
    if isinstance(value, dict):
        yield value
        for member in value.values():
            yield from nodes(member)
    elif isinstance(value, list):
        for member in value:
            yield from nodes(member)


@pytest.mark.parametrize("end", ["/", ""], ids=["slash", "bare"])
async def test_the_document_is_served_to_everybody(client: httpx.AsyncClient, end: str) -> None:
    response = await client.get(f"schema{end}")
    assert response.status_code == 200
    assert response.headers["content-type"] == "application/json; charset=utf-8"
    assert response.json() == DOCUMENT
    assert (await client.head(f"schema{end}")).status_code == 200


def test_the_document_is_openapi() -> None:
    """By the meta-schema of OpenAPI 3.1, and that of JSON Schema for what it leaves out."""
    schemathesis.openapi.from_dict(copy.deepcopy(DOCUMENT)).validate()
    for schema in DOCUMENT["components"]["schemas"].values():
        jsonschema_rs.meta.validate(schema)
    wrong = copy.deepcopy(DOCUMENT)
    del wrong["paths"]["/api/login/"]["post"]["responses"]["200"]["description"]
    with pytest.raises(jsonschema_rs.ValidationError):
        schemathesis.openapi.from_dict(wrong).validate()


def test_references_lead_somewhere() -> None:
    found = {node["$ref"] for node in nodes(DOCUMENT) if "$ref" in node}
    assert found
    for reference in found:
        target: Any = DOCUMENT
        for part in reference.removeprefix("#/").split("/"):
            target = target[part]


def test_every_schema_has_valid_examples() -> None:
    found = 0
    for schema in nodes(DOCUMENT):
        examples = schema.get("examples", [])
        if isinstance(schema.get("schema"), dict) and "example" in schema:
            examples, schema = [schema["example"]], schema["schema"]  # noqa: PLW2901 -- a parameter
        for example in examples:
            conformance().validator(schema).validate(example)
            found += 1
    assert found > 10


def test_operations_have_names_of_their_own() -> None:
    names = [node["operationId"] for node in nodes(DOCUMENT) if "operationId" in node]
    assert len(names) == len(set(names))


@pytest.mark.parametrize("found", ROUTES, ids=lambda found: str(found.pattern))
def test_every_route_is_in_it_or_says_that_it_is_not(found: Route) -> None:
    if found.documentation is UNLISTED:
        assert found.pattern.endswith(".*")
        return
    methods = DOCUMENT["paths"][path_of(found)].keys() - {"parameters"}
    assert methods == {method.lower() for method in found.access}
    for method, rule in found.access.items():
        operation = DOCUMENT["paths"][path_of(found)][method.lower()]
        assert {"400", "500", "503"} <= operation["responses"].keys()
        assert ("401" in operation["responses"]) >= (rule > Access.PUBLIC)
        assert ({"cookieAuth": []} in operation["security"]) is (rule > Access.PUBLIC)


def test_the_readme_lists_every_call_once() -> None:
    rows = re.findall(r"(?m)^\| `([A-Z]+) (/\S+)` \|", README.read_text(encoding="utf-8"))
    listed = [(method, route_of(re.sub(r"<\w+>", "7", path))) for method, path in rows]
    documented_calls = [
        (method, found.pattern) for found in ROUTES for method in found.documentation or {}
    ]
    assert sorted(listed) == sorted(documented_calls)


def route_of(path: str) -> str:
    return next(found.pattern for found in ROUTES if re.fullmatch(found.pattern, path))


@pytest.mark.parametrize(
    ("pattern", "path"),
    [
        (r"/api/login/?", "/api/login/"),
        (r"/api/video/([^/]+)/master\.m3u8/?", "/api/video/{video}/master.m3u8"),
        (r"/media/thumbnails/video_([0-9]+)\.jpg/?", "/media/thumbnails/video_{video}.jpg"),
        (r"/api/video/([^/]+)/([^/]+)/([^/]+)/?", "/api/video/{video}/{resolution}/{segment_name}"),
        (r"/api/admin/videos/([^/]+)/?", "/api/admin/videos/{video}/"),
    ],
)
def test_paths(pattern: str, path: str) -> None:
    [found] = [found for found in ROUTES if found.pattern == pattern]
    assert path_of(found) == path


def test_a_route_without_documentation_stops_the_start(container: Container) -> None:
    with pytest.raises(ConfigurationError, match=r"/x/\?: GET, HEAD is not documented"):
        make_app(container, [route({})])
    make_app(container, [route({"GET": READ})])
    make_app(container, [route(UNLISTED)])


@pytest.mark.parametrize(
    ("routes", "message"),
    [
        ([route({"HEAD": READ})], "GET is not documented"),
        ([route({"GET": READ, "POST": replace(READ, name="x")})], "POST is documented and missing"),
        ([route({"GET": READ}), route({"GET": READ}, "/y")], "two operations are named read"),
        ([route({"GET": READ}, "/x/([^/]+)/?")], "GET takes nothing"),
    ],
)
def test_documentation_that_is_wrong(routes: list[Route], message: str) -> None:
    with pytest.raises(ConfigurationError, match=message):
        check_documentation(routes)


def test_a_part_of_a_path_that_is_not_described() -> None:
    class Numbered(BaseHandler):
        async def get(self, place: str) -> None: ...

    numbered = Route("/x/([0-9]+)", Numbered, {"GET": Access.PUBLIC}, {"GET": READ})
    with pytest.raises(ConfigurationError, match="place is not described"):
        check_documentation([numbered])


def test_cookies_that_are_not_always_set_are_optional() -> None:
    replies = (Reply(200, "It."), Reply(200, "It, and more.", cookies=(Cookie.CSRF,)))
    made = api_document([route({"GET": replace(READ, replies=replies)})])
    assert made["paths"]["/x/"]["get"]["responses"]["200"]["headers"]["Set-Cookie"] == {
        "description": "Once for each cookie. `csrftoken`: readable by scripts, to be sent back "
        "as `X-CSRFToken`.",
        "required": False,
        "schema": {"type": "string", "pattern": "^(csrftoken)="},
    }


def answer(
    body: object,
    *,
    status: int = 200,
    call: str = "POST /api/password_reset/",
    **headers: str,
) -> httpx.Response:
    method, _, path = call.partition(" ")
    names = {name.replace("_", "-"): value for name, value in headers.items()}
    return httpx.Response(
        status,
        headers={"Content-Type": "application/json", **REQUEST_ID, **names},
        content=json.dumps(body).encode(),
        request=httpx.Request(method, f"{BASE}{path}"),
    )


@pytest.mark.parametrize(
    "response",
    [
        answer({"detail": "x"}),
        answer({"email": ["x"]}, status=400),
        answer({"detail": "x"}, status=400),
        answer({"detail": "x"}, status=429, Retry_After="7"),
        answer({"detail": "x"}, status=405, call="GET /api/password_reset/"),
        answer({"detail": "x"}, status=404, call="GET /nowhere"),
    ],
)
def test_answers_that_are_described(response: httpx.Response) -> None:
    conformance().check(response)


@pytest.mark.parametrize(
    ("response", "message"),
    [
        (answer({"detail": "x"}, status=418), "418 is not among"),
        (answer({"detail": "x"}, status=405), "405 is not among"),
        (answer({"detail": "x"}, status=418, call="GET /nowhere"), "418"),
        (answer({"detail": 7}), "is not of type"),
        (answer({"detail": "x", "more": 1}), "more"),
        (answer({}), "detail"),
        (answer({"name": ["x"]}, status=400), "anyOf"),
        (answer({"detail": "x"}, Content_Type="text/html"), "text/html is not among"),
        (answer({"detail": "x"}, X_Request_ID="x"), "X-Request-ID"),
        (answer({"detail": "x"}, status=429), "no Retry-After"),
        (answer({"detail": "x"}, Set_Cookie="x=y"), "sets"),
        (answer({"detail": "x"}, call="POST /api/logout", Set_Cookie="other=y"), "Set-Cookie"),
        (answer({"detail": "x"}, call="POST /api/logout"), "no Set-Cookie"),
        (answer({}, call="HEAD /api/schema"), "a body"),
    ],
)
def test_answers_that_are_not_described(response: httpx.Response, message: str) -> None:
    with pytest.raises(NotDocumented, match=message):
        conformance().check(response)


async def test_every_client_of_the_tests_is_watched(server: Server) -> None:
    """The document would be wrong about this server, and its client says so."""
    await server.add_user("user@example.com")
    described = conformance().document["paths"]["/api/login/"]["post"]["responses"]
    kept = described.pop("200")
    try:
        async with server.client() as client:
            with pytest.raises(NotDocumented, match="200 is not among"):
                await client.post(
                    "login/", json={"email": "user@example.com", "password": PASSWORD}
                )
    finally:
        described["200"] = kept
