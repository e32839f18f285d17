"""Films that are encoded in chunks: the records of their parts, and where finished parts lie."""

from collections.abc import Collection, Sequence
from pathlib import Path
from typing import Protocol

from videoflix.models import Chunk, ChunkLease, ChunkSpec


class ChunkStore(Protocol):
    """The records of a film's parts, of one plan at a time. Times are the database's."""

    async def begin(self, video_id: int, plan: str, specs: Sequence[ChunkSpec]) -> None:
        """Add the records that are missing; what is there stays as it is. Records of the film's
        other plans go, and those that failed, with their attempts: the film is tried anew."""

    async def list(self, video_id: int, plan: str) -> Sequence[Chunk]:
        """In the order of their index."""

    async def claim(
        self, holder: str, seconds: float, max_attempts: int, video_id: int | None = None
    ) -> ChunkLease | None:
        """Take the next part that waits, or whose lease has run out, in one atomic update: of
        this film, or of the oldest one that is being encoded.

        A part that has used up its attempts is not claimed but becomes ``failed``.
        """

    async def renew(
        self, lease: ChunkLease, seconds: float, *, share: float, frames: int, speed: float
    ) -> None:
        """Move the lease's end and record progress. Raises LeaseLost, also when the film is no
        longer to be encoded."""

    async def finish(self, lease: ChunkLease, folder: str) -> None:
        """The part is done, and lies in ``folder``. May be repeated. Raises LeaseLost."""

    async def fail(self, lease: ChunkLease, reason: str, *, is_whole_only: bool = False) -> None:
        """The part cannot be made, with a reason in plain words. Raises LeaseLost."""

    async def give_back(self, lease: ChunkLease, reason: str, *, pause: float, spent: bool) -> None:
        """Claimable again after ``pause`` seconds; ``spent``: the attempt counts. Raises
        LeaseLost."""

    async def release(self, video_id: int, plan: str, frames: int) -> None:
        """Let blocked parts be claimed: the title is now known to have ``frames`` pictures."""

    async def reset(self, video_id: int, plan: str, index: int) -> None:
        """A part that was done is lost: it waits again."""

    async def withdraw(self, video_id: int) -> None:
        """Take all running parts of a film from their workers; they wait again."""

    async def drop(self, video_id: int, *, keep_finished: bool) -> None:
        """Forget a film's parts; with ``keep_finished`` not those of a plan that is all done."""


class PartStore(Protocol):
    """Parts on the disk, on the same file system as titles. Methods block on the disk: call them
    in an executor. A full disk is InsufficientStorage."""

    def plan(self, video_id: int, plan: str) -> Path:
        """The plan's folder, whether it exists or not."""

    def part(self, video_id: int, plan: str, name: str) -> Path: ...

    def open_workspace(self, video_id: int, plan: str, name: str) -> Path:
        """A new temporary folder."""

    def close_workspace(self, video_id: int, plan: str, name: str) -> None: ...

    def install_plan(self, folder: Path, video_id: int, plan: str) -> None:
        """Move a finished plan to its place in one step; one that is there already stays."""

    def install_part(self, folder: Path, video_id: int, plan: str, name: str) -> None:
        """Move a finished part, whose files are on the disk, to its place in one step."""

    def discard_part(self, video_id: int, plan: str, name: str) -> None: ...

    def mark_whole(self, video_id: int, plan: str) -> None:
        """Note that the film cannot be encoded by this plan, and delete its parts."""

    def is_whole(self, video_id: int, plan: str) -> bool: ...

    def films(self) -> Collection[int]:
        """Ids of films of which there is anything."""

    def discard(self, video_id: int, keep: str | None = None) -> None:
        """Delete everything of a film, but for the plan ``keep``."""
