"""Schemathesis makes requests from the API document, as everybody, to a real server, and finds
no answer that the document does not describe."""

import asyncio
import secrets
import threading
from collections.abc import Iterator
from concurrent.futures import Future
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
import schemathesis
from hypothesis import HealthCheck, settings
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi import checks

from handlers.cookies import CSRF_HEADER
from handlers.openapi import api_document
from handlers.routes import ROUTES
from handlers.tus_headers import BYTES_TYPE
from tests.clips.fixtures import ClipCache
from tests.conftest import fresh_settings
from tests.handlers.conftest import running
from tests.handlers.films import add_pending, publish
from tests.handlers.site import Server
from tests.media_pipeline.titles import rich_title
from tests.services import Services
from videoflix.container import Container, open_container
from videoflix.settings import Settings
from videoflix.tasks import running_beside
from videoflix.worker.loop import HEARTBEAT_SECONDS

# Of random requests for each call and role; Schemathesis adds those that its coverage of the
# document's limits asks for.
RANDOM_REQUESTS = 10
SECONDS = 30
# The addresses of the examples in the document: of an account, and of one to be registered.
EXAMPLE, NEW_EXAMPLE = "user@example.com", "new.user@example.com"
# Their success needs a secret that nobody can guess; the contract's tests have it.
SECRET = {"activate", "confirmPasswordReset", "endOwnSession"}
# Their success needs a real film or picture, or an upload of one's own.
NEEDS_A_FILM = {
    "uploadVideo",
    "putThumbnail",
    "uploadProgressHead",
    "appendToUpload",
    "deleteUpload",
    "overrideUploadMethod",
}
# Their success needs a film that has failed, or that waits.
NEEDS_A_JOB = {"cancelEncoding", "encodeVideoAgain", "retryVideo"}
# They would take the film from all others: they get one that waits.
DESTROYING = {"deleteVideo"}
# What an admin is answered has no end that could be waited for.
ENDLESS = {"watchVideos"}
CHECKS = [
    not_a_server_error,
    checks.status_code_conformance,
    checks.content_type_conformance,
    checks.response_headers_conformance,
    checks.response_schema_conformance,
    checks.unsupported_method,
    checks.allow_header_conformance,
]

schemathesis.serializer.alias(BYTES_TYPE, "application/octet-stream")
schema = schemathesis.openapi.from_dict(api_document(ROUTES))
# The cookies of real sessions are sent instead.
schema.config.generation.update(with_security_parameters=False)


@dataclass(frozen=True)
class Site:
    """A server that runs on a thread of its own: Schemathesis blocks while it waits."""

    server: Server
    loop: asyncio.AbstractEventLoop
    spare: int  # a film that waits

    def cookies_of(self, who: str) -> dict[str, str]:
        """The cookies of a new account, because one that was used may have been deleted. The
        new address of the examples is free again."""
        return asyncio.run_coroutine_threadsafe(self._prepare(who), self.loop).result(SECONDS)

    async def _prepare(self, who: str) -> dict[str, str]:
        if taken := await self.server.container.users.find_by_email(NEW_EXAMPLE):
            await self.server.container.users.delete(taken.id)
        if who == "anonymous":
            return {}
        email = f"{who}-{secrets.token_hex(8)}@example.com"
        async with self.server.signed_in(email, is_staff=who == "admin") as client:
            return dict(client.cookies)


async def _say_that_a_worker_lives(container: Container) -> None:
    while True:
        await container.encoding.report_alive("nobody:1", "nobody", 1)
        await asyncio.sleep(HEARTBEAT_SECONDS)


async def _serve(
    settings: Settings, film: Path, ready: Future[Site], stop: threading.Event
) -> None:
    async with open_container(settings) as container, running(container) as server:
        await publish(container, film)
        spare = await add_pending(container)
        await server.add_user(EXAMPLE)
        async with running_beside(_say_that_a_worker_lives(container), "worker"):
            ready.set_result(Site(server, asyncio.get_running_loop(), spare.id))
            await asyncio.to_thread(stop.wait)


@pytest.fixture(scope="module")
def site(
    tmp_path_factory: pytest.TempPathFactory, services: Services, clip_cache: ClipCache
) -> Iterator[Site]:
    """A server with a film, and with the account of the document's examples."""
    film = rich_title(clip_cache).folder
    ready: Future[Site] = Future()
    stop = threading.Event()
    with fresh_settings(tmp_path_factory.mktemp("site"), services) as fresh:
        thread = threading.Thread(target=asyncio.run, args=(_serve(fresh, film, ready, stop),))
        thread.start()
        try:
            yield ready.result(SECONDS)
        finally:
            stop.set()
            thread.join()


@dataclass
class Role:
    """Who calls, and how the calls of one operation were answered."""

    name: str
    cookies: dict[str, str]
    operation: str = ""
    statuses: set[int] = field(default_factory=set)


@pytest.fixture(params=["anonymous", "member", "admin"])
def role(request: pytest.FixtureRequest, site: Site) -> Iterator[Role]:
    """Fails afterwards when an admin was never given what the operation is for: then all the
    requests were wrong, and showed little."""
    role = Role(request.param, site.cookies_of(request.param))
    yield role
    if role.name == "admin" and role.operation not in SECRET | NEEDS_A_JOB | NEEDS_A_FILM | ENDLESS:
        assert any(200 <= status < 300 for status in role.statuses), role.statuses


# The server on its thread uses ``random`` while Hypothesis watches over it here.
@pytest.mark.filterwarnings("ignore:Do not use the `random` module inside strategies")
@schema.parametrize()
@settings(
    max_examples=RANDOM_REQUESTS,
    derandomize=True,
    database=None,
    deadline=None,
    suppress_health_check=list(HealthCheck),
)
def test_no_answer_is_undocumented(case: schemathesis.Case[Any], site: Site, role: Role) -> None:
    def send() -> int:
        response = case.call_and_validate(
            base_url=site.server.url, cookies=role.cookies, checks=CHECKS, timeout=SECONDS
        )
        return response.status_code

    role.operation = case.operation.definition.raw["operationId"]
    if role.operation in DESTROYING:
        case.path_parameters = {"video": site.spare}
    if role.name == "admin" and role.operation in ENDLESS and case.method == "GET":
        return
    status = send()
    if status == 403 and CSRF_HEADER in case.headers:
        # A made-up CSRF token is refused before anything else is looked at.
        del case.headers[CSRF_HEADER]
        status = send()
    if case.method == case.operation.method.upper():
        role.statuses.add(status)
