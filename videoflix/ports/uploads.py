"""Uploads that come in several requests: their records and bytes on the disk."""

from collections.abc import Collection
from dataclasses import dataclass
from typing import Protocol

from videoflix.models import VideoDetails
from videoflix.ports.films import UploadFile


@dataclass(frozen=True, slots=True)
class ResumableUpload:
    """What is kept of an upload beside its bytes, from its creation until it expires.

    ``size`` is how many bytes it will have; ``metadata`` what the client said of it, as it said
    it. From byte ``unverified_from`` on its bytes have not been compared with their checksum yet.
    ``video_id`` is the place that the film is moved to; once the record of that video is
    written, the upload ``is_done``.
    """

    id: str
    owner: int
    size: int
    details: VideoDetails
    metadata: str = ""
    unverified_from: int | None = None
    video_id: int | None = None
    is_done: bool = False


@dataclass(frozen=True, slots=True)
class UploadState:
    """An upload as it lies on the disk: how many bytes there are (None where they have been moved
    away), and when it was last written to (seconds since the epoch)."""

    upload: ResumableUpload
    stored: int | None
    touched: float


class OpenUpload(Protocol):
    """An upload that nobody else writes to. Methods may be called from any thread."""

    @property
    def upload(self) -> ResumableUpload:
        """As last saved."""

    @property
    def film(self) -> UploadFile | None:
        """Its bytes; None where they have been moved away."""

    def save(self, upload: ResumableUpload) -> None:
        """Replace the record in one step; it is on the disk when this returns."""

    def truncate(self, size: int) -> None:
        """Forget the bytes from ``size`` on."""

    def close(self) -> None:
        """Let others write. May be repeated."""

    def delete(self) -> None:
        """Close, and forget the upload with its bytes."""


class ResumableStore(Protocol):
    """Uploads in folders of the disk where films are received. Methods block on the disk. Whoever
    dies lets go of what he had open."""

    def create(self, upload: ResumableUpload) -> OpenUpload:
        """A new upload without bytes, open. Raises InsufficientStorage."""

    def find(self, upload_id: str) -> UploadState | None: ...

    def open(self, upload_id: str) -> OpenUpload | None:
        """None where there is no such upload, or none that can be read. Raises Busy while
        somebody else has it open."""

    def claimed(self) -> Collection[int]:
        """Ids of videos whose record somebody may still come back to write."""

    def promised_bytes(self) -> int:
        """Bytes that uploads are to get and that the disk does not hold for them yet."""

    def sweep(self, age: float) -> int:
        """Delete uploads that nobody has written to for ``age`` seconds and that nobody has
        open; returns how many."""
