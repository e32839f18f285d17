"""Uploads in several requests: whose turn it is."""

import asyncio
from collections.abc import AsyncIterator, Callable
from typing import ParamSpec, TypeVar

import pytest

from tests.videoflix.parts import Parts, any_film, open_parts
from videoflix.adapters.resumable_store import LocalResumableStore
from videoflix.adapters.upload_file import LocalUploadFile
from videoflix.errors import InsufficientStorage
from videoflix.models import VideoDetails
from videoflix.offload import Offload
from videoflix.settings import Settings
from videoflix.uploads import resumable
from videoflix.uploads.acceptance import Acceptance
from videoflix.uploads.pictures import ThumbnailMaker
from videoflix.uploads.register import Register
from videoflix.uploads.resumable import ResumableUploads
from videoflix.uploads.space import Space

DETAILS = VideoDetails("A film")
OWNER = 1
TURNS = 100  # of the event loop; who waits for an event needs a few

P = ParamSpec("P")
T = TypeVar("T")


class LateClose(Offload):
    """Calls at once, but for ``close``: whoever does not wait for its end comes before it."""

    async def __call__(self, call: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        for _ in range(TURNS if call.__name__ == "close" else 0):
            await asyncio.sleep(0)
        return call(*args, **kwargs)


@pytest.fixture
async def parts(settings: Settings) -> AsyncIterator[Parts]:
    async with open_parts(settings) as opened:
        yield opened


@pytest.fixture
def uploads(parts: Parts) -> ResumableUploads:
    settings, media, offload = parts.settings, parts.media, LateClose(parts.disk)
    store = LocalResumableStore(settings.storage.root)
    acceptance = Acceptance(
        Register(parts.videos, media, parts.doorbell, offload),
        films=any_film(settings),
        thumbnails=ThumbnailMaker(),
        offload=offload,
    )
    space = Space(media, store, floor=settings.storage.free_floor, offload=offload)
    return ResumableUploads(store, media, acceptance, space, settings, offload=offload)


@pytest.mark.parametrize("is_disk_full", [False, True])
async def test_r27_who_takes_over_from_a_silent_writer_finds_the_upload_free(
    uploads: ResumableUploads, monkeypatch: pytest.MonkeyPatch, is_disk_full: bool
) -> None:
    """R27: also where what the silent one has sent cannot be kept."""
    monkeypatch.setattr(resumable, "SILENT_SECONDS", 0.0)
    monkeypatch.setattr(resumable, "END_SECONDS", 3600.0)
    upload = (await uploads.create(OWNER, 1000, DETAILS)).upload
    holds, has_to_go = asyncio.Event(), asyncio.Event()

    def full(*_: object) -> None:
        raise InsufficientStorage("The disk is full.")

    async def silent() -> None:
        async with uploads.append(upload.id, OWNER, 0, give_way=has_to_go.set) as piece:
            await piece.write(b"a" * 10)
            holds.set()
            await has_to_go.wait()
            if is_disk_full:
                monkeypatch.setattr(LocalUploadFile, "write", full)

    first = asyncio.create_task(silent())
    await holds.wait()
    kept = 0 if is_disk_full else 10
    async with asyncio.timeout(60):
        async with uploads.append(upload.id, OWNER, kept) as piece:
            await asyncio.wait([first])
            monkeypatch.undo()
            await piece.write(b"b" * 10)
            await piece.finish()
    assert isinstance(first.exception(), InsufficientStorage) == is_disk_full
    assert (await uploads.progress(upload.id, OWNER)).offset == kept + 10
