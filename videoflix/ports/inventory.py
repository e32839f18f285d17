"""Records and files of films side by side, for who compares them."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from videoflix.models import ProcessingStatus


@dataclass(frozen=True, slots=True)
class FilmState:
    """What a record says about files. ``names`` are the generations that are not to be touched:
    the published one, those that it replaced, and the attempt that runs."""

    id: int
    status: ProcessingStatus
    generation: str | None
    names: frozenset[str]
    has_source: bool
    source_size: int
    has_own_thumbnail: bool


@dataclass(frozen=True, slots=True)
class FilmTraces:
    """What the disk has of a film. ``source_size`` is None where there is no source;
    ``workspaces`` are names of attempts."""

    source_size: int | None
    is_unconfirmed: bool
    generations: frozenset[str]
    workspaces: frozenset[str]
    has_thumbnail: bool


class FilmStates(Protocol):
    async def all(self) -> Sequence[FilmState]: ...

    async def find(self, video_id: int) -> FilmState | None: ...

    async def deleted(self) -> Collection[int]:
        """Ids of films that were deleted, and are being cleared away by workers."""

    async def lose(self, state: FilmState, *, title: bool, source: bool) -> bool:
        """Say in the record that the published title, or the source, is lost: the film waits to
        be encoded where it can be, and has failed where not. False, and nothing changed, where the
        record is another one than ``state`` by now."""


class Inventory(Protocol):
    """The media store, looked at from outside. Paths are relative to its root. Methods block."""

    def paths(self) -> Mapping[int, Sequence[str]]:
        """What there is of films, by id."""

    def film(self, video_id: int) -> FilmTraces: ...

    def title(self, video_id: int, generation: str) -> Path: ...

    def age(self, path: str) -> float:
        """Seconds since something in the folder was last made or changed; 0 where it is gone."""

    def leftovers(self) -> Sequence[str]:
        """Temporary files and folders that belong to no film and no upload."""

    def set_aside(self, path: str) -> str:
        """Move it to the quarantine, in one step; returns where it is."""

    def delete(self, path: str) -> None: ...

    def take_turn(self, seconds: float) -> bool:
        """Whether nobody who uses this store has taken a turn within so many seconds."""
