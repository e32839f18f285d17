"""R22, R23: every route of the table, for everybody; a route without a rule stops the start."""

import re

import pytest

from handlers.access import Access, Route
from handlers.app import make_app
from handlers.base import BaseHandler
from handlers.events import EVENT_TYPE
from handlers.routes import ROUTES
from tests.handlers.conformance import conformance
from tests.handlers.site import Server
from videoflix.container import Container
from videoflix.errors import ConfigurationError

METHODS = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE")


def path_of(route: Route) -> str:
    """Some path that the pattern matches."""
    path = route.pattern.replace("([0-9]+)", "7").replace("([^/]+)", "7").replace(".*", "x/y/z/w")
    path = re.sub(r"\\(.)", r"\1", path).removesuffix("?")
    assert re.fullmatch(route.pattern, path)
    return path


async def status(server: Server, route: Route, method: str, cookies: dict[str, str]) -> int:
    header = "; ".join(f"{name}={value}" for name, value in cookies.items())
    content_type = getattr(route.handler, "content_types", ("application/json",))[0]
    if content_type.startswith("multipart"):
        content_type += "; boundary=x"
    headers = {"Content-Type": content_type, "Cookie": header}
    async with server.client() as client:
        request = client.build_request(method, f"{server.url}{path_of(route)}", headers=headers)
        response = await client.send(request, stream=True)
        if EVENT_TYPE not in response.headers["content-type"]:  # else it never ends
            await response.aread()
            conformance().check(response)
        await response.aclose()
    return response.status_code


async def test_r22_every_route_for_everybody(server: Server) -> None:
    """R22, R23."""
    async with (
        server.signed_in("member@example.com") as member,
        server.signed_in("admin@example.com", is_staff=True) as admin,
    ):
        cookies: dict[str, dict[str, str]] = {
            "anonymous": {},
            "member": {"access_token": member.cookies["access_token"]},
            "admin": {"access_token": admin.cookies["access_token"]},
        }
        for route, method in ((route, method) for route in ROUTES for method in METHODS):
            rule = route.rule(method)
            found = {
                who: await status(server, route, method, sent) for who, sent in cookies.items()
            }
            where = f"{method} {route.pattern}: {found}"
            assert (found["anonymous"] == 401) is (rule > Access.PUBLIC), where
            assert found["member"] != 401, where
            assert (found["member"] == 403) is (rule is Access.ADMIN), where
            assert found["admin"] not in (401, 403), where
            if method not in route.access:
                assert found["admin"] == 405, where


async def test_r22_no_stranger_learns_what_exists(server: Server) -> None:
    """R22: 401 comes before anything else, whatever the path under a closed folder."""
    async with server.client() as client:
        for path in (
            "video/1/master.m3u8",
            "video/x/master.m3u8",
            "video/1/9999p/index.m3u8",
            "video/1/480p/segment_000.ts",
            "video/1/480p/%2e%2e",
            "video/x.css",
            "video/a/b/c/d/e",
            "admin/videos/1",
            "admin/x",
        ):
            response = await client.get(path)
            assert response.status_code == 401, path
            assert response.json() == {"detail": "Authentication credentials were not provided."}


def test_r23_a_method_without_a_rule_stops_the_start(container: Container) -> None:
    """R23."""

    class Undeclared(BaseHandler):
        async def get(self) -> None: ...

        async def delete(self) -> None: ...

    routes = (Route("/x", Undeclared, {"GET": Access.PUBLIC}),)
    with pytest.raises(ConfigurationError, match=r"/x: DELETE declares no access rule"):
        make_app(container, routes)


def test_a_rule_without_a_method_stops_the_start(container: Container) -> None:
    class Bare(BaseHandler):
        async def get(self) -> None: ...

    rules = {"GET": Access.PUBLIC, "POST": Access.PUBLIC}
    with pytest.raises(ConfigurationError, match="POST is declared and missing"):
        make_app(container, (Route("/x", Bare, rules),))


def test_a_route_that_declares_nothing_stops_the_start(container: Container) -> None:
    with pytest.raises(ConfigurationError, match="declares nothing"):
        make_app(container, (Route("/x", BaseHandler, {}),))
