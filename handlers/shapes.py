"""Records as clients see them."""

from datetime import UTC, datetime
from typing import Any

from videoflix.catalogue.service import CatalogueService
from videoflix.models import ProcessingStatus, Video


def timestamp(moment: datetime) -> str:
    """ISO 8601 in UTC with milliseconds and a ``Z``."""
    return moment.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def catalogue_entry(video: Video, catalogue: CatalogueService) -> dict[str, Any]:
    """What members see of a ready video."""
    return {
        "id": video.id,
        "created_at": timestamp(video.created_at),
        "title": video.title,
        "description": video.description,
        "thumbnail_url": catalogue.thumbnail_url(video),
        "category": video.category,
    }


def full_record(video: Video, catalogue: CatalogueService) -> dict[str, Any]:
    """What admins see, whatever the status."""
    return {
        **catalogue_entry(video, catalogue),
        "updated_at": timestamp(video.updated_at),
        "processing_status": video.status.value,
        "processing_error": video.error,
        "progress": video.progress,
        "stage": video.stage,
        "frames": video.frames,
        "speed": round(video.speed, 2),
        "seconds_left": video.seconds_left,
        "attempts": video.attempts,
        "last_failure": video.last_failure,
        "next_attempt_at": timestamp(video.next_attempt_at) if video.next_attempt_at else None,
        "has_source": video.has_source,
        "source_size": video.source_size,
        "has_own_thumbnail": video.has_own_thumbnail,
        "can_retry": video.status is ProcessingStatus.FAILED and video.has_source,
        "duration": video.facts.milliseconds / 1000 if video.facts else None,
        "renditions": list(video.facts.renditions) if video.facts else [],
        "size": video.facts.size if video.facts else None,
    }
