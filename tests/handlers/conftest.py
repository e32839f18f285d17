"""A real HTTP server on a free port, over a real container."""

import asyncio
import socket
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import Any

import httpx
import pytest
from pymongo.monitoring import CommandListener

from handlers.server import serve
from tests.clips.fixtures import clip_cache
from tests.handlers.site import Server
from videoflix.container import Container, open_container
from videoflix.settings import Settings

__all__ = ["clip_cache"]


@asynccontextmanager
async def running(container: Container, **options: Any) -> AsyncIterator[Server]:
    """``options`` are those of ``serve``."""
    listener = socket.create_server(("127.0.0.1", container.settings.server.port))
    listener.setblocking(False)
    stop = asyncio.Event()
    serving = asyncio.create_task(serve(container, [listener], stop, **options))
    try:
        yield Server(f"http://127.0.0.1:{listener.getsockname()[1]}", container)
    finally:
        stop.set()
        await serving


def changed(settings: Settings, **sections: dict[str, Any]) -> Settings:
    """The settings with other values, checked as if they came from a file."""
    values = settings.model_dump()
    for section, keys in sections.items():
        values[section] |= keys
    return Settings.model_validate(values)


@asynccontextmanager
async def site(
    settings: Settings, listeners: Sequence[CommandListener] = ()
) -> AsyncIterator[Server]:
    """A server of its own; ``listeners`` hear of what it asks the database."""
    async with open_container(settings, listeners) as container, running(container) as server:
        yield server


@pytest.fixture
async def server(container: Container) -> AsyncIterator[Server]:
    async with running(container) as started:
        yield started


@pytest.fixture
async def client(server: Server) -> AsyncIterator[httpx.AsyncClient]:
    async with server.client() as opened:
        yield opened


@pytest.fixture
async def admin(server: Server) -> AsyncIterator[httpx.AsyncClient]:
    async with server.signed_in("admin@example.com", is_staff=True) as opened:
        yield opened
