"""The database and the media store as backups see them."""

from collections.abc import AsyncIterator, Callable, Collection, Sequence
from pathlib import Path
from typing import BinaryIO, Protocol


class FilmRecord(Protocol):
    """A film's record as it was read, with its job."""

    @property
    def id(self) -> int: ...

    @property
    def generation(self) -> str | None: ...

    @property
    def has_source(self) -> bool: ...

    def portable(self, *, has_title: bool, has_source: bool) -> bytes:
        """What a backup keeps of it: no lease, and nothing of other generations than the
        published one. ``has_title`` and ``has_source`` say what of the film is in the backup: where
        its title is not, it waits to be encoded or, without a source, has failed."""


class Archive(Protocol):
    """The database, out and in. Documents are bytes whose form only the adapter knows."""

    @property
    def collections(self) -> Sequence[str]:
        """Those that a backup holds beside ``films``, in the order to read them in."""

    @property
    def version(self) -> int:
        """Of this database: which changes of it were made."""

    async def film_ids(self) -> Sequence[int]: ...

    async def film(self, video_id: int) -> FilmRecord | None: ...

    def documents(self, name: str, films: Collection[int]) -> AsyncIterator[bytes]:
        """What a backup keeps of a collection, of these films alone. Sessions, one-time links and
        accounts that wait for their activation are nobody's any more afterwards."""

    async def in_the_way(self) -> Sequence[str]:
        """Collections that are not empty, and would be mixed with what is put in."""

    async def clear(self) -> None:
        """Delete everything."""

    async def put(self, name: str, file: BinaryIO) -> int:
        """Add all documents of a file; returns how many."""

    async def update(self, version: int) -> None:
        """Make the changes that came after ``version``, which the documents are of."""


class MediaIntake(Protocol):
    """A media store that is filled from a backup. Methods block on the disk."""

    def in_the_way(self) -> Sequence[str]:
        """What is there already, as people would say it."""

    def free_bytes(self) -> int: ...

    def place(self, path: str) -> Path:
        """Where a file of the store is; ``path`` is relative, as in a backup."""

    def open_staging(self) -> Path:
        """A new folder on the same disk. What a killed restoration left is deleted."""

    def install(self, staging: Path, note: Callable[[str], None]) -> None:
        """Move everything, whose files are on the disk, to its place, and have all names on the
        disk too; ``note`` is told where something is that was there."""

    def discard(self) -> None:
        """Delete what ``open_staging`` has made, and what is in it."""
