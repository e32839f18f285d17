"""Uploads that come in several requests, each in a folder of its own.

::

    <root>/uploads/<id>/film      the bytes received so far; moved to ``sources`` in the end
    <root>/uploads/<id>/record    ``ResumableUpload`` as JSON; replaced by renaming
    <root>/uploads/<id>/lock      locked (``flock(2)``) by whoever writes to the upload
    <root>/uploads/.gone-<random>/  being deleted

Nothing else knows of an upload: every server process that sees the folder sees all of it, also
after a restart. Ids are random and made here.
"""

import fcntl
import json
import os
import re
import secrets
import shutil
import threading
import time
from collections.abc import Collection, Iterator, Sequence
from contextlib import suppress
from dataclasses import asdict
from pathlib import Path

import structlog

from videoflix.adapters.disk import (
    create_private,
    full_disk_translated,
    still_to_come,
)
from videoflix.adapters.upload_file import LocalUploadFile
from videoflix.durable import sync_folder
from videoflix.errors import Busy
from videoflix.models import VideoDetails
from videoflix.ports import OpenUpload, ResumableUpload, UploadFile, UploadState

_FILM, _RECORD, _LOCK = "film", "record", "lock"
_NEW = "record.new"
_ID = re.compile("[0-9a-f]{32}")
_GONE = ".gone-"

_log = structlog.get_logger(__name__)


def _read(folder: Path) -> ResumableUpload | None:
    """None where there is no record, or one that says nothing: nobody can go on with such an
    upload, and it expires like others. A disk that fails is an OSError, and may be mended."""
    try:
        values = json.loads((folder / _RECORD).read_bytes())
        return ResumableUpload(**{**values, "details": VideoDetails(**values["details"])})
    except FileNotFoundError:
        return None
    except (ValueError, TypeError, LookupError, RecursionError) as error:
        _log.warning("upload's record makes no sense", upload=folder.name, reason=repr(error))
        return None


def _remove(folder: Path) -> None:
    """In one step: whoever looks meanwhile finds all of it, or nothing that could be locked or
    gone on with."""
    gone = folder.with_name(_GONE + secrets.token_hex(8))
    with suppress(FileNotFoundError):
        folder.rename(gone)
        shutil.rmtree(gone, ignore_errors=True)


class LocalOpenUpload:
    """See ``ports.OpenUpload``. ``lock`` is a descriptor that holds the folder's lock."""

    def __init__(self, folder: Path, lock: int, upload: ResumableUpload) -> None:
        self._folder = folder
        self._lock: int | None = lock
        self._mutex = threading.Lock()
        self._film: LocalUploadFile | None = None
        self.upload = upload

    @property
    def film(self) -> UploadFile | None:
        return self._film

    def make_film(self) -> None:
        self._film = LocalUploadFile(self._folder / _FILM)

    def open_film(self) -> None:
        with suppress(FileNotFoundError):
            self._film = LocalUploadFile(self._folder / _FILM, is_new=False)

    def save(self, upload: ResumableUpload) -> None:
        new = self._folder / _NEW
        with full_disk_translated():
            new.unlink(missing_ok=True)
            with os.fdopen(create_private(new), "w", encoding="utf-8") as file:
                json.dump(asdict(upload), file)
                file.flush()
                os.fsync(file.fileno())
            new.replace(self._folder / _RECORD)
            sync_folder(self._folder)
        self.upload = upload

    def truncate(self, size: int) -> None:
        if self._film is not None:
            self._film.truncate(size)

    def close(self) -> None:
        with self._mutex:
            if self._lock is None:
                return
            if self._film is not None:
                self._film.close()
            os.close(self._lock)
            self._lock = None

    def delete(self) -> None:
        _remove(self._folder)
        self.close()


class LocalResumableStore:
    """See ``ports.ResumableStore``."""

    def __init__(self, root: Path) -> None:
        self._root = root / "uploads"

    def create(self, upload: ResumableUpload) -> OpenUpload:
        folder = self._root / upload.id
        with full_disk_translated():
            folder.mkdir(mode=0o700, parents=True)
            lock = _locked(folder)
            assert lock is not None  # noqa: S101 - nobody else knows of the folder
            opened = LocalOpenUpload(folder, lock, upload)
            try:
                opened.make_film()
                opened.save(upload)
                sync_folder(self._root)
            except BaseException:
                opened.delete()
                raise
        return opened

    def find(self, upload_id: str) -> UploadState | None:
        folder = self._folder(upload_id)
        upload = None if folder is None else _read(folder)
        if folder is None or upload is None:
            return None
        stored = None
        with suppress(FileNotFoundError):
            stored = (folder / _FILM).stat().st_size
        return UploadState(upload, stored, _touched(folder))

    def open(self, upload_id: str) -> OpenUpload | None:
        folder = self._folder(upload_id)
        lock = None if folder is None else _locked(folder)
        if folder is None or lock is None:
            return None
        try:
            # Read under the lock: it may have been deleted by whoever had it before.
            upload = _read(folder)
            if upload is None:
                os.close(lock)
                return None
            opened = LocalOpenUpload(folder, lock, upload)
            opened.open_film()
        except BaseException:
            os.close(lock)
            raise
        return opened

    def claimed(self) -> Collection[int]:
        return {upload.video_id for _, upload in self._unfinished() if upload.video_id is not None}

    def promised_bytes(self) -> int:
        promised = 0
        for folder, upload in self._unfinished():
            with suppress(FileNotFoundError):  # moved away: complete
                promised += still_to_come(upload.size, (folder / _FILM).stat())
        return promised

    def sweep(self, age: float) -> int:
        oldest = time.time() - age
        swept = 0
        for folder in self._folders():
            with suppress(Busy, FileNotFoundError):
                lock = _locked(folder)
                if lock is None:
                    continue
                try:
                    if _touched(folder) < oldest:
                        _remove(folder)
                        swept += 1
                finally:
                    os.close(lock)
        for gone in self._root.glob(f"{_GONE}*"):
            shutil.rmtree(gone, ignore_errors=True)
        return swept

    def _unfinished(self) -> Iterator[tuple[Path, ResumableUpload]]:
        for folder in self._folders():
            upload = _read(folder)
            if upload is not None and not upload.is_done:
                yield folder, upload

    def _folders(self) -> Sequence[Path]:
        found = [path for path in self._root.iterdir() if _ID.fullmatch(path.name)]
        return [path for path in found if path.is_dir()]

    def _folder(self, upload_id: str) -> Path | None:
        """Only what is made here is ever a part of a path."""
        return self._root / upload_id if _ID.fullmatch(upload_id) else None


def _locked(folder: Path) -> int | None:
    """A descriptor that holds the folder's lock; None where there is no folder. Raises Busy."""
    try:
        lock = os.open(folder / _LOCK, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    except FileNotFoundError:
        return None
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError as error:
        os.close(lock)
        raise Busy("Somebody is writing to this upload at this moment.") from error
    return lock


def _touched(folder: Path) -> float:
    times = [folder.stat().st_mtime]
    for name in (_FILM, _RECORD):
        with suppress(FileNotFoundError):
            times.append((folder / name).stat().st_mtime)
    return max(times)
