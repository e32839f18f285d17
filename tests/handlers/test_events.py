"""Server-sent events: how films are getting on, heard by admins for as long as they may."""

import asyncio
import socket
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager, suppress
from dataclasses import replace
from pathlib import Path

import httpx
import pytest
from pymongo.monitoring import (
    CommandFailedEvent,
    CommandListener,
    CommandStartedEvent,
    CommandSucceededEvent,
)

from handlers.access import Route
from handlers.events import EventsHandler, event_id, moment_of
from handlers.routes import ROUTES
from tests.handlers.conftest import changed, running, site
from tests.handlers.films import add_pending
from tests.handlers.site import Server, login
from tests.handlers.streams import SECONDS, events
from tests.videoflix.parts import Parts, open_parts
from tests.videoflix.relay import relayed
from tests.videoflix.waiting import until, until_true
from videoflix.container import Container, open_container
from videoflix.models import EncodeProgress, Lease, VideoDetails
from videoflix.settings import Settings

EMAIL = "admin@example.com"


async def claimed(parts: Parts | Container) -> Lease:
    lease = await parts.videos.claim("test", 60, 5)
    assert lease is not None
    return lease


@pytest.fixture
async def elsewhere(settings: Settings) -> AsyncIterator[Parts]:
    """Another process, which the server hears of by the database alone."""
    async with open_parts(settings) as opened:
        yield opened


async def test_unfinished_films_come_first_then_every_change(
    server: Server, admin: httpx.AsyncClient, elsewhere: Parts
) -> None:
    done, first = [(await add_pending(server.container)).id for _ in range(2)]
    await elsewhere.videos.fail(await claimed(elsewhere), "No.")
    async with events(admin) as stream:
        assert stream.headers["content-type"] == "text/event-stream; charset=utf-8"
        assert stream.headers["cache-control"] == "no-store"
        assert stream.headers["x-accel-buffering"] == "no"
        start = await stream.next()
        assert (start.name, start.data) == ("start", {"is_resumed": False})
        shown = await stream.next()
        assert shown.data == (await admin.get(f"admin/videos/{first}/")).json()
        lease = await claimed(elsewhere)
        await stream.video(first, processing_status="processing", progress=0)
        await elsewhere.videos.renew(lease, 60, EncodeProgress("encode", 41, 10, 1.5, 60))
        await stream.video(first, progress=41, stage="encode", seconds_left=60)
        await elsewhere.videos.publish(lease, "generation")
        last = await stream.video(first, processing_status="ready")
        assert last.id == event_id((await server.container.catalogue.find(first)).updated_at)
        second = await elsewhere.videos.next_id()
        await elsewhere.videos.add(
            second, VideoDetails("New\nline \u2028"), source_size=1, has_own_thumbnail=False
        )
        assert (await stream.video(second)).data["title"] == "New\nline \u2028"
        await admin.post(f"admin/videos/{second}/cancel/", json={})
        await stream.video(second, processing_status="failed")
    assert done < first


async def test_a_client_that_comes_back_hears_what_it_missed(
    server: Server, admin: httpx.AsyncClient, elsewhere: Parts
) -> None:
    missed, untouched = [(await add_pending(server.container)).id for _ in range(2)]
    async with events(admin) as stream:
        await stream.video(untouched)
        last = stream.ids[-1]
    await elsewhere.videos.fail(await claimed(elsewhere), "No.")
    async with events(admin, last) as stream:
        assert (await stream.next()).data == {"is_resumed": True}
        await stream.video(missed, processing_status="failed")


@pytest.mark.parametrize("last", ["x", "-1", "1", "99999999999999", "9" * 30, "1e9", "1.5"])
async def test_an_id_that_is_none_or_too_old_begins_anew(
    server: Server, admin: httpx.AsyncClient, last: str
) -> None:
    video_id = (await add_pending(server.container)).id
    async with events(admin, last) as stream:
        assert (await stream.next()).data == {"is_resumed": False}
        await stream.video(video_id)


