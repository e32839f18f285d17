"""The storage root, looked at from outside.

::

    <root>/quarantine/<time>/<path>   what belonged to no record
    <root>/reconcile.lock             when it was last compared with the records, at a start
"""

import shutil
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path

from videoflix.adapters.lock_files import locked
from videoflix.durable import sync_folder
from videoflix.ports.inventory import FilmTraces

_TEMPORARY = ".tmp-"
_LEFT = ("sources/.gone-*", "titles/.gone-*", "parts/.gone-*", "thumbnails/.tmp-*", ".restore-*")


def _names(folder: Path) -> list[str]:
    with suppress(FileNotFoundError, NotADirectoryError):
        return sorted(path.name for path in folder.iterdir())
    return []


class LocalInventory:
    """Implements ``videoflix.ports.Inventory``."""

    def __init__(self, root: Path) -> None:
        self._root = root
        self._stamp = f"{datetime.now(UTC):%Y%m%dT%H%M%SZ}"

    def paths(self) -> Mapping[int, Sequence[str]]:
        found: dict[int, list[str]] = {}
        for parent in ("sources", "titles"):
            for name in _names(self._root / parent):
                if name.isdecimal():
                    found.setdefault(int(name), []).append(f"{parent}/{name}")
        for name in _names(self._root / "thumbnails"):
            number = name.removeprefix("video_").removesuffix(".jpg")
            if number.isdecimal():
                found.setdefault(int(number), []).append(f"thumbnails/{name}")
        return found

    def film(self, video_id: int) -> FilmTraces:
        source = self._root / "sources" / str(video_id)
        size = None
        with suppress(FileNotFoundError):
            size = (source / "source").stat().st_size
        names = _names(self._root / "titles" / str(video_id))
        spaces = frozenset(name for name in names if name.startswith(_TEMPORARY))
        return FilmTraces(
            source_size=size,
            is_unconfirmed=(source / "unconfirmed").exists(),
            generations=frozenset(names) - spaces,
            workspaces=frozenset(name.removeprefix(_TEMPORARY) for name in spaces),
            has_thumbnail=(self._root / "thumbnails" / f"video_{video_id}.jpg").exists(),
        )

    def title(self, video_id: int, generation: str) -> Path:
        return self._root / "titles" / str(video_id) / generation

    def age(self, path: str) -> float:
        place = self._root / path
        newest = 0.0
        with suppress(FileNotFoundError):
            for each in (place, *(place.iterdir() if place.is_dir() else ())):
                newest = max(newest, each.stat().st_mtime)
            return time.time() - newest
        return 0.0

    def leftovers(self) -> Sequence[str]:
        return sorted(
            str(path.relative_to(self._root))
            for pattern in _LEFT
            for path in self._root.glob(pattern)
        )

    def set_aside(self, path: str) -> str:
        target = self._root / "quarantine" / self._stamp / path
        for parent in reversed(target.relative_to(self._root).parents):
            (self._root / parent).mkdir(mode=0o700, exist_ok=True)
        (self._root / path).rename(target)
        sync_folder(target.parent)
        sync_folder((self._root / path).parent)
        return str(target.relative_to(self._root))

    def delete(self, path: str) -> None:
        place = self._root / path
        if place.is_dir():
            shutil.rmtree(place, ignore_errors=True)
        else:
            place.unlink(missing_ok=True)

    def take_turn(self, seconds: float) -> bool:
        mark = self._root / "reconcile.lock"
        with locked(mark, wait=False) as is_mine, suppress(FileNotFoundError):
            # Who opened it for the first time has made it: an empty file is nobody's turn.
            if not is_mine or (mark.stat().st_size and self.age(mark.name) < seconds):
                return False
            mark.write_text("The last comparison at a start.\n", encoding="utf-8")
            return True
        return False
