"""Clips that are made once for a whole test session, also when it runs in several processes."""

import fcntl
import hashlib
import os
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from tests.clips.generate import make_clip
from tests.clips.spec import ClipFacts, ClipSpec


class ClipCache:
    """A folder of things that are slow to make. What it hands out must not be changed."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        folder.mkdir(parents=True, exist_ok=True)

    def clip(
        self, spec: ClipSpec | None = None, *, suffix: str = ".mp4", **fields: Any
    ) -> ClipFacts:
        """The clip of this specification (``fields`` as in ``make_clip``)."""
        spec = replace(spec or ClipSpec(), **fields)
        path = self.once(repr(spec), lambda target: _make(target, suffix, spec), suffix=suffix)
        return ClipFacts.of(path, spec)

    def once(self, key: str, make: Callable[[Path], object], *, suffix: str = "") -> Path:
        """The file or folder that ``make`` writes to the path it is given, made by the first
        process that asks for ``key`` while the others wait. A failure leaves nothing, and the
        next one tries again."""
        name = hashlib.sha256(f"{key}{suffix}".encode()).hexdigest()[:24]
        path = self.folder / f"{name}{suffix}"
        with self._locked(name):
            if not path.exists():
                unfinished = self.folder / f"{name}.{os.getpid()}.part{suffix}"
                try:
                    make(unfinished)
                    unfinished.rename(path)
                finally:
                    _remove(unfinished)
        return path

    @contextmanager
    def _locked(self, name: str) -> Iterator[None]:
        with (self.folder / f"{name}.lock").open("w") as file:
            fcntl.flock(file, fcntl.LOCK_EX)
            yield


def _make(target: Path, suffix: str, spec: ClipSpec) -> None:
    assert target.suffix == suffix
    make_clip(target, spec)


def _remove(path: Path) -> None:
    if path.is_dir():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)


@pytest.fixture(scope="session")
def clip_cache(tmp_path_factory: pytest.TempPathFactory) -> ClipCache:
    """Shared by all processes of a run under pytest-xdist, whose own folders lie side by side."""
    folder = tmp_path_factory.getbasetemp()
    if "PYTEST_XDIST_WORKER" in os.environ:
        folder = folder.parent
    return ClipCache(folder / "clips")
