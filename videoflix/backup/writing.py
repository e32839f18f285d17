"""The files of a backup while it is made. All of this blocks on the disk."""

import errno
import json
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import asdict
from pathlib import Path
from typing import BinaryIO

import xxhash

from media_pipeline.errors import DamagedTitle
from media_pipeline.titles.manifest import Manifest
from videoflix.backup.manifest import DATABASE, MEDIA, FileFacts, MediaKind, Note, facts_of
from videoflix.durable import sync_folder
from videoflix.errors import Conflict, InsufficientStorage

_BLOCK = 1024 * 1024
_HIDDEN = "."


class CheckedFile:
    """A new file, mode 600, whose checksum is computed while it is written."""

    def __init__(self, path: Path, name: str) -> None:
        self._name = name
        self._digest = xxhash.xxh3_128()
        self._size = 0
        flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC
        self._file: BinaryIO = os.fdopen(os.open(path, flags, 0o600), "wb")

    def write(self, data: bytes | memoryview) -> None:
        self._digest.update(data)
        self._size += len(data)
        self._file.write(data)

    def finish(self) -> FileFacts:
        """Have it on the disk."""
        self._file.flush()
        os.fsync(self._file.fileno())
        self._file.close()
        return FileFacts(self._name, self._size, self._digest.hexdigest())

    def close(self) -> None:
        self._file.close()


@contextmanager
def checked_file(folder: Path, name: str) -> Iterator[CheckedFile]:
    file = CheckedFile(folder / name, name)
    try:
        yield file
    finally:
        file.close()


@contextmanager
def full_disk_said(folder: Path) -> Iterator[None]:
    """Raise InsufficientStorage for a disk that is full, Conflict for other troubles with it."""
    try:
        yield
    except OSError as error:
        if error.errno in (errno.ENOSPC, errno.EDQUOT):
            raise InsufficientStorage(f"the disk of {folder} is full") from error
        place = error.filename or folder
        raise Conflict(f"{place}: {error.strerror or error}") from error


def private_folders(path: Path) -> None:
    """Make a folder and those above it that are missing, all of them with mode 700."""
    if not path.exists():
        private_folders(path.parent)
        path.mkdir(mode=0o700, exist_ok=True)


def prepare(folder: Path) -> None:
    """Make the folder. Raises Conflict where it holds something."""
    try:
        missing = [each for each in (folder, *folder.parents) if not each.exists()]
        private_folders(folder)
        if next(folder.iterdir(), None) is not None:
            raise Conflict(f"{folder} is not empty: a backup needs a folder of its own")
        folder.chmod(0o700)
        for each in missing:
            sync_folder(each.parent)
    except OSError as error:
        raise Conflict(f"{folder} cannot be used: {error.strerror}") from error


def make_folders(folder: Path) -> None:
    for name in (DATABASE, MEDIA):
        (folder / name).mkdir(mode=0o700)


def clear(folder: Path) -> None:
    """Delete all that is in it."""
    for path in folder.iterdir():
        if path.is_dir():
            shutil.rmtree(path, ignore_errors=True)
        else:
            path.unlink()


def copy_checked(source: Path, target: Path, name: str, note: Note) -> FileFacts:
    """Copy to a new file, mode 600, that is on the disk when this returns; ``note`` gets the bytes
    that were copied, piece by piece. Raises OSError."""
    with source.open("rb", buffering=0) as reader:
        file = CheckedFile(target, name)
        try:
            block = memoryview(bytearray(_BLOCK))
            while count := os.readv(reader.fileno(), [block]):
                file.write(block[:count])
                note(count)
            return file.finish()
        finally:
            file.close()


class FilmFiles:
    """Takes the files of one film after the other into a backup."""

    def __init__(self, folder: Path, kind: MediaKind, note: Note) -> None:
        self._folder = folder / MEDIA
        self._kind = kind
        self._note = note

    def take(self, source: Path, name: str) -> FileFacts | None:
        """None where there is no such file. Raises Conflict, OSError."""
        target = self._folder / name
        try:
            if self._kind is MediaKind.LISTED:
                return facts_of(source, name, self._note)
            private_folders(target.parent)
            if self._kind is MediaKind.COPIED:
                return copy_checked(source, target, name, self._note)
            self._link(source, target)
            return facts_of(target, name, self._note)
        except FileNotFoundError:
            return None

    def _link(self, source: Path, target: Path) -> None:
        try:
            target.hardlink_to(source)
        except FileNotFoundError:
            raise
        except OSError as error:
            raise Conflict(
                f"{target.name} cannot be linked ({error.strerror}): "
                "--link needs a folder on the disk of the storage root"
            ) from error

    def take_title(self, title: Path, name: str) -> list[FileFacts] | None:
        """All of a published title; None where a part of it is not there, or it cannot be read."""
        with suppress(DamagedTitle, FileNotFoundError):
            wanted = {facts.name for facts in Manifest.load(title).files}
            names = sorted(
                path.name for path in title.iterdir() if not path.name.startswith(_HIDDEN)
            )
            found = [self.take(title / each, f"{name}/{each}") for each in names]
            if wanted <= set(names) and None not in found:
                return [facts for facts in found if facts is not None]
        self.drop(name)
        return None

    def drop(self, name: str) -> None:
        """Forget a file or a folder that was taken."""
        target = self._folder / name
        shutil.rmtree(target, ignore_errors=True)
        target.unlink(missing_ok=True)


def list_lines(found: list[FileFacts]) -> bytes:
    """Lines of the media list."""
    return b"".join(json.dumps(asdict(facts)).encode() + b"\n" for facts in found)
