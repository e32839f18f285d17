"""Memory of a segment's size that is used again and again."""

import mmap
import queue
import threading
import weakref
from collections.abc import Callable
from contextlib import suppress

import numpy as np
import numpy.typing as npt

Bytes = npt.NDArray[np.uint8]
Room = Callable[[int], Bytes]  # so many bytes of memory, whatever is in them

_STEP = 64 * 1024  # sizes of blocks are multiples of it
_SPARE = 4  # a block may be larger than what is asked for by that part of it


def _rounded(size: int) -> int:
    return max(1, -(-size // _STEP)) * _STEP


def new_room(size: int) -> Bytes:
    """From the heap, and back there when the last view of it is gone."""
    return np.empty(size, np.uint8)


class Buffers:
    """A ``Room`` that keeps at most ``kept`` bytes of what nobody uses any more. For all threads.

    Segments live for as long as clients take them, each of another size: in a heap they leave
    holes that nothing else fits into, and blocks that the kernel clears for each of them cost more
    than to cut it.
    """

    def __init__(self, kept: int) -> None:
        self._kept = kept
        self._lock = threading.Lock()
        self._free: list[mmap.mmap] = []  # what was used last, last
        # Filled by whatever drops the last view: perhaps the garbage collector, within a call of
        # ours, where it must not wait for our lock.
        self._returned: queue.SimpleQueue[mmap.mmap] = queue.SimpleQueue()

    def __call__(self, size: int) -> Bytes:
        """The memory is somebody else's once the array and all views of it are gone."""
        with self._lock:
            self._collect()
            memory = self._take(size)
        if memory is None:
            memory = mmap.mmap(-1, _rounded(size), mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS)
        array = np.frombuffer(memory, np.uint8, size)
        weakref.finalize(array, self._give_back, memory).atexit = False
        return array

    @property
    def free(self) -> int:
        """Bytes that are kept and that nobody uses."""
        with self._lock:
            self._collect()
            return sum(map(len, self._free))

    def _give_back(self, memory: mmap.mmap) -> None:
        self._returned.put(memory)
        # Who has the lock meanwhile collects it, at once or with the next block that is asked for.
        while not self._returned.empty() and self._lock.acquire(blocking=False):
            try:
                self._collect()
            finally:
                self._lock.release()

    def _collect(self) -> None:
        with suppress(queue.Empty):
            while True:
                self._free.append(self._returned.get_nowait())
        while sum(map(len, self._free)) > self._kept:
            del self._free[0]

    def _take(self, size: int) -> mmap.mmap | None:
        most = _rounded(size) + size // _SPARE
        fitting = (block for block in self._free if size <= len(block) <= most)
        found = min(fitting, key=len, default=None)
        if found is not None:
            self._free.remove(found)
        return found
