"""The cookie that scripts read, where the settings give it a domain."""

import asyncio
from pathlib import Path

import pytest

from tests.handlers.conftest import changed
from tests.handlers.site import PASSWORD, Server
from tests.pages.page import page
from videoflix.settings import Settings

HOST = "films.localhost"  # browsers ask nobody for its address (RFC 6761 §6.3)
MEMBER = "member@example.com"


@pytest.fixture
def page_settings(settings: Settings) -> Settings:
    url = f"http://{HOST}:{settings.server.port}"
    return changed(
        settings,
        server={"base_url": url, "frontend_url": url},
        auth={"cookie_domain": HOST},
    )


async def test_it_goes_with_a_session_that_was_ended_elsewhere(
    server: Server, tmp_path: Path
) -> None:
    member = await server.add_user(MEMBER)
    loop = asyncio.get_running_loop()

    def look() -> None:
        url = server.container.settings.server.public_url
        with page(tmp_path / "profile", url) as shown:
            shown.open("/")
            shown.fill(email=MEMBER, password=PASSWORD)
            shown.press("Sign in", "button")
            shown.until(lambda: "csrftoken=" in shown.value("document.cookie"), "it is set")
            ending = server.container.members.disable(member.id)
            asyncio.run_coroutine_threadsafe(ending, loop).result()
            shown.open("/")
            shown.find("button", "Sign in")
            assert "csrftoken=" not in shown.value("document.cookie")

    await asyncio.to_thread(look)
