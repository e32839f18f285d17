"""What becomes of a film's record when its files are lost."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from videoflix.adapters.mongo.video_records import FAILED, PENDING, PROCESSING, READY

LOST = "The film's files are missing on the server's disk; upload it again."
_NO_JOB = {"claimable_at": "", "holder": "", "token": ""}


def changes_for_losses(
    record: Mapping[str, Any], *, lost_title: bool, lost_source: bool, now: datetime
) -> dict[str, Any]:
    """The update of a record whose published title, or whose source, is lost.

    A film without a title waits to be encoded where it has a source, and has failed where it has
    none; one that has a title, and waits without a source, is ready with that. A job that waits
    or runs, and can go on, is left alone.
    """
    has_title = record["generation"] is not None and not lost_title
    has_source = record["has_source"] and not lost_source
    is_job = record["status"] in (PENDING, PROCESSING)
    fields: dict[str, Any] = {"updated_at": now}
    ended: dict[str, str] = {}
    if lost_title:
        fields |= {"generation": None, "facts": None}
    if lost_source:
        fields["has_source"] = False
    if not has_title and not has_source:
        fields |= {"status": FAILED, "error": LOST, "last_failure": LOST, "seconds_left": None}
        ended = _NO_JOB
    elif not has_source and is_job:
        fields |= {"status": READY, "error": "", "progress": 100, "seconds_left": None}
        ended = _NO_JOB
    elif not has_title and not is_job:
        fields |= {"status": PENDING, "error": "", "attempts": 0, "claimable_at": now}
        fields |= {"progress": 0, "frames": 0, "stage": ""}
    return {"$set": fields, **({"$unset": ended} if ended else {})}
