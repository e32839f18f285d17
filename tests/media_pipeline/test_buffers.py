"""Blocks are used again, and never while somebody still looks at one."""

import threading
from concurrent.futures import ThreadPoolExecutor

import numpy as np

from media_pipeline.transport.buffers import Buffers, Bytes

MIB = 1024 * 1024


def place(array: Bytes) -> int:
    return int(array.ctypes.data)


def test_what_nobody_looks_at_any_more_is_used_again() -> None:
    room = Buffers(8 * MIB)
    first = room(MIB)
    assert (first.shape, first.itemsize) == ((MIB,), 1)
    where = place(first)
    # As a segment leaves the packager, and as a connection sends a piece of it.
    piece = first.view("<u4").reshape(-1, 4).reshape(-1).view(np.uint8).data[1000:2000]
    first[:] = 7
    del first
    other = room(MIB)
    assert place(other) != where
    other[:] = 9
    assert bytes(piece) == b"\7" * 1000
    del piece
    assert place(room(MIB - 5)) == where


def test_a_block_that_is_much_too_large_or_too_small_is_left_for_others() -> None:
    room = Buffers(8 * MIB)
    where = place(room(2 * MIB))
    small, larger = room(MIB // 4), room(3 * MIB)
    assert where not in (place(small), place(larger))
    assert place(room(2 * MIB)) == where


def test_no_more_than_that_is_kept() -> None:
    room = Buffers(3 * MIB)
    blocks = [room(MIB) for _ in range(5)]
    last = {place(block) for block in blocks[2:]}
    assert room.free == 0
    while blocks:
        del blocks[0]
    assert room.free == 3 * MIB
    assert {place(block) for block in [room(MIB) for _ in range(3)]} == last
    nothing = Buffers(0)
    block = nothing(MIB)
    assert place(block)
    del block
    assert nothing.free == 0


def test_of_no_bytes() -> None:
    assert Buffers(MIB)(0).shape == (0,)


def test_threads_never_share_a_block() -> None:
    room = Buffers(4 * MIB)
    start = threading.Barrier(4)

    def use(number: int) -> bool:
        chance = np.random.default_rng(number)
        start.wait()
        for _ in range(400):
            block = room(int(chance.integers(1000, 200_000)))
            block[:] = number
            view = block.data
            del block
            if bytes(view).count(number) != len(view):
                return False
        return True

    with ThreadPoolExecutor(4) as pool:
        assert all(pool.map(use, range(4)))
