"""What the table of routes says together with its documentation: paths, their variable parts,
every answer of every method. How routes are documented: ``handlers.documentation``."""

import inspect
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from typing import NamedTuple

from handlers.access import Access, Route
from handlers.answers import Detail, ServerError
from handlers.documentation import PARAMETERS, FieldErrorsOf, Header, Operation, Parameter, Reply
from videoflix.errors import ConfigurationError

SAFE = frozenset({"GET", "HEAD"})


class Documented(NamedTuple):
    """One documented method of a route."""

    route: Route
    method: str
    operation: Operation


def documented(routes: Iterable[Route]) -> Iterator[Documented]:
    """Every documented method, ``HEAD`` where it follows from ``GET`` too."""
    for route in routes:
        operations = route.documentation or {}
        for method in route.access:
            operation = operations.get(method)
            if operation is None and method == "HEAD":
                operation = operations.get("GET")
            if operation is not None:
                yield Documented(route, method, operation)


def check_documentation(routes: Sequence[Route]) -> None:
    """Raises ConfigurationError when a method of a route is not documented, or a documented
    method not there, or two operations have one name: such a server must not start."""
    names: set[str] = set()
    for route in routes:
        if route.documentation is None:
            continue
        path_of(route)
        found = {method for _, method, _ in documented([route])}
        if missing := set(route.access) - found:
            raise ConfigurationError(
                f"route {route.pattern}: {', '.join(sorted(missing))} is not documented"
            )
        for method, operation in route.documentation.items():
            if method not in route.access:
                raise ConfigurationError(
                    f"route {route.pattern}: {method} is documented and missing"
                )
            if operation.name in names:
                raise ConfigurationError(f"two operations are named {operation.name}")
            names.add(operation.name)


def parameters_of(route: Route) -> dict[str, Parameter]:
    """The variable parts of the route's path, in order, named as the handler's parameters.

    Raises ConfigurationError when their numbers differ, or for one that is not described.
    """
    groups = re.compile(route.pattern).groups
    found: list[str] = []
    # HEAD takes what GET takes, where there is one.
    for method in [name for name in route.access if name != "HEAD" or "GET" not in route.access]:
        signature = inspect.signature(getattr(route.handler, method.lower()))
        found = [
            name
            for name, parameter in signature.parameters.items()
            if name != "self" and parameter.kind is not parameter.VAR_POSITIONAL
        ]
        if len(found) != groups:
            names = ", ".join(found) or "nothing"
            raise ConfigurationError(f"route {route.pattern}: {method} takes {names}")
    if unknown := [name for name in found if name not in PARAMETERS]:
        raise ConfigurationError(f"route {route.pattern}: {', '.join(unknown)} is not described")
    return {name: PARAMETERS[name] for name in found}


def path_of(route: Route) -> str:
    """The path template, for example ``/api/video/{video}/master.m3u8``; a path that does not
    end in a file's name ends with a slash. Raises as ``parameters_of`` does."""
    parameters = parameters_of(route)
    names = iter(parameters)
    path = re.sub(r"\([^()]*\)", lambda _: f"{{{next(names)}}}", route.pattern.removesuffix("/?"))
    path = re.sub(r"\\(.)", r"\1", path)
    last = path.rpartition("/")[2]
    files = [f"{{{name}}}" for name, parameter in parameters.items() if parameter.is_file]
    return path if "." in last or last in files else f"{path}/"


def replies_of(route: Route, method: str, operation: Operation) -> list[Reply]:
    """The operation's own answers, and those that every request can get (``handlers.base``)."""
    rule = route.rule(method)
    replies = list(operation.replies)
    if operation.request is not None:
        wrong = "Fields of the request are wrong."
        replies.append(Reply(400, wrong, FieldErrorsOf(operation.request)))
    if operation.query is not None:
        replies.append(Reply(400, "A query parameter is wrong.", FieldErrorsOf(operation.query)))
    replies += [
        Reply(400, "The `Host` header does not name this server.", Detail),
        Reply(500, "Something that nobody expected.", ServerError),
        Reply(503, "A service is away.", Detail, headers=(Header.RETRY_AFTER,)),
    ]
    if operation.is_conditional:
        replies.append(Reply(304, "The client has it already.", headers=(Header.ETAG,)))
    if operation.is_ranged and method == "GET":
        replies += _replies_with_parts(operation)
    if rule is not Access.PUBLIC:
        replies.append(Reply(401, "There is no session, or it has ended.", Detail))
    if rule is Access.ADMIN:
        replies.append(Reply(403, "The account is not an admin's.", Detail))
    if method not in SAFE:
        refused = "The origin, the content type or the CSRF token is not allowed."
        replies.append(Reply(403, refused, Detail))
    if parameters_of(route):
        replies.append(Reply(404, "There is no such thing.", Detail))
    if operation.is_limited:
        replies.append(Reply(429, "Too many tries.", Detail, headers=(Header.RETRY_AFTER,)))
    return replies


def _replies_with_parts(operation: Operation) -> list[Reply]:
    """What a request for a byte range can get."""
    headers = (Header.ETAG, Header.ACCEPT_RANGES, Header.CONTENT_RANGE)
    parts = [
        replace(reply, status=206, description="The part that was asked for.", headers=headers)
        for reply in operation.replies
        if reply.status == 200
    ]
    none = "The range begins behind the end."
    return [*parts, Reply(416, none, Detail, headers=(Header.CONTENT_RANGE,))]
