"""What may be found: one value for each thing that is not as it should be."""

from dataclasses import dataclass
from enum import StrEnum


class Kind(StrEnum):
    """``orphan``: on the disk, but in no record. ``missing``: in a record, but not on the disk.
    ``damaged``: not what it was. ``temporary``: left behind by somebody who was killed."""

    ORPHAN = "orphan"
    MISSING = "missing"
    DAMAGED = "damaged"
    TEMPORARY = "temporary"


class Part(StrEnum):
    """What of a film it is about."""

    FILM = "film"
    TITLE = "title"
    SOURCE = "source"
    THUMBNAIL = "thumbnail"
    NOTHING = "nothing"


@dataclass(frozen=True, slots=True)
class Finding:
    """``path`` is relative to the storage root, ``text`` in plain words; ``video_id`` is None
    where it is about no film, ``generation`` where it is about none."""

    kind: Kind
    part: Part
    path: str
    text: str
    video_id: int | None = None
    generation: str | None = None

    @property
    def is_loss(self) -> bool:
        """Whether something is gone that cannot be taken from the rest of the film."""
        return self.kind is Kind.MISSING and self.part in (Part.TITLE, Part.SOURCE)
