"""A storage root that is filled from a backup.

::

    <root>/.restore-<random>/   being copied; a killed restoration leaves it, the next deletes it
    <root>/replaced-<time>/     what was there before
"""

import secrets
import shutil
from collections.abc import Callable, Sequence
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path

from videoflix.durable import sync_folder, sync_tree

_STAGING = ".restore-"
_KEPT = ("sources", "titles", "thumbnails")
_OF_THE_MOMENT = ("parts", "uploads", "cache")  # of films that are replaced


class LocalMediaIntake:
    """Implements ``videoflix.ports.MediaIntake``."""

    def __init__(self, root: Path) -> None:
        self._root = root

    def in_the_way(self) -> Sequence[str]:
        return [f"files in {self._root / name}" for name in _KEPT if self._entries(name)]

    def free_bytes(self) -> int:
        return shutil.disk_usage(self._root).free

    def place(self, path: str) -> Path:
        return self._root / path

    def open_staging(self) -> Path:
        self.discard()
        staging = self._root / (_STAGING + secrets.token_hex(8))
        staging.mkdir(mode=0o700)
        return staging

    def install(self, staging: Path, note: Callable[[str], None]) -> None:
        sync_tree(staging)
        aside = self._root / f"replaced-{datetime.now(UTC):%Y%m%dT%H%M%SZ}-{secrets.token_hex(2)}"
        for name in (*_KEPT, *_OF_THE_MOMENT):
            if self._entries(name):
                aside.mkdir(mode=0o700, exist_ok=True)
                (self._root / name).rename(aside / name)
                note(str(aside / name))
        if aside.exists():
            sync_folder(aside)
        for name in _KEPT:
            target = self._root / name
            target.mkdir(mode=0o700, exist_ok=True)
            for path in self._entries(name, staging):
                path.rename(target / path.name)
            sync_folder(target)
        (self._root / "uploads").mkdir(mode=0o700, exist_ok=True)
        sync_folder(self._root)

    def discard(self) -> None:
        for staging in self._root.glob(f"{_STAGING}*"):
            shutil.rmtree(staging, ignore_errors=True)

    def _entries(self, name: str, folder: Path | None = None) -> list[Path]:
        with suppress(FileNotFoundError):
            return list(((folder or self._root) / name).iterdir())
        return []
