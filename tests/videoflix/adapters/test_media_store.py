"""Folders and files of films: private, moved in one step, never overwritten."""

import os
import stat
import threading
from pathlib import Path

import pytest

from videoflix.adapters.disk import full_disk_translated
from videoflix.adapters.media_store import LocalMediaStore
from videoflix.errors import InsufficientStorage

HOUR = 3600.0


@pytest.fixture
def media(tmp_path: Path) -> LocalMediaStore:
    store = LocalMediaStore(tmp_path / "var")
    store.prepare()
    return store


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def received(media: LocalMediaStore, video_id: int, data: bytes = b"film") -> None:
    upload = media.open_upload()
    upload.write(data)
    upload.sync()
    media.install_source(upload, video_id)
    upload.discard()


def age(path: Path, seconds: float) -> None:
    moment = path.stat().st_mtime - seconds
    os.utime(path, (moment, moment))


def test_layout_and_modes(media: LocalMediaStore, tmp_path: Path) -> None:
    root = tmp_path / "var"
    received(media, 7)
    assert media.source(7) == root / "sources/7/source"
    assert media.title(7, "abc") == root / "titles/7/abc"
    assert media.thumbnail(7) == root / "thumbnails/video_7.jpg"
    assert media.source(7).read_bytes() == b"film"
    assert mode(media.source(7)) == 0o600
    for folder in (root, *(path for path in root.rglob("*") if path.is_dir())):
        assert mode(folder) == 0o700, folder
    assert list((root / "uploads").iterdir()) == []
    assert media.free_bytes() > 0


def test_a_source_is_never_overwritten(media: LocalMediaStore) -> None:
    """R46"""
    received(media, 1, b"first")
    upload = media.open_upload()
    upload.write(b"second")
    upload.sync()
    with pytest.raises(FileExistsError):
        media.install_source(upload, 1)
    assert media.source(1).read_bytes() == b"first"
    assert upload.path.read_bytes() == b"second"
    upload.discard()
    assert not upload.path.exists()


def test_a_discarded_upload_is_gone_and_takes_no_more(media: LocalMediaStore) -> None:
    upload = media.open_upload()
    upload.write(b"x")
    upload.discard()
    upload.discard()
    assert not upload.path.exists()
    with pytest.raises(ValueError, match="closed"):
        upload.write(b"y")


def test_reserved_space_is_used_up_by_writing_and_the_rest_given_back(
    media: LocalMediaStore,
) -> None:
    """R29"""
    upload = media.open_upload()
    if not upload.reserve(8 * 1024 * 1024):
        pytest.skip("this file system cannot reserve space")
    assert upload.path.stat().st_size == 0
    assert upload.path.stat().st_blocks * 512 >= 8 * 1024 * 1024
    upload.write(b"film")
    upload.sync()
    assert upload.path.read_bytes() == b"film"
    assert upload.path.stat().st_blocks * 512 < 1024 * 1024
    upload.discard()


def test_space_that_does_not_exist_cannot_be_reserved(media: LocalMediaStore) -> None:
    """R29"""
    upload = media.open_upload()
    if not upload.reserve(4096):
        pytest.skip("this file system cannot reserve space")
    with pytest.raises((InsufficientStorage, OSError)):
        upload.reserve(1 << 62)
    upload.discard()


def test_a_full_disk_is_said_so_and_other_errors_are_not_hidden() -> None:
    with full_disk_translated(), Path("/dev/null").open("wb") as sink:
        sink.write(b"fits")
    with (
        pytest.raises(InsufficientStorage),
        full_disk_translated(),
        Path("/dev/full").open("wb", buffering=0) as full,
    ):
        full.write(b"does not fit")
    with pytest.raises(FileNotFoundError), full_disk_translated():
        Path("/nowhere").read_bytes()


def test_writes_of_several_threads_and_a_discard_exclude_one_another(
    media: LocalMediaStore,
) -> None:
    """A descriptor closed under a write would hit whatever file gets its number next."""
    upload = media.open_upload()
    refused = []

    def write() -> None:
        try:
            while True:
                upload.write(b"x" * 100_000)
        except ValueError as error:
            refused.append(error)

    threads = [threading.Thread(target=write) for _ in range(3)]
    for thread in threads:
        thread.start()
    while upload.size < 1_000_000:
        pass
    upload.discard()
    for thread in threads:
        thread.join()
    assert len(refused) == 3


def test_sweep_takes_abandoned_uploads_and_never_active_ones(media: LocalMediaStore) -> None:
    """R30"""
    fresh, active = media.open_upload(), media.open_upload()
    # The end of the process that received it: the lock goes, the file stays.
    abandoned = fresh.path.with_name("0" * 32)
    abandoned.write_bytes(b"half a film")
    for path in (abandoned, active.path):
        age(path, 2 * HOUR)
    assert media.sweep_uploads(HOUR) == 1
    assert not abandoned.exists()
    for upload in (fresh, active):
        assert upload.path.exists()
        upload.discard()


def test_only_unconfirmed_sources_can_be_discarded(media: LocalMediaStore) -> None:
    """R46"""
    received(media, 1)
    received(media, 2)
    media.confirm_source(1)
    media.confirm_source(1)
    assert list(media.unconfirmed_sources(HOUR)) == []
    age(media.source(2).with_name("unconfirmed"), 2 * HOUR)
    assert list(media.unconfirmed_sources(HOUR)) == [2]
    media.discard_source(1)
    media.discard_source(2)
    assert media.source(1).read_bytes() == b"film"
    assert not media.source(2).parent.exists()


def test_titles_come_from_workspaces_and_are_known_by_name(
    media: LocalMediaStore,
) -> None:
    for generation in ("old", "new"):
        workspace = media.open_workspace(3, generation)
        (workspace / "output").mkdir()
        (workspace / "output" / "manifest.json").write_text(generation)
        media.install_title(workspace / "output", 3, generation)
        media.close_workspace(3, generation)
    media.open_workspace(3, "dead")
    assert media.title(3, "old").is_dir()
    assert set(media.generations(3)) == {"old", "new", "dead"}
    media.close_workspace(3, "dead")
    media.discard_title(3, "old")
    assert sorted(path.name for path in media.title(3, "new").parent.iterdir()) == ["new"]
    assert (media.title(3, "new") / "manifest.json").read_text() == "new"
    media.discard_title(3, "new")
    assert not media.title(3, "new").parent.exists()
    assert not media.generations(3)


def test_a_source_that_is_given_up_goes_with_its_folder(media: LocalMediaStore) -> None:
    received(media, 1)
    received(media, 2)
    media.confirm_source(1)
    media.delete_source(1)
    media.delete_source(1)
    assert not media.source(1).parent.exists()
    assert media.source(2).exists()


def test_thumbnail_is_replaced_in_one_step(media: LocalMediaStore, tmp_path: Path) -> None:
    for text in ("one", "two"):
        picture = tmp_path / "picture"
        picture.write_text(text)
        media.install_thumbnail(picture, 5)
        assert media.thumbnail(5).read_text() == text
    assert [path.name for path in media.thumbnail(5).parent.iterdir()] == ["video_5.jpg"]
