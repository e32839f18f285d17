"""Many connections that are kept: ``python -m tests.drills.keep_alive URL COUNT``, a process of its
own. It opens them, asks for something on each, and says ``open`` with how many were answered; at
a line on its standard input it asks once more on each, and says ``again`` likewise."""

import asyncio
import sys

from tests.drills.raw import address_of, request
from videoflix.descriptors import allow_all_descriptors

AT_ONCE = 32  # so that the server's loop is not late by this client's pushing
GET = request("GET", "/api/video/")
END = b'provided."}'  # of the answer to a stranger

Pair = tuple[asyncio.StreamReader, asyncio.StreamWriter]


async def _ask(pair: Pair) -> bool:
    reader, writer = pair
    try:
        writer.write(GET)
        async with asyncio.timeout(60):
            return (await reader.readuntil(END)).startswith(b"HTTP/1.1 401")
    except (OSError, EOFError, TimeoutError):
        return False


async def _open(host: str, port: int, turns: asyncio.Semaphore) -> tuple[Pair, bool]:
    async with turns:
        pair = await asyncio.open_connection(host, port, limit=1024)
        return pair, await _ask(pair)


async def _again(pair: Pair, turns: asyncio.Semaphore) -> bool:
    async with turns:
        return await _ask(pair)


async def main(url: str, count: int) -> None:
    turns = asyncio.Semaphore(AT_ONCE)
    host, port = address_of(url)
    opened = await asyncio.gather(
        *(_open(host, port, turns) for _ in range(count)), return_exceptions=True
    )
    kept = [one for one in opened if not isinstance(one, BaseException)]
    _say("open", sum(was_answered for _, was_answered in kept))
    await asyncio.to_thread(sys.stdin.readline)
    answers = await asyncio.gather(*(_again(pair, turns) for pair, _ in kept))
    _say("again", sum(answers))
    for (_, writer), _ in kept:
        writer.transport.abort()


def _say(word: str, count: int) -> None:
    sys.stdout.write(f"{word} {count}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    allow_all_descriptors()
    asyncio.run(main(sys.argv[1], int(sys.argv[2])))
