"""Playlists and other texts: made once, kept in memory within a budget."""

import gzip
from collections import OrderedDict
from dataclasses import dataclass
from typing import Self

import xxhash

_LEAST = 600  # bytes below which compression saves no packet
_LEVEL = 6


@dataclass(frozen=True, slots=True)
class Document:
    """A text and its entity tag; ``compressed`` is None where gzip saves nothing.

    The compressed form is a representation of its own, with a tag of its own (RFC 9110 §8.8.3).
    """

    content: bytes
    etag: str
    compressed: bytes | None

    @classmethod
    def of(cls, text: str) -> Self:
        content = text.encode()
        compressed = None
        if len(content) >= _LEAST:
            # Without a time: the same text gives the same bytes.
            compressed = gzip.compress(content, _LEVEL, mtime=0)
        return cls(content, f'"{xxhash.xxh3_64_hexdigest(content)}"', compressed)

    @property
    def compressed_etag(self) -> str:
        return f'{self.etag[:-1]}-gzip"'

    @property
    def size(self) -> int:
        """Bytes in memory."""
        return len(self.content) + len(self.compressed or b"")


class DocumentShelf:
    """Documents by key, ``max_bytes`` of them: those used least recently go first."""

    def __init__(self, max_bytes: int) -> None:
        self._max_bytes = max_bytes
        self._bytes = 0
        self._documents: OrderedDict[tuple[object, ...], Document] = OrderedDict()

    def find(self, key: tuple[object, ...]) -> Document | None:
        found = self._documents.get(key)
        if found is not None:
            self._documents.move_to_end(key)
        return found

    def keep(self, key: tuple[object, ...], document: Document) -> None:
        replaced = self._documents.pop(key, None)
        self._bytes += document.size - (replaced.size if replaced else 0)
        self._documents[key] = document
        while self._bytes > self._max_bytes and self._documents:
            _, dropped = self._documents.popitem(last=False)
            self._bytes -= dropped.size
