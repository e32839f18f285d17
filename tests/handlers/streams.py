"""Server-sent events as a client reads them."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from typing import Any

import httpx

SECONDS = 30.0


@dataclass
class Event:
    name: str = ""
    id: str = ""
    data: Any = None


@dataclass
class Stream:
    """One client's events; ``ended`` once the server has closed the stream."""

    headers: httpx.Headers
    lines: AsyncIterator[str]
    ids: list[str] = field(default_factory=list)

    async def next(self) -> Event:
        """The next event. Raises StopAsyncIteration at the end, TimeoutError."""
        found = Event()
        async with asyncio.timeout(SECONDS):
            while True:
                line = await anext(self.lines)
                name, _, value = line.partition(": ")
                if line == "" and found.name:
                    self.ids.append(found.id)
                    return found
                if name == "event":
                    found.name = value
                elif name == "id":
                    found.id = value
                elif name == "data":
                    found.data = json.loads(value)

    async def video(self, video_id: int, **expected: object) -> Event:
        """The next event of the video in which these members of its record are so. Raises
        TimeoutError."""
        wanted = {"id": video_id, **expected}
        async with asyncio.timeout(SECONDS):
            while True:
                found = await self.next()
                if found.name == "video" and wanted.items() <= found.data.items():
                    return found

    async def next_comment(self) -> None:
        while not (await anext(self.lines)).startswith(":"):
            pass

    async def end(self) -> None:
        """Wait for the end. Raises TimeoutError."""
        with suppress(StopAsyncIteration):
            while True:
                await self.next()


@asynccontextmanager
async def events(client: httpx.AsyncClient, last: str = "") -> AsyncIterator[Stream]:
    headers = {"Last-Event-ID": last} if last else {}
    async with client.stream("GET", "admin/events/", headers=headers, timeout=SECONDS) as response:
        assert response.status_code == 200
        yield Stream(response.headers, response.aiter_lines())
