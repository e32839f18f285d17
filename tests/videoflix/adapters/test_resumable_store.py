"""Uploads in several requests, on the disk: what is damaged costs no other, what is deleted is
deleted in one step."""

import threading
import time
from pathlib import Path

import pytest

from videoflix.adapters.resumable_store import LocalResumableStore
from videoflix.errors import Busy
from videoflix.models import VideoDetails
from videoflix.ports import ResumableUpload

DETAILS = VideoDetails("A film")
MiB = 1024 * 1024
EXTRA_FILES = 3000  # so that deleting takes a while


@pytest.fixture
def store(tmp_path: Path) -> LocalResumableStore:
    (tmp_path / "uploads").mkdir()
    return LocalResumableStore(tmp_path)


def folder_of(tmp_path: Path, number: int) -> Path:
    return tmp_path / "uploads" / f"{number:032x}"


def add(store: LocalResumableStore, number: int, *, size: int = 1, video: int | None = None) -> str:
    upload = ResumableUpload(f"{number:032x}", 1, size, DETAILS, video_id=video)
    store.create(upload).close()
    return upload.id


@pytest.mark.parametrize(
    "record", [b"", b"{", b"[]", b"{}", b'{"details": 1}', b"\xff", b"[" * 9999]
)
def test_a_record_that_makes_no_sense_costs_its_own_upload_alone(
    store: LocalResumableStore, tmp_path: Path, record: bytes
) -> None:
    damaged, good = add(store, 1, video=7), add(store, 2, size=MiB, video=8)
    (folder_of(tmp_path, 1) / "record").write_bytes(record)
    assert set(store.claimed()) == {8}
    assert store.promised_bytes() == MiB
    assert store.find(damaged) is None
    assert store.open(damaged) is None
    assert store.find(good) is not None
    assert store.sweep(-1) == 2
    assert list((tmp_path / "uploads").iterdir()) == []


def test_an_upload_is_deleted_in_one_step(store: LocalResumableStore, tmp_path: Path) -> None:
    """Nobody gets hold of what is left of it, and nothing is left."""
    upload_id = add(store, 1)
    for number in range(EXTRA_FILES):
        (folder_of(tmp_path, 1) / f"extra-{number}").touch()
    opened = store.open(upload_id)
    assert opened is not None
    got_hold, has_ended = [], threading.Event()

    def look() -> None:
        while not has_ended.is_set():
            try:
                if (again := store.open(upload_id)) is not None:
                    got_hold.append(again)
                    again.close()
            except Busy:
                continue

    looking = threading.Thread(target=look)
    looking.start()
    try:
        time.sleep(0)
        opened.delete()
    finally:
        has_ended.set()
        looking.join()
    assert got_hold == []
    assert list((tmp_path / "uploads").iterdir()) == []


def test_what_a_crash_left_of_a_deletion_goes_with_the_next_sweep(
    store: LocalResumableStore, tmp_path: Path
) -> None:
    kept = add(store, 1)
    gone = tmp_path / "uploads" / ".gone-0123456789abcdef"
    gone.mkdir()
    (gone / "film").touch()
    assert store.sweep(3600) == 0
    assert not gone.exists()
    assert store.find(kept) is not None
