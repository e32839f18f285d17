"""What of a file is sent by the kernel, and what is read in a thread first."""

from pathlib import Path

import pytest

from handlers import pieces
from handlers.pieces import Pieces

SIZE = 1024 * 1024
FORGOTTEN = range(SIZE // 2 - 64 * 1024, SIZE // 2 + 64 * 1024)


@pytest.mark.parametrize("has_forgotten", [False, True])
async def test_what_the_kernel_has_forgotten_a_part_of_is_read_in_a_thread(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, *, has_forgotten: bool
) -> None:
    """It has the beginning and the end, and would wait for the disk in between. Real disks forget
    when they like to; so this says what preadv2(2) would."""
    path = tmp_path / "segment"
    path.write_bytes(bytes(SIZE))
    read = pieces._read_at_once

    def read_what_is_there(file: int, buffer: memoryview, offset: int) -> int:
        return 0 if has_forgotten and offset in FORGOTTEN else read(file, buffer, offset)

    monkeypatch.setattr(pieces, "_read_at_once", read_what_is_there)
    with path.open("rb", buffering=0) as file:
        found = await Pieces(file, SIZE).in_memory()
    assert (found is None) == has_forgotten
