"""What admins change of films beside their encoding."""

from collections.abc import Mapping
from typing import Protocol

from videoflix.models import Video


class VideoEdits(Protocol):
    """Writes to the records of ``VideoStore``, whatever a video's job does meanwhile."""

    async def edit(self, video_id: int, changes: Mapping[str, str]) -> Video | None:
        """Set title, description or category; None where there is no such video."""
