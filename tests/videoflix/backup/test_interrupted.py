"""Backups and restorations that are cancelled while they read: nobody is at work any more
afterwards, and nothing is left of them.

A FIFO in the place of a film's file keeps its reader at work for as long as the test wants.
"""

import asyncio
import os
from collections.abc import AsyncIterator, Collection, Coroutine, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest

from tests.handlers.films import add_pending
from tests.videoflix.backup.estate import put_source
from tests.videoflix.waiting import INTERVAL, until_true
from videoflix.adapters.media_intake import LocalMediaIntake
from videoflix.adapters.mongo.archive import COLLECTIONS, MongoArchive
from videoflix.adapters.mongo.database import open_database
from videoflix.adapters.mongo.workers import MongoWorkerStore
from videoflix.backup import Backups, MediaKind, Restoration
from videoflix.container import Container
from videoflix.offload import Offload
from videoflix.settings import Settings

BLOCK = bytes(16 * 1024)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "backup"


@pytest.fixture
def offload() -> Iterator[Offload]:
    with ThreadPoolExecutor(2) as executor:
        yield Offload(executor)


def made_fifo(path: Path) -> Path:
    path.unlink()
    os.mkfifo(path)
    return path


async def film(container: Container) -> Path:
    """The source of a new film, of no bytes, which is what stat(2) says of a FIFO's size too."""
    video = await add_pending(container, "Film")
    put_source(container, video.id, b"")
    return container.media.source(video.id)


class Reader:
    """Whoever reads a FIFO."""

    def __init__(self, fifo: Path) -> None:
        self._fifo = fifo
        self._pipe = -1

    def has_begun(self) -> bool:
        if self._fifo.is_fifo():  # it may become one in the middle of the work
            with suppress(OSError):  # nobody reads it yet
                self._pipe = os.open(self._fifo, os.O_WRONLY | os.O_NONBLOCK)
        return self._pipe >= 0

    def is_at_work(self) -> bool:
        """Give it something to read; False where nobody does."""
        with suppress(BlockingIOError):
            try:
                os.write(self._pipe, BLOCK)
            except BrokenPipeError:
                return False
        return True

    def close(self) -> None:
        if self._pipe >= 0:
            os.close(self._pipe)


async def interrupt(work: Coroutine[Any, Any, object], fifo: Path) -> None:
    """Cancel it while it reads the FIFO, and see that nobody reads when that comes through."""
    task, reader = asyncio.create_task(work), Reader(fifo)
    try:
        await until_true(lambda: task.done() or reader.has_begun())
        assert reader.is_at_work()
        while not task.done():
            task.cancel()  # again and again, as an impatient user does
            await asyncio.sleep(INTERVAL)
            reader.is_at_work()
        with pytest.raises(asyncio.CancelledError):
            await task
        assert not reader.is_at_work()
    finally:
        reader.close()


@pytest.mark.parametrize("kind", MediaKind)
async def test_a_backup_that_is_cancelled_while_it_takes_a_film_leaves_nothing(
    container: Container, folder: Path, kind: MediaKind
) -> None:
    source = await film(container)
    await interrupt(container.backups.make(folder, kind), made_fifo(source))
    assert list(folder.iterdir()) == []
    source.unlink()
    source.write_bytes(b"film")
    assert (await container.backups.make(folder, kind)).bytes == 4


class Last(MongoArchive):
    """With its last documents a file of the backup becomes a FIFO, which its check then meets."""

    fifo: Path

    async def documents(self, name: str, films: Collection[int]) -> AsyncIterator[bytes]:
        async for document in super().documents(name, films):
            yield document
        if name == COLLECTIONS[-1]:
            made_fifo(self.fifo)


async def test_a_backup_that_is_cancelled_while_it_is_checked_leaves_nothing(
    settings: Settings, container: Container, folder: Path, offload: Offload
) -> None:
    source = await film(container)
    async with open_database(settings.mongo) as database:
        archive = Last(database)
        archive.fifo = folder / "media" / "sources" / source.parent.name / "source"
        work = Backups(archive, container.media, offload).make(folder)
        await interrupt(work, archive.fifo)
    assert list(folder.iterdir()) == []
    assert (await container.backups.make(folder)).files == 1


class Checked(LocalMediaIntake):
    """Once the backup was checked, a file of it becomes a FIFO."""

    fifo: Path

    def open_staging(self) -> Path:
        made_fifo(self.fifo)
        return super().open_staging()


@pytest.mark.parametrize("when", ["checked", "copied"])
async def test_a_restoration_that_is_cancelled_leaves_no_copies(
    settings: Settings, container: Container, folder: Path, offload: Offload, when: str
) -> None:
    source = await film(container)
    await container.backups.make(folder)
    saved = folder / "media" / "sources" / source.parent.name / "source"
    root = settings.storage.root
    async with open_database(settings.mongo) as database:
        intake = Checked(root) if when == "copied" else LocalMediaIntake(root)
        if isinstance(intake, Checked):
            intake.fifo = saved
        else:
            made_fifo(saved)
        workers = MongoWorkerStore(database)
        restoration = Restoration(MongoArchive(database), intake, workers, offload)
        await interrupt(restoration.restore(folder, replace=True), saved)
    assert not list(root.glob(".restore-*"))
    assert source.exists()
    saved.unlink()
    saved.touch()
    await container.restoration.restore(folder, replace=True)
    assert not list(root.glob(".restore-*"))
