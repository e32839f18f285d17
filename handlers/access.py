"""Access rules: every HTTP method of every route declares who may use it."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from enum import IntEnum
from typing import Any

from tornado.routing import URLSpec
from tornado.web import RequestHandler

from handlers.documentation import Operation
from videoflix.errors import ConfigurationError

# Answered without a session for every route: a browser's preflight carries no cookies.
PREFLIGHT = "OPTIONS"


class Access(IntEnum):
    """Who may; each includes those after it."""

    PUBLIC = 0
    MEMBER = 1
    ADMIN = 2


PUBLIC, MEMBER, ADMIN = Access.PUBLIC, Access.MEMBER, Access.ADMIN
PART = r"([^/]+)"  # a variable part of a path
_METHODS = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE")


def everything(access: Access) -> dict[str, Access]:
    """One rule for every method."""
    return dict.fromkeys(_METHODS, access)


def reading(access: Access) -> dict[str, Access]:
    return {"GET": access, "HEAD": access}


@dataclass(frozen=True, slots=True)
class Route:
    """One pattern of paths (a whole path, both slash forms), its handler and its rules.

    ``documentation`` has an operation for every method (``HEAD`` follows from ``GET``), or is
    None (``UNLISTED``) for what is no part of the API.
    """

    pattern: str
    handler: type[RequestHandler]
    access: Mapping[str, Access]
    documentation: Mapping[str, Operation] | None = field(default_factory=dict)

    def rule(self, method: str) -> Access:
        """Who may use the method; for one that the route does not have, its most open rule, so
        that a stranger learns nothing about a closed route."""
        return self.access.get(method, min(self.access.values()))

    @property
    def methods(self) -> str:
        return ", ".join([*self.access, PREFLIGHT])


def implemented_methods(handler: type[RequestHandler]) -> Iterator[str]:
    for method in RequestHandler.SUPPORTED_METHODS:
        function = getattr(handler, method.lower())
        if method != PREFLIGHT and function is not getattr(RequestHandler, method.lower()):
            yield method


def url_specs(routes: Sequence[Route]) -> list[URLSpec]:
    """The routes for Tornado.

    Raises ConfigurationError when a handler's method has no rule, or a rule no method: such a
    server must not start.
    """
    specs = []
    for route in routes:
        implemented = set(implemented_methods(route.handler))
        if undeclared := implemented - set(route.access):
            names = ", ".join(sorted(undeclared))
            raise ConfigurationError(f"route {route.pattern}: {names} declares no access rule")
        if missing := set(route.access) - implemented:
            names = ", ".join(sorted(missing))
            raise ConfigurationError(f"route {route.pattern}: {names} is declared and missing")
        if not route.access:
            raise ConfigurationError(f"route {route.pattern}: declares nothing")
        arguments: dict[str, Any] = {"route": route}
        specs.append(URLSpec(route.pattern, route.handler, arguments))
    return specs
