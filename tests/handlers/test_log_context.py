"""Every line that is logged within a request or a job names it."""

import asyncio
import json
import logging
from collections.abc import Iterator
from io import StringIO
from typing import Any

import httpx
import pytest
import structlog
from tornado.web import stream_request_body

from handlers.access import Access, Route
from handlers.documentation import UNLISTED
from handlers.routes import ROUTES
from handlers.streamed import StreamedHandler
from tests.handlers.conftest import running
from tests.videoflix.encoding.jobs import add, run
from tests.videoflix.parts import open_parts
from videoflix.container import Container
from videoflix.logs import configure_logging
from videoflix.settings import Settings
from videoflix.settings_loader import load_settings


@pytest.fixture
def lines() -> Iterator[StringIO]:
    """What is logged from now on, as JSON."""
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    stream = StringIO()
    configure_logging(load_settings(environment={"VIDEOFLIX_LOG__FORMAT": "json"}), stream)
    # Else loggers of modules that are used meanwhile would keep this configuration for good.
    structlog.configure(**{**structlog.get_config(), "cache_logger_on_first_use": False})
    yield stream
    root.handlers[:], root.level = handlers, level
    structlog.reset_defaults()


def events(stream: StringIO, name: str) -> list[dict[str, Any]]:
    found = map(json.loads, stream.getvalue().splitlines())
    return [line for line in found if line["event"] == name]


@stream_request_body
class Speaking(StreamedHandler):
    """Logs whatever happens."""

    async def begin(self) -> None:
        structlog.get_logger("test").info("began")

    async def receive(self, data: bytes) -> None:
        await asyncio.sleep(0)
        structlog.get_logger("test").info("received", size=len(data))

    async def complete(self) -> None:
        structlog.get_logger("test").info("completed")
        self.answer({})

    async def post(self) -> None:
        await self.respond()


async def test_lines_name_their_request_on_a_connection_of_many(
    container: Container, lines: StringIO
) -> None:
    route = Route("/speak", Speaking, {"POST": Access.MEMBER}, UNLISTED)
    async with (
        running(container, routes=(*ROUTES, route)) as server,
        server.signed_in() as member,
        httpx.AsyncClient(base_url=server.url, cookies=member.cookies, trust_env=False) as client,
    ):
        named = []
        for _ in range(2):
            answer = await client.post("/speak", json={"a": "b"})
            assert answer.status_code == 200
            named.append(answer.headers["X-Request-ID"])
    assert len(set(named)) == 2
    for name in ("began", "received", "completed"):
        assert [line["request_id"] for line in events(lines, name)] == named


async def test_lines_name_their_job_also_the_encoders(settings: Settings, lines: StringIO) -> None:
    async with open_parts(settings) as parts:
        await add(parts, "noisy")
        first = await run(parts)
        await add(parts, "ready")
        second = await run(parts)
    named = [first.generation, second.generation]
    for name in ("encoding begins", "video ready"):
        assert [line["job"] for line in events(lines, name)] == named
    said = events(lines, "line of the encoder not understood")
    assert {line["job"] for line in said} == {first.generation}
