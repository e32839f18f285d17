"""glibc's allocator, set for a process that needs the same few megabytes again and again.

Cutting a segment takes and frees several buffers of its size. By default glibc gives such memory
back to the kernel each time and gets it again page by page, which costs more than the cut
(measured: 15 ms instead of 5 ms for a segment of 5.5 MB). See mallopt(3).
"""

import ctypes

_M_TRIM_THRESHOLD = -1
_M_MMAP_THRESHOLD = -3
_M_ARENA_MAX = -8
_MIB = 1024 * 1024
KEPT_BYTES = 32 * _MIB  # freed memory at the end of a heap that is kept
LARGEST_BYTES = 32 * _MIB  # glibc's limit; larger blocks still come from the kernel alone


def keep_freed_memory() -> bool:
    """Keep freed memory for the next cut, for the rest of this process. False where the C
    library has no such settings (nothing is changed then)."""
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None)
    if mallopt is None:
        return False
    settings = (
        (_M_MMAP_THRESHOLD, LARGEST_BYTES),
        (_M_TRIM_THRESHOLD, KEPT_BYTES),
        # One heap for all threads: else each that ever cut or read keeps some of its own.
        (_M_ARENA_MAX, 1),
    )
    accepted = [mallopt(name, value) == 1 for name, value in settings]
    return all(accepted)
