"""A server with films in it and a browser before it, which many tests share.

The server lives on a thread of its own, so that tests may wait for the browser. Tests leave behind
what they found: who adds a film or an account gives it a name of its own, and takes it away where
other tests would see it.
"""

import asyncio
import threading
from collections.abc import Coroutine, Iterator
from concurrent.futures import Future
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

import httpx

from tests.handlers.conftest import changed, site
from tests.handlers.films import add_pending, publish
from tests.handlers.site import PASSWORD, Server
from tests.pages.page import Page
from videoflix.container import Container
from videoflix.models import Video
from videoflix.settings import Settings

MEMBER, ADMIN = "member@example.com", "admin@example.com"
NUMBERS = ("one", "two", "three", "four", "five", "six", "seven")
FAILED, ON_ITS_WAY = "A film that could not be encoded", "A film on its way"
REASON = "The file holds no picture and no sound."
START_SECONDS = 120.0

T = TypeVar("T")


@dataclass(frozen=True)
class House:
    server: Server
    loop: asyncio.AbstractEventLoop

    @property
    def url(self) -> str:
        return self.server.url

    @property
    def container(self) -> Container:
        return self.server.container

    def run(self, work: Coroutine[Any, Any, T]) -> T:
        """On the server's own loop."""
        return asyncio.run_coroutine_threadsafe(work, self.loop).result(START_SECONDS)

    def client(self) -> httpx.Client:
        return httpx.Client(base_url=self.url, trust_env=False, timeout=START_SECONDS)

    def let_in(self, shown: Page, email: str, path: str = "/") -> None:
        """Open ``path`` as somebody who has just signed in, in a browser that keeps nothing else.
        An empty address is nobody."""
        shown.forget()
        if email:
            with self.client() as client:
                body = {"email": email, "password": PASSWORD}
                answer = client.post("/api/login/", json=body)
                assert answer.status_code == 200, answer.text
                cookies = dict(client.cookies)
            for name, value in cookies.items():
                shown.browser.command(
                    "Network.setCookie",
                    url=self.url,
                    name=name,
                    value=value,
                    path="/",
                    httpOnly=name != "csrftoken",
                    sameSite="Lax",
                    expires=4e9,
                )
        shown.open(path)

    def failed(self, title: str) -> Video:
        """A film whose encode has failed, and whose source is there."""
        return self.run(add_failed(self.container, title))


async def add_failed(container: Container, title: str) -> Video:
    video = await add_pending(container, title)
    source = container.media.source(video.id)
    source.parent.mkdir(exist_ok=True)
    source.touch()
    await fail_next(container, video.id)
    return await container.catalogue.find(video.id)


async def fail_next(container: Container, video_id: int) -> None:
    """The encode of this film, which is the next in the queue, fails."""
    lease = await container.videos.claim("test", 60, 5)
    assert lease is not None
    assert lease.video_id == video_id
    await container.videos.fail(lease, REASON)


async def fill(server: Server, title: Path) -> None:
    """Seven films of a good length, one that failed, one on its way; a member and an admin."""
    container = server.container
    for number in NUMBERS:
        await publish(container, title, f"Film {number}")
    await server.add_user(MEMBER)
    await server.add_user(ADMIN, is_staff=True)
    await add_failed(container, FAILED)
    await add_pending(container, ON_ITS_WAY)
    assert await container.videos.claim("test", 36_000, 5) is not None


async def _live(settings: Settings, started: "Future[tuple[House, asyncio.Event]]") -> None:
    try:
        async with site(settings) as server:
            stop = asyncio.Event()
            started.set_result((House(server, asyncio.get_running_loop()), stop))
            await stop.wait()
    except Exception as error:
        if started.done():
            raise
        started.set_exception(error)


@contextmanager
def opened_house(settings: Settings) -> Iterator[House]:
    """A server whose mails lead to its own pages."""
    settings = changed(
        settings, server={"frontend_url": f"http://127.0.0.1:{settings.server.port}"}
    )
    started: Future[tuple[House, asyncio.Event]] = Future()
    thread = threading.Thread(target=asyncio.run, args=(_live(settings, started),))
    thread.start()
    try:
        house, stop = started.result(START_SECONDS)
        try:
            yield house
        finally:
            house.loop.call_soon_threadsafe(stop.set)
    finally:
        thread.join()
