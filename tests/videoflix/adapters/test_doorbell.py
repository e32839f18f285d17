"""The doorbell rings a listening worker, comes back after Redis does, and runs nobody's code."""

import asyncio
import io
import os
import pickle
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
import structlog
from arq.connections import ArqRedis

from tests.listener import listening as tcp_listening
from tests.videoflix.waiting import SECONDS, until
from tests.videoflix.worker.processes import own_redis
from videoflix.adapters.doorbell import QUEUE, ArqDoorbell, DoorbellListener
from videoflix.errors import QueueUnavailable
from videoflix.settings import RedisSettings, Settings


@asynccontextmanager
async def doorbell(settings: RedisSettings) -> AsyncIterator[ArqDoorbell]:
    bell = ArqDoorbell(settings)
    try:
        yield bell
    finally:
        await bell.aclose()


@asynccontextmanager
async def listening(settings: RedisSettings) -> AsyncIterator[asyncio.Event]:
    heard = asyncio.Event()
    task = asyncio.create_task(DoorbellListener(settings, heard).listen())
    try:
        yield heard
        assert not task.done()
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


async def heard(event: asyncio.Event, *, seconds: float = SECONDS) -> None:
    async with asyncio.timeout(seconds):
        await event.wait()
    event.clear()


async def queued(settings: RedisSettings) -> int:
    async with ArqRedis.from_url(settings.url.get_secret_value()) as redis:
        return int(await redis.zcard(QUEUE))


async def test_a_ring_is_heard_each_time(settings: Settings) -> None:
    async with doorbell(settings.redis) as bell, listening(settings.redis) as event:
        for _ in range(3):
            await bell.ring(1)
            await heard(event)


async def test_rings_wait_for_a_listener_and_then_are_gone(settings: Settings) -> None:
    async with doorbell(settings.redis) as bell:
        for video_id in range(30):
            await bell.ring(video_id)
        assert await queued(settings.redis) == 30
        async with listening(settings.redis) as event:
            await heard(event)

            async def is_empty() -> bool:
                return await queued(settings.redis) == 0

            await until(is_empty)


async def test_a_dead_redis_is_told_soon(settings: Settings) -> None:
    dead = settings.redis.model_copy(
        update={"url": RedisSettings.model_validate({"url": "redis://127.0.0.1:9/0"}).url}
    )
    async with doorbell(dead) as bell:
        with pytest.raises(QueueUnavailable):
            await bell.ring(1)


async def test_a_redis_that_hangs_is_told_within_the_time_out() -> None:
    async def never_answer(*_: object) -> None:
        await asyncio.Event().wait()

    async with tcp_listening(never_answer) as port:
        settings = RedisSettings.model_validate(
            {"url": f"redis://127.0.0.1:{port}/0", "timeout": 0.3}
        )
        async with doorbell(settings) as bell:
            with pytest.raises(QueueUnavailable):
                await bell.ring(1)


async def test_a_listener_that_is_cancelled_again_and_again_leaves_nothing_open() -> None:
    """Its end takes a while where Redis does not answer; whoever stops it may be impatient."""
    connected = asyncio.Event()

    async def never_answer(*_: object) -> None:
        connected.set()
        await asyncio.Event().wait()

    before = asyncio.all_tasks()
    async with tcp_listening(never_answer) as port:
        settings = RedisSettings.model_validate(
            {"url": f"redis://127.0.0.1:{port}/0", "timeout": 30}
        )
        listener = asyncio.create_task(DoorbellListener(settings, asyncio.Event()).listen())
        await connected.wait()
        while not listener.done():
            listener.cancel()
            await asyncio.wait((listener,), timeout=0.01)
    assert asyncio.all_tasks() - before == set()


async def test_both_sides_come_back_after_redis_was_killed_and_started_empty() -> None:
    """R40"""
    async with (
        own_redis() as redis,
        doorbell(redis.settings) as bell,
        listening(redis.settings) as event,
    ):
        await bell.ring(1)
        await heard(event)
        await redis.kill()
        with pytest.raises(QueueUnavailable):
            await bell.ring(2)
        await redis.start()
        await bell.ring(3)
        await heard(event)


class _Bomb:
    def __init__(self, path: Path) -> None:
        self._path = path

    def __reduce__(self) -> tuple[object, ...]:
        return os.mkdir, (str(self._path),)


@pytest.mark.parametrize("planted", ["pickle", "garbage", "wrong json", "wrong type"])
async def test_what_is_planted_in_redis_is_never_executed(
    settings: Settings, tmp_path: Path, planted: str
) -> None:
    """R44"""
    target = tmp_path / "executed"
    jobs = {
        "pickle": pickle.dumps({"f": "ring", "a": (_Bomb(target),), "k": {}, "t": 1, "et": 1}),
        "garbage": b"\x80\x00\xff",
        "wrong json": b'{"f": ["ring"], "a": 1, "k": 2, "t": "x", "et": null}',
        "wrong type": b"[]",
    }
    async with ArqRedis.from_url(settings.redis.url.get_secret_value()) as redis:
        await redis.set("arq:job:planted", jobs[planted])
        await redis.zadd(QUEUE, {"planted": 1})
    async with doorbell(settings.redis) as bell, listening(settings.redis) as event:
        await bell.ring(1)
        await heard(event)
    assert not target.exists()


async def test_own_jobs_are_json_and_the_planted_pickle_would_have_worked(
    settings: Settings, tmp_path: Path
) -> None:
    """R44: the bomb above is a real one, and what lies in Redis is no pickle."""
    pickle.load(io.BytesIO(pickle.dumps(_Bomb(tmp_path / "executed"))))  # noqa: S301 -- the point
    assert (tmp_path / "executed").exists()
    async with doorbell(settings.redis) as bell:
        await bell.ring(1)
        async with ArqRedis.from_url(settings.redis.url.get_secret_value()) as redis:
            [key] = await redis.keys("arq:job:*")
            job = await redis.get(key)
    assert job is not None
    assert job.startswith(b"{")


async def test_the_password_is_in_no_message() -> None:
    async with own_redis() as redis:
        await redis.kill()
        with structlog.testing.capture_logs() as logs:
            async with listening(redis.settings), doorbell(redis.settings) as bell:
                with pytest.raises(QueueUnavailable) as caught:
                    await bell.ring(1)

                async def logged() -> bool:
                    return bool(logs)

                await until(logged)
        assert "secret" not in f"{caught.value!r} {caught.value.__cause__!r} {logs!r}"
