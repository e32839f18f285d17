"""Damage on the disk: what viewers hear of it, and what the log says."""

import structlog

from media_pipeline.errors import DamagedTitle
from videoflix.errors import MediaDamaged

_log = structlog.get_logger(__name__)


PART = "This part of the film"


def damaged(video_id: int, error: DamagedTitle, what: str = PART) -> MediaDamaged:
    """The error for viewers; the log has the rest."""
    _log.error("damaged title", video_id=video_id, error=str(error))
    return MediaDamaged(f"{what} is damaged on the server.")
