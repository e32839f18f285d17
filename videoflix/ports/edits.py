"""What admins change of films beside their encoding, and what members leave with them."""

from collections.abc import Mapping, Sequence
from typing import Protocol

from videoflix.models import Video


class VideoEdits(Protocol):
    """Writes to the records of ``VideoStore``, whatever a video's job does meanwhile."""

    async def edit(self, video_id: int, changes: Mapping[str, str]) -> Video | None:
        """Set title, description or category; None where there is no such video."""

    async def set_own_thumbnail(self, video_id: int, *, is_own: bool) -> Video | None:
        """Say whose picture is shown, and count the change; None where there is no such video."""


class RemovalStore(Protocol):
    """Videos that were deleted. A note of each stays until what is on the disk is gone for good,
    and whoever watches has heard of it."""

    async def delete(self, video_id: int) -> bool:
        """Replace the record by such a note, in one write: it is nobody's job and no viewer's
        film any more. False where there is no such video."""

    async def is_deleted(self, video_id: int) -> bool:
        """Whether there is a note of it."""

    async def deleted(self) -> Sequence[int]:
        """Ids of all notes."""

    async def forget(self, seconds: float) -> int:
        """Let go of notes that are older than this; returns how many."""


class PositionStore(Protocol):
    """Where members stopped watching. What nobody came back to for a year goes by itself."""

    async def find(self, user_id: int, video_id: int) -> int | None:
        """Milliseconds of the film; None where nothing is kept."""

    async def put(self, user_id: int, video_id: int, milliseconds: int) -> None: ...

    async def drop_user(self, user_id: int) -> None:
        """Forget all of a user's."""

    async def drop_video(self, video_id: int) -> None:
        """Forget it for everybody."""
