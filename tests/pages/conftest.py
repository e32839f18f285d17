"""Servers with pages whose mails lead to them, and browsers."""

from collections.abc import AsyncIterator, Iterator

import pytest

from tests.clips.fixtures import ClipCache
from tests.conftest import fresh_settings
from tests.handlers.conftest import changed, running
from tests.handlers.site import Server
from tests.media_pipeline.titles import rich_title
from tests.pages.house import House, fill, opened_house
from tests.pages.page import DESKTOP, Page, page
from tests.services import Services
from videoflix.container import open_container
from videoflix.settings import Settings


@pytest.fixture(scope="package")
def house(services: Services, tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    """A server that all tests here share, without films."""
    with (
        fresh_settings(tmp_path_factory.mktemp("house"), services) as settings,
        opened_house(settings) as opened,
    ):
        yield opened


@pytest.fixture(scope="package")
def browsed(house: House, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Page]:
    """A browser that they share too."""
    with page(tmp_path_factory.mktemp("browser") / "profile", house.url) as opened:
        yield opened


@pytest.fixture(scope="package")
def films(house: House, clip_cache: ClipCache) -> None:
    """The films and accounts of the shared server."""
    house.run(fill(house.server, rich_title(clip_cache).folder))


@pytest.fixture
def shown(browsed: Page, films: None) -> Iterator[Page]:  # noqa: ARG001 -- they are in it
    """The shared browser, as wide as a desktop, before films."""
    browsed.browser.be(width=DESKTOP, height=900, scheme="dark")
    yield browsed
    browsed.undo()


@pytest.fixture
def page_settings(settings: Settings) -> Settings:
    return changed(settings, server={"frontend_url": f"http://127.0.0.1:{settings.server.port}"})


@pytest.fixture
async def server(page_settings: Settings) -> AsyncIterator[Server]:
    async with open_container(page_settings) as container, running(container) as started:
        yield started
