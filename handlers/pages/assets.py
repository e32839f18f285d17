"""Static files: read and compressed once, at the start, and known by a hash of them all.

Their URLs name that hash (``/pages/static/<version>/<name>``), so that modules which import each
other by relative paths always come from the same version, and may be kept for good.
"""

import gzip
import hashlib
import posixpath
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

STATIC = Path(__file__).parent / "static"
MODULES = Path(__file__).parent / "node_modules"
HLS, HLS_WORKER, TUS = "vendor/hls.min.js", "vendor/hls.worker.js", "vendor/tus.min.js"
# What npm installed and pages load; without npm the files are not there.
VENDORED = {
    HLS: "hls.js/dist/hls.min.js",
    HLS_WORKER: "hls.js/dist/hls.worker.js",
    TUS: "tus-js-client/dist/tus.min.js",
}
# A static import of an ES module, as the files here write it.
_IMPORT = re.compile(r"""^import\s[^;]*?["'](\.[^"']+)["'];$""", re.MULTILINE)
TYPES = {
    ".css": "text/css; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".svg": "image/svg+xml",
}


@dataclass(frozen=True, slots=True)
class Asset:
    """One file. ``packed`` is its gzip form (RFC 1952)."""

    media_type: str
    content: bytes
    packed: bytes
    etag: str


class Assets:
    """All files by name. ``version`` changes when any of them does."""

    def __init__(self, files: Mapping[str, Asset]) -> None:
        self._files = dict(files)
        together = "\n".join(f"{name} {self._files[name].etag}" for name in sorted(self._files))
        self.version = hashlib.sha256(together.encode()).hexdigest()[:16]

    @property
    def names(self) -> frozenset[str]:
        return frozenset(self._files)

    def find(self, name: str) -> Asset | None:
        return self._files.get(name)

    def imports(self, entry: str) -> Sequence[str]:
        """The modules that ``entry`` needs, itself not, by their depth."""
        found = [entry]
        for name in found:
            text = self._files[name].content.decode()
            targets = (
                posixpath.normpath(posixpath.join(posixpath.dirname(name), target))
                for target in _IMPORT.findall(text)
            )
            found += [target for target in dict.fromkeys(targets) if target not in found]
        return found[1:]

    def url(self, name: str) -> str:
        """Where a page finds the file; empty where it is not installed."""
        return f"/pages/static/{self.version}/{name}" if name in self._files else ""


def _asset(path: Path) -> Asset:
    content = path.read_bytes()
    return Asset(
        media_type=TYPES[path.suffix],
        content=content,
        packed=gzip.compress(content, mtime=0),
        etag=f'"{hashlib.sha256(content).hexdigest()[:32]}"',
    )


def load_assets(static: Path = STATIC, modules: Path = MODULES) -> Assets:
    """Read all files below ``static``, and of ``modules`` what pages load."""
    paths = {
        path.relative_to(static).as_posix(): path
        for path in static.rglob("*")
        if path.suffix in TYPES
    }
    paths |= {name: modules / place for name, place in VENDORED.items()}
    return Assets({name: _asset(path) for name, path in paths.items() if path.is_file()})
