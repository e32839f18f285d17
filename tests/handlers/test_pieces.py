"""What of a file is sent by the kernel, and what is read in a thread first."""

import os
from pathlib import Path

import pytest

from handlers.pieces import Pieces

SIZE = 1024 * 1024


async def test_a_file_with_holes_in_memory_is_read_in_a_thread(tmp_path: Path) -> None:
    """The kernel has its beginning and its end, and would wait for the disk in between."""
    path = tmp_path / "segment"
    path.write_bytes(bytes(SIZE))
    with path.open("rb", buffering=0) as file:
        os.fsync(file.fileno())
        assert await Pieces(file, SIZE).in_memory() is not None
        os.posix_fadvise(file.fileno(), 0, 0, os.POSIX_FADV_RANDOM)  # reads nothing ahead
        os.posix_fadvise(file.fileno(), 0, 0, os.POSIX_FADV_DONTNEED)
        for place in (0, SIZE - 1):
            os.pread(file.fileno(), 1, place)
        try:
            os.preadv(file.fileno(), [bytearray(1)], SIZE // 2, os.RWF_NOWAIT)
        except BlockingIOError:
            pass
        else:
            pytest.skip("this file system forgets nothing")
        assert await Pieces(file, SIZE).in_memory() is None
