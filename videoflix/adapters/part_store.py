"""Parts of films that are encoded in chunks, in folders beside the titles.

::

    <root>/parts/<id>/<plan>/plan/         the plan: written once
    <root>/parts/<id>/<plan>/whole         there when the film turned out to need encoding whole
    <root>/parts/<id>/<plan>/<name>/       a finished part, never changed
    <root>/parts/<id>/<plan>/.tmp-<name>/  one attempt to make it
    <root>/parts/.gone-<random>            being deleted
"""

import errno
import secrets
import shutil
from collections.abc import Collection
from contextlib import suppress
from pathlib import Path

from videoflix.adapters.disk import full_disk_translated
from videoflix.durable import sync_folder

_TEMPORARY = ".tmp-"
_GONE = ".gone-"
_PLAN = "plan"
_WHOLE = "whole"
_THERE = frozenset({errno.EEXIST, errno.ENOTEMPTY})


class LocalPartStore:
    """Implements ``videoflix.ports.PartStore``."""

    def __init__(self, root: Path) -> None:
        self._parts = root / "parts"

    def _folder(self, video_id: int, plan: str) -> Path:
        return self._parts / f"{video_id:d}" / plan

    def plan(self, video_id: int, plan: str) -> Path:
        return self._folder(video_id, plan) / _PLAN

    def part(self, video_id: int, plan: str, name: str) -> Path:
        return self._folder(video_id, plan) / name

    def open_workspace(self, video_id: int, plan: str, name: str) -> Path:
        workspace = self._folder(video_id, plan) / (_TEMPORARY + name)
        with full_disk_translated():
            # Not the folders above it: the plan lies there, or the film is no longer encoded.
            workspace.mkdir(mode=0o700)
        return workspace

    def close_workspace(self, video_id: int, plan: str, name: str) -> None:
        shutil.rmtree(self._folder(video_id, plan) / (_TEMPORARY + name), ignore_errors=True)

    def install_plan(self, folder: Path, video_id: int, plan: str) -> None:
        self._folder(video_id, plan).mkdir(mode=0o700, parents=True, exist_ok=True)
        try:
            self._install(folder, self.plan(video_id, plan))
        except OSError as error:
            if error.errno not in _THERE:
                raise

    def install_part(self, folder: Path, video_id: int, plan: str, name: str) -> None:
        self._install(folder, self.part(video_id, plan, name))

    def _install(self, folder: Path, target: Path) -> None:
        with full_disk_translated():
            folder.rename(target)
            for parent in (target.parent, target.parent.parent, self._parts):
                sync_folder(parent)

    def discard_part(self, video_id: int, plan: str, name: str) -> None:
        shutil.rmtree(self.part(video_id, plan, name), ignore_errors=True)

    def mark_whole(self, video_id: int, plan: str) -> None:
        folder = self._folder(video_id, plan)
        with full_disk_translated():
            folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            (folder / _WHOLE).touch()
            sync_folder(folder)
        for path in folder.iterdir():
            if path.name not in (_WHOLE, _PLAN):
                shutil.rmtree(path, ignore_errors=True)

    def is_whole(self, video_id: int, plan: str) -> bool:
        return (self._folder(video_id, plan) / _WHOLE).exists()

    def films(self) -> Collection[int]:
        with suppress(FileNotFoundError):
            return {int(path.name) for path in self._parts.iterdir() if path.name.isdecimal()}
        return frozenset()

    def discard(self, video_id: int, keep: str | None = None) -> None:
        film = self._parts / f"{video_id:d}"
        with suppress(FileNotFoundError):
            for path in list(film.iterdir()) if keep else [film]:
                if path.name != keep:
                    # In one step: who comes later begins anew, whatever is still being deleted.
                    path.rename(self._parts / (_GONE + secrets.token_hex(8)))
        for gone in self._parts.glob(f"{_GONE}*"):
            shutil.rmtree(gone, ignore_errors=True)