def test_ids_are_moments() -> None:
    moment = moment_of("1700000000123")
    assert moment is not None
    assert moment.isoformat() == "2023-11-14T22:13:20.123000+00:00"
    assert event_id(moment) == "1700000000123"


class Looks(CommandListener):
    """Counts the looks for changes."""

    def __init__(self) -> None:
        self.count = 0

    def started(self, event: CommandStartedEvent) -> None:
        wanted = event.command.get("filter", {})
        self.count += event.command_name == "find" and "updated_at" in wanted

    def succeeded(self, event: CommandSucceededEvent) -> None: ...

    def failed(self, event: CommandFailedEvent) -> None: ...


async def test_one_look_serves_all_and_nobody_looks_for_nobody(
    settings: Settings, elsewhere: Parts
) -> None:
    looks = Looks()
    async with site(settings, [looks]) as server, server.signed_in(EMAIL, is_staff=True) as admin:
        video_id = (await add_pending(server.container)).id
        assert looks.count == 0
        for _ in range(3):  # gone at once
            async with events(admin) as stream:
                await stream.video(video_id)
        streams = [events(admin) for _ in range(8)]
        opened = [await stream.__aenter__() for stream in streams]
        lease = await claimed(elsewhere)
        for stream in opened:
            await stream.video(video_id, processing_status="processing")
        before, loop = looks.count, asyncio.get_running_loop()
        begun_at = loop.time()
        await until_true(lambda: looks.count >= before + 3)
        assert looks.count <= before + 3 + (loop.time() - begun_at)
        for closed in streams:
            await closed.__aexit__(None, None, None)
        watch = server.container.film_watch
        await until_true(lambda: watch.is_resting)
        at_rest = looks.count
        await elsewhere.videos.renew(lease, 60, EncodeProgress("encode", 50))
        async with events(admin) as stream:
            await stream.video(video_id, progress=50)
        assert looks.count <= at_rest + 2


async def test_a_session_that_is_revoked_hears_no_more(
    server: Server, admin: httpx.AsyncClient
) -> None:
    """R9"""
    async with server.client() as elsewhere:
        await login(elsewhere, EMAIL)
        async with events(elsewhere) as stream, events(admin) as other:
            await stream.next()
            sessions = (await admin.get("me/sessions/")).json()
            [session] = [found["id"] for found in sessions if not found["is_current"]]
            await admin.request("DELETE", f"me/sessions/{session}/", json={})
            await stream.end()
            video_id = (await add_pending(server.container)).id
            await other.video(video_id)


async def test_the_stream_ends_with_the_access_token(settings: Settings) -> None:
    short = changed(settings, auth={"access_minutes": 0.01})
    async with (
        site(short) as server,
        server.signed_in(EMAIL, is_staff=True) as admin,
        events(admin) as stream,
    ):
        assert (await stream.next()).name == "start"
        await stream.end()


async def test_the_stop_of_the_server_ends_it(container: Container) -> None:
    async with running(container) as server:
        client = server.signed_in(EMAIL, is_staff=True)
        admin = await client.__aenter__()
        opened = events(admin)
        stream = await opened.__aenter__()
        await stream.next()
    await stream.end()
    await opened.__aexit__(None, None, None)
    await client.__aexit__(None, None, None)
    assert container.film_watch.is_resting


async def test_a_database_that_goes_away_only_pauses_it(
    settings: Settings, elsewhere: Parts
) -> None:
    """R49"""
    async with relayed(settings.mongo.uri) as (relay, uri):
        mongo = settings.mongo.model_copy(update={"uri": uri, "timeout": 0.5})
        through = settings.model_copy(update={"mongo": mongo})
        async with (
            open_container(through) as container,
            running(container) as server,
            server.signed_in(EMAIL, is_staff=True) as admin,
        ):
            video_id = (await add_pending(container)).id
            async with events(admin) as stream:
                await stream.video(video_id)
                await relay.cut()

                async def refused() -> bool:
                    return (await admin.get("admin/events/")).status_code == 503

                assert await until(refused)
                await claimed(elsewhere)
                await relay.mend()
                await stream.video(video_id, processing_status="processing")


