"""A video's record in MongoDB: its fields, and how it is read.

Beside the fields of ``models.Video`` a record holds ``claimable_at``, present while there is work
to do: the end of a pause (``pending``) or of the lease (``processing``); and, while
``processing``, ``holder`` and ``token``. ``token`` is the fence: every write of a worker names it.
``replaced`` lists the generations that were published before this one, with the time they were
replaced, until their folders are deleted. ``source_to_delete`` is there from the write that gives
the source up (``has_source`` false) until its file is deleted.

A video that was deleted is a record with nothing but ``_id``, ``updated_at`` and the status
``deleted``, which ``models.Video`` does not have: whoever looks for videos looks for ``KEPT`` ones.
It goes some time after its files.
"""

from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

from pymongo import DESCENDING

from videoflix.models import DeletedVideo, ProcessingStatus, TitleFacts, Video

VIDEOS = "videos"
PENDING = ProcessingStatus.PENDING.value
PROCESSING = ProcessingStatus.PROCESSING.value
READY = ProcessingStatus.READY.value
FAILED = ProcessingStatus.FAILED.value
DELETED = "deleted"
KEPT: Mapping[str, Any] = {"status": {"$ne": DELETED}}

NEWEST_FIRST = [("created_at", DESCENDING), ("_id", DESCENDING)]


def facts_document(facts: TitleFacts | None) -> dict[str, Any] | None:
    return None if facts is None else {**asdict(facts), "renditions": list(facts.renditions)}


def _facts(document: Mapping[str, Any] | None) -> TitleFacts | None:
    if document is None:
        return None
    return TitleFacts(document["milliseconds"], tuple(document["renditions"]), document["size"])


def change_of(document: Mapping[str, Any]) -> Video | DeletedVideo:
    """Any record as a value."""
    if document["status"] == DELETED:
        return DeletedVideo(document["_id"], document["updated_at"])
    return video_of(document)


def video_of(document: Mapping[str, Any]) -> Video:
    """The record as a value. Some fields are there only from when they say something."""
    status = ProcessingStatus(document["status"])
    # The reason stands beside ``pending`` only after a failure.
    rests = status is ProcessingStatus.PENDING and document["error"] != ""
    return Video(
        id=document["_id"],
        title=document["title"],
        description=document["description"],
        category=document["category"],
        status=status,
        progress=document["progress"],
        stage=document["stage"],
        frames=document["frames"],
        speed=document["speed"],
        seconds_left=document["seconds_left"],
        error=document["error"],
        last_failure=document["last_failure"],
        attempts=document["attempts"],
        next_attempt_at=document["claimable_at"] if rests else None,
        generation=document["generation"],
        replaced=tuple(entry["generation"] for entry in document.get("replaced", ())),
        facts=_facts(document.get("facts")),
        has_source=document["has_source"],
        source_size=document["source_size"],
        has_own_thumbnail=document["has_own_thumbnail"],
        thumbnail_version=document.get("thumbnail_version", 0),
        created_at=document["created_at"],
        updated_at=document["updated_at"],
    )
