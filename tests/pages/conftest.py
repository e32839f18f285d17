"""A server with pages whose mails lead to it."""

from collections.abc import AsyncIterator

import pytest

from tests.handlers.conftest import changed, running
from tests.handlers.site import Server
from videoflix.container import open_container
from videoflix.settings import Settings


@pytest.fixture
def page_settings(settings: Settings) -> Settings:
    return changed(settings, server={"frontend_url": f"http://127.0.0.1:{settings.server.port}"})


@pytest.fixture
async def server(page_settings: Settings) -> AsyncIterator[Server]:
    async with open_container(page_settings) as container, running(container) as started:
        yield started
