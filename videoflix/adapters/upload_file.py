"""The temporary file of one upload: locked while it is received, its space reserved beforehand."""

import ctypes
import errno
import fcntl
import os
import threading
from contextlib import suppress
from pathlib import Path

from videoflix.adapters.disk import create_private, full_disk_translated
from videoflix.durable import sync_folder

_KEEP_SIZE = 0x01  # FALLOC_FL_KEEP_SIZE of linux/falloc.h: the size stays what was written
_UNSUPPORTED = frozenset({errno.EOPNOTSUPP, errno.ENOSYS, errno.EINVAL})


def _reserve_blocks(descriptor: int, size: int) -> bool:
    """``fallocate(2)``: Python's ``posix_fallocate`` would write every block by itself where the
    file system cannot reserve, and would change the file's size."""
    fallocate = getattr(ctypes.CDLL(None, use_errno=True), "fallocate", None)
    if fallocate is None:
        return False
    fallocate.argtypes = [ctypes.c_int, ctypes.c_int, ctypes.c_int64, ctypes.c_int64]
    if fallocate(descriptor, _KEEP_SIZE, 0, size) == 0:
        return True
    number = ctypes.get_errno()
    if number in _UNSUPPORTED:
        return False
    raise OSError(number, os.strerror(number))


class LocalUploadFile:
    """See ``ports.UploadFile``. The lock (``flock(2)``) marks the file as active for the sweeps
    of every process on this machine, and ends with the process that holds it."""

    def __init__(self, path: Path, *, is_new: bool = True) -> None:
        """Make the file, or go on where an earlier one ended. Raises FileExistsError,
        FileNotFoundError."""
        self.path = path
        self._mutex = threading.Lock()
        descriptor = create_private(path) if is_new else os.open(path, os.O_WRONLY | os.O_CLOEXEC)
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        self.size = os.lseek(descriptor, 0, os.SEEK_END)
        self._descriptor: int | None = descriptor

    def _open(self) -> int:
        if self._descriptor is None:
            raise ValueError("the upload is closed")
        return self._descriptor

    def reserve(self, size: int) -> bool:
        with self._mutex, full_disk_translated():
            return size > 0 and _reserve_blocks(self._open(), size)

    def write(self, data: bytes | bytearray | memoryview) -> None:
        rest = memoryview(data)
        with self._mutex, full_disk_translated():
            while rest:
                written = os.write(self._open(), rest)
                self.size += written
                rest = rest[written:]

    def flush(self) -> None:
        with self._mutex, full_disk_translated():
            os.fdatasync(self._open())

    def sync(self) -> None:
        with self._mutex, full_disk_translated():
            os.ftruncate(self._open(), self.size)  # gives back what was reserved and not used
            os.fsync(self._open())
            sync_folder(self.path.parent)

    def truncate(self, size: int) -> None:
        """Forget the bytes from ``size`` on, and what was reserved beyond it."""
        with self._mutex, full_disk_translated():
            os.ftruncate(self._open(), size)
            self.size = os.lseek(self._open(), size, os.SEEK_SET)

    def discard(self) -> None:
        with self._mutex:
            if self._descriptor is None:
                return
            with suppress(FileNotFoundError):
                self.path.unlink()
            self._close(self._descriptor)

    def close(self) -> None:
        """Close and keep the file. May be repeated."""
        with self._mutex:
            if self._descriptor is not None:
                self._close(self._descriptor)

    def _close(self, descriptor: int) -> None:
        self._descriptor = None
        os.close(descriptor)
