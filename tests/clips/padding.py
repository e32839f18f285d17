"""Films of any size: what follows a `free` box's header is skipped by every reader
(ISO/IEC 14496-12 §8.1.2)."""

import secrets
import struct
from pathlib import Path

_HEADER = 16  # bytes: the box's length in 64 bits


def _free_box(size: int) -> bytes:
    """The header of a box of ``size`` bytes in all."""
    return struct.pack(">I4sQ", 1, b"free", size)


def padded(film: bytes, size: int) -> bytes:
    """An MP4 with random bytes behind it that mean nothing, ``size`` bytes in all."""
    rest = size - len(film)
    assert rest >= _HEADER
    return film + _free_box(rest) + secrets.token_bytes(rest - _HEADER)


def pad_file(path: Path, size: int) -> None:
    """Let an MP4 grow to ``size`` bytes, of which the disk stores no more than before."""
    with path.open("r+b") as file:
        end = file.seek(0, 2)
        assert size - end >= _HEADER
        file.write(_free_box(size - end))
        file.truncate(size)
