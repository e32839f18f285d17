"""Byte ranges of a title's files that are checked before any of them is given away."""

import os
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

import xxhash

from media_pipeline.errors import DamagedTitle
from media_pipeline.tables import read_exactly

_BLOCK = 256 * 1024


@dataclass(frozen=True, slots=True)
class Piece:
    """Consecutive bytes of a file and their XXH3 checksum."""

    size: int
    xxh3: int


@dataclass(frozen=True, slots=True)
class Part:
    """The bytes of ``path`` from ``offset`` on that ``pieces`` are made of."""

    path: Path
    offset: int
    pieces: tuple[Piece, ...]

    @property
    def size(self) -> int:
        return sum(piece.size for piece in self.pieces)

    def open(self, first: int, end: int) -> BinaryIO:
        """The file, standing at byte ``first`` of the part, to be read up to ``end``.

        Every piece that the range touches is read and checked before this returns. What is read
        again afterwards comes from the kernel's memory. Raises DamagedTitle.
        """
        try:
            file = self.path.open("rb", buffering=0)
        except OSError as error:
            raise DamagedTitle(f"{self.path.name} cannot be opened") from error
        try:
            self._check(file.fileno(), first, end)
            file.seek(self.offset + first)
        except OSError as error:
            file.close()
            raise DamagedTitle(f"{self.path.name} cannot be read") from error
        except DamagedTitle:
            file.close()
            raise
        return file

    def check(self) -> None:
        """Read all of it. Raises DamagedTitle."""
        self.open(0, self.size).close()

    def read(self) -> bytes:
        """All of it, checked. For small parts. Raises DamagedTitle."""
        with self.open(0, self.size) as file:
            return bytes(read_exactly(file.fileno(), self.size, self.offset, self.path))

    def _check(self, file: int, first: int, end: int) -> None:
        if os.fstat(file).st_size < self.offset + self.size:
            raise DamagedTitle(f"{self.path.name} ends before byte {self.offset + self.size}")
        # One small block of memory for all: it stays in the processor's cache, which makes this
        # several times as fast as reading each piece whole.
        block = memoryview(bytearray(_BLOCK))
        position = 0
        for piece in self.pieces:
            if position < end and position + piece.size > first:
                self._check_piece(file, piece, self.offset + position, block)
            position += piece.size

    def _check_piece(self, file: int, piece: Piece, start: int, block: memoryview) -> None:
        digest = xxhash.xxh3_64()
        done = 0
        while done < piece.size:
            count = os.preadv(file, [block[: piece.size - done]], start + done)
            if not count:
                raise DamagedTitle(f"{self.path.name} ends before byte {start + piece.size}")
            digest.update(block[:count])
            done += count
        if digest.intdigest() != piece.xxh3:
            raise DamagedTitle(f"{self.path.name} is damaged near byte {start}")


def check_file(path: Path, size: int | None = None) -> Piece:
    """What the first ``size`` bytes of a file are, or all of it. Raises OSError."""
    with path.open("rb") as file:
        data = file.read() if size is None else file.read(size)
    return Piece(len(data), xxhash.xxh3_64_intdigest(data))
