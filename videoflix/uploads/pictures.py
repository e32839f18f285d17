"""An admin's own thumbnail: decoded and made anew in a child process before anybody sees it."""

import json
from collections.abc import Sequence
from pathlib import Path

import structlog

from videoflix.errors import FieldErrors
from videoflix.media_child import ChildTooLarge, media_command, run_child

SECONDS = 30.0
MEMORY = 1024**3
UNUSABLE = "This picture could not be read."

_log = structlog.get_logger(__name__)


class ThumbnailMaker:
    """Makes the JPEG that is shown from any JPEG, PNG or WebP. ``command`` gets IN and OUT."""

    def __init__(
        self, command: Sequence[str] = media_command("picture"), seconds: float = SECONDS
    ) -> None:
        self._command = tuple(command)
        self._seconds = seconds

    async def make(self, picture: Path, target: Path) -> None:
        """Write the new file ``target``. Raises FieldErrors for ``thumbnail`` in plain words."""
        lines: list[bytes] = []
        try:
            end = await run_child(
                (*self._command, str(picture), str(target)),
                lines.append,
                seconds=self._seconds,
                memory=MEMORY,
            )
        except (TimeoutError, ChildTooLarge) as error:
            raise FieldErrors({"thumbnail": [UNUSABLE]}) from error
        if end.status != 0:
            _log.warning("thumbnail refused", end=end.plainly, stderr=end.stderr)
            raise FieldErrors({"thumbnail": [_reason(lines)]})


def _reason(lines: Sequence[bytes]) -> str:
    """What the child said last; a child that crashed said nothing."""
    try:
        return str(json.loads(lines[-1])["reason"])
    except (IndexError, KeyError, TypeError, ValueError):
        return UNUSABLE
