"""Files and folders that only their owner may read (mode 600 and 700), written so that a reader
never sees half of one."""

import errno
import os
import secrets
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from videoflix.durable import sync_folder
from videoflix.errors import ConfigurationError, ServiceUnavailable

# A disk that is full, fails, or is away: no setting is wrong.
_MAY_PASS = frozenset({
    errno.EIO, errno.ENOSPC, errno.EDQUOT, errno.ESTALE, errno.ENOTCONN, errno.ETIMEDOUT,
    errno.EHOSTDOWN, errno.EHOSTUNREACH, errno.EREMOTEIO, errno.ENODEV, errno.ENXIO,
})  # fmt: skip


@contextmanager
def usable_root(root: Path) -> Iterator[None]:
    """Raise ConfigurationError, with one line that names the file, for a storage root in which
    something cannot be made or written; ServiceUnavailable where it may be possible later."""
    try:
        yield
    except OSError as error:
        reason = f"storage.root: {error.filename or root}: {error.strerror}"
        if error.errno in _MAY_PASS:
            raise ServiceUnavailable(reason) from error
        raise ConfigurationError(reason) from error


def private_folder(path: Path) -> Path:
    """Make the folder with mode 700, and its parents, where missing. Raises OSError."""
    path.mkdir(mode=0o700, parents=True, exist_ok=True)
    return path


@contextmanager
def _written_beside(path: Path, text: str) -> Iterator[Path]:
    """A file beside ``path`` with that text, for as long as the block runs; the block may rename
    it. An OSError, also of the block, names ``path``, which is the file that people know."""
    temporary = path.with_name(f".{path.name}.{secrets.token_hex(8)}")
    try:
        descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
        try:
            with os.fdopen(descriptor, "w", encoding="utf-8") as file:
                file.write(text)
                file.flush()
                os.fsync(file.fileno())
            yield temporary
        finally:
            temporary.unlink(missing_ok=True)
    except OSError as error:
        raise OSError(error.errno, error.strerror, str(path)) from error


def write_private(path: Path, text: str) -> None:
    """Replace the file's content atomically; the file has mode 600 from its first moment."""
    with _written_beside(path, text) as temporary:
        temporary.replace(path)
    sync_folder(path.parent)


def read_or_create_private(path: Path, text: str) -> str:
    """The file's content; where there is no file, make it with ``text``.

    Of several processes that do this at once, one wins and all return the same content.
    """
    if not path.exists():
        with _written_beside(path, text) as temporary, suppress(FileExistsError):
            path.hardlink_to(temporary)
        sync_folder(path.parent)
    return path.read_text(encoding="utf-8")