class Impatient(EventsHandler):
    heartbeat_seconds = 0.1
    stuck_seconds = 0.5


def impatient() -> list[Route]:
    """The routes, with events for clients that are soon found stuck."""
    return [
        replace(route, handler=Impatient) if route.handler is EventsHandler else route
        for route in ROUTES
    ]


async def test_a_stream_without_events_is_kept_alive(container: Container) -> None:
    async with (
        running(container, routes=impatient()) as server,
        server.signed_in(EMAIL, is_staff=True) as admin,
        events(admin) as stream,
    ):
        await stream.next()
        await asyncio.wait_for(stream.next_comment(), SECONDS)
        await asyncio.wait_for(stream.next_comment(), SECONDS)


async def add_large(parts: Parts) -> int:
    """Films whose records do not fit into what the kernel holds for a connection; returns how
    many bytes they are at least."""
    description = "x" * 500_000
    for _ in range(12):
        video_id = await parts.videos.next_id()
        details = VideoDetails("A film", description)
        await parts.videos.add(video_id, details, source_size=1, has_own_thumbnail=False)
    return 12 * len(description)


@contextmanager
def not_reading(server: Server, admin: httpx.AsyncClient) -> Iterator[tuple[socket.socket, int]]:
    """A connection on which events were asked for, and the server's port."""
    cookies = "; ".join(f"{name}={value}" for name, value in admin.cookies.items())
    host = server.url.removeprefix("http://")
    port = int(host.partition(":")[2])
    request = f"GET /api/admin/events/ HTTP/1.1\r\nHost: {host}\r\nCookie: {cookies}\r\n\r\n"
    with socket.socket() as raw:
        raw.settimeout(SECONDS)
        raw.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 16)
        raw.connect(("127.0.0.1", port))
        raw.sendall(request.encode())
        yield raw, port


async def test_a_client_that_does_not_read_is_cut_off_with_its_session(
    server: Server, admin: httpx.AsyncClient, elsewhere: Parts
) -> None:
    """R21: what it has not taken is not held for it either."""
    total = await add_large(elsewhere)
    with not_reading(server, admin) as (raw, port):
        # All films are written at once, and do not fit: what follows waits for this client.
        await until_true(lambda: unsent(port, raw) > 1 << 18)
        await admin.post("logout/", json={})
        await until_true(lambda: server.container.film_watch.is_resting)
        assert 0 < await asyncio.to_thread(received, raw) < total


async def test_a_client_that_never_reads_is_cut_off(container: Container, elsewhere: Parts) -> None:
    """R21"""
    total = await add_large(elsewhere)
    async with (
        running(container, routes=impatient()) as server,
        server.signed_in(EMAIL, is_staff=True) as admin,
    ):
        with not_reading(server, admin) as (raw, port):
            await until_true(lambda: unsent(port, raw) > 1 << 18)
            await until_true(lambda: container.film_watch.is_resting)
            assert 0 < await asyncio.to_thread(received, raw) < total


def unsent(port: int, client: socket.socket) -> int:
    """Bytes that the kernel holds for a client of the server at ``port`` (proc(5), net/tcp)."""
    ends = (f":{port:04X}", f":{client.getsockname()[1]:04X}")
    for line in Path("/proc/net/tcp").read_text().splitlines()[1:]:
        _, local, remote, _, queues, *_ = line.split()
        if local.endswith(ends[0]) and remote.endswith(ends[1]):
            return int(queues.partition(":")[0], 16)
    return 0


def received(raw: socket.socket) -> int:
    """How many bytes come until the connection is closed."""
    count = 0
    with suppress(ConnectionResetError):
        while data := raw.recv(1 << 16):
            count += len(data)
    return count


async def test_strangers_and_members_hear_nothing(server: Server) -> None:
    """R22"""
    async with server.client() as anonymous, server.signed_in() as member:
        assert (await anonymous.get("admin/events/")).status_code == 401
        assert (await member.get("admin/events/")).status_code == 403
