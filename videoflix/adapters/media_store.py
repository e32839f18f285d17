"""Films, titles and pictures in folders of one local (or shared) file system.

::

    <root>/uploads/<random>.<size>       being received, up to ``size`` bytes; swept when abandoned
    <root>/uploads/<random>/             the same in several requests (``resumable_store``)
    <root>/sources/<id>/source           the film as it was uploaded, kept unless given up
    <root>/sources/<id>/unconfirmed      there until the record is known to exist
    <root>/titles/<id>/<generation>/     one verified encode, never changed in place
    <root>/titles/<id>/.tmp-<generation>/  one attempt to make it
    <root>/{sources,titles}/.gone-<random>/  being deleted
    <root>/thumbnails/video_<id>.jpg

No name in these paths comes from a client. Everything is moved into place by renaming, so all of
``root`` must be one file system.
"""

import fcntl
import re
import secrets
import shutil
import time
from collections.abc import Collection, Sequence
from contextlib import suppress
from pathlib import Path

from videoflix.adapters.disk import (
    bytes_below,
    copy_durably,
    full_disk_translated,
    still_to_come,
)
from videoflix.adapters.upload_file import LocalUploadFile
from videoflix.durable import sync_folder
from videoflix.ports import MediaUsage, UploadFile

_TEMPORARY = ".tmp-"
_GONE = ".gone-"
_UNCONFIRMED = "unconfirmed"
_UPLOAD = re.compile(r"[0-9a-f]{32}\.[0-9]+")


def _private(folder: Path) -> Path:
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    return folder


def _is_active(path: Path) -> bool:
    """Whether a process holds the file open as an upload."""
    with path.open("rb") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except BlockingIOError:
            return True
    return False


class LocalMediaStore:
    """See ``ports.MediaStore``, ``SourceStore`` and ``TitleStore``. All methods block."""

    def __init__(self, root: Path) -> None:
        self._root = root
        self._uploads = root / "uploads"
        self._sources = root / "sources"
        self._titles = root / "titles"
        self._thumbnails = root / "thumbnails"

    def prepare(self) -> None:
        """Make the folders, mode 700, where they are missing. Raises OSError."""
        for folder in (self._root, self._uploads, self._sources, self._titles, self._thumbnails):
            _private(folder)

    def source(self, video_id: int) -> Path:
        return self._sources / f"{video_id:d}" / "source"

    def title(self, video_id: int, generation: str) -> Path:
        return self._titles / f"{video_id:d}" / generation

    def thumbnail(self, video_id: int) -> Path:
        return self._thumbnails / f"video_{video_id:d}.jpg"

    def free_bytes(self) -> int:
        return shutil.disk_usage(self._root).free

    def usage(self) -> MediaUsage:
        disk = shutil.disk_usage(self._root)
        return MediaUsage(
            total=disk.total,
            free=disk.free,
            sources=bytes_below(self._sources),
            titles=bytes_below(self._titles) + bytes_below(self._root / "parts"),
            uploads=bytes_below(self._uploads),
        )

    # -- sources

    def open_upload(self, size: int = 0) -> UploadFile:
        name = f"{secrets.token_hex(16)}.{size:d}"
        with full_disk_translated():
            return LocalUploadFile(_private(self._uploads) / name)

    def promised_bytes(self) -> int:
        promised = 0
        for path in self._uploads.iterdir():
            if _UPLOAD.fullmatch(path.name):
                with suppress(FileNotFoundError):
                    promised += still_to_come(int(path.suffix[1:]), path.stat())
        return promised

    def install_source(self, upload: UploadFile, video_id: int) -> None:
        target = self.source(video_id)
        with full_disk_translated():
            target.parent.mkdir(mode=0o700)
            (target.parent / _UNCONFIRMED).touch(mode=0o600)
            upload.path.rename(target)
            sync_folder(target.parent)
            sync_folder(self._sources)

    def confirm_source(self, video_id: int) -> None:
        folder = self.source(video_id).parent
        with suppress(FileNotFoundError):
            (folder / _UNCONFIRMED).unlink()
            sync_folder(folder)

    def discard_source(self, video_id: int) -> None:
        folder = self.source(video_id).parent
        if (folder / _UNCONFIRMED).exists():
            self.thumbnail(video_id).unlink(missing_ok=True)
            self.source(video_id).unlink(missing_ok=True)
            shutil.rmtree(folder)

    def unconfirmed_sources(self, age: float) -> Sequence[int]:
        oldest = time.time() - age
        found = []
        for mark in self._sources.glob(f"*/{_UNCONFIRMED}"):
            with suppress(FileNotFoundError):
                if mark.parent.name.isdecimal() and mark.stat().st_mtime < oldest:
                    found.append(int(mark.parent.name))
        return sorted(found)

    def delete_source(self, video_id: int) -> None:
        folder = self.source(video_id).parent
        with suppress(FileNotFoundError):
            shutil.rmtree(folder)
            sync_folder(self._sources)

    def sweep_uploads(self, age: float) -> int:
        oldest = time.time() - age
        swept = 0
        for path in list(self._uploads.iterdir()):
            with suppress(FileNotFoundError):
                if path.is_dir():
                    continue  # of an upload in several requests (``resumable_store``)
                if path.stat().st_mtime < oldest and not _is_active(path):
                    path.unlink()
                    swept += 1
        return swept

    # -- titles

    def _workspace(self, video_id: int, generation: str) -> Path:
        return self._titles / f"{video_id:d}" / (_TEMPORARY + generation)

    def open_workspace(self, video_id: int, generation: str) -> Path:
        workspace = self._workspace(video_id, generation)
        with full_disk_translated():
            _private(workspace.parent)
            workspace.mkdir(mode=0o700)
        return workspace

    def close_workspace(self, video_id: int, generation: str) -> None:
        shutil.rmtree(self._workspace(video_id, generation), ignore_errors=True)

    def install_title(self, output: Path, video_id: int, generation: str) -> None:
        target = self.title(video_id, generation)
        with full_disk_translated():
            output.rename(target)
            sync_folder(target.parent)
            sync_folder(self._titles)

    def discard_title(self, video_id: int, generation: str) -> None:
        title = self.title(video_id, generation)
        shutil.rmtree(title, ignore_errors=True)
        with suppress(OSError):  # there are other generations
            title.parent.rmdir()

    def generations(self, video_id: int) -> Collection[str]:
        folder = self._titles / f"{video_id:d}"
        try:
            return frozenset(path.name.removeprefix(_TEMPORARY) for path in folder.iterdir())
        except FileNotFoundError:
            return frozenset()

    def delete_film(self, video_id: int) -> None:
        parents = (self._sources, self._titles)
        for parent in parents:
            with suppress(FileNotFoundError):
                # Out of the way of whoever still writes there.
                (parent / f"{video_id:d}").rename(parent / (_GONE + secrets.token_hex(8)))
                sync_folder(parent)
        self.thumbnail(video_id).unlink(missing_ok=True)
        for gone in (path for parent in parents for path in parent.glob(f"{_GONE}*")):
            shutil.rmtree(gone, ignore_errors=True)

    # -- pictures

    def install_thumbnail(self, picture: Path, video_id: int) -> None:
        temporary = _private(self._thumbnails) / (_TEMPORARY + secrets.token_hex(8))
        with full_disk_translated():
            try:
                copy_durably(picture, temporary)
                temporary.replace(self.thumbnail(video_id))
            finally:
                temporary.unlink(missing_ok=True)
            sync_folder(self._thumbnails)
