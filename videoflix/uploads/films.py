"""Whether an upload is a video, found out in a child process before the upload is accepted."""

import json
from collections.abc import Mapping, Sequence
from typing import Any

import structlog

from media_pipeline.job import EncodeSettings
from videoflix.errors import NotAVideo, ServiceUnavailable
from videoflix.media_child import ChildTooLarge, media_command, run_child
from videoflix.ports import UploadFile

SECONDS = 30.0
REASON_MAX = 500
UNKNOWN = "this is not a video"
UNUSABLE = "this is not a video that can be used"
TOO_SLOW = f"{UNKNOWN}: reading its beginning takes too long."
TOO_LARGE = f"{UNUSABLE}: reading it takes too much memory."
NOT_READ = "The film could not be read on the server's disk. Try again later."

_log = structlog.get_logger(__name__)


class FilmProbe:
    """Refuses what the encoder would refuse for good at its own probe. ``command`` gets the
    file's path and the encode's settings as JSON; it is killed when it holds more than ``memory``
    bytes."""

    def __init__(
        self,
        settings: EncodeSettings,
        *,
        memory: int,
        command: Sequence[str] = media_command("check"),
        seconds: float = SECONDS,
    ) -> None:
        self._settings = json.dumps(settings.to_json())
        self._command = tuple(command)
        self._memory = memory
        self._seconds = seconds

    async def check(self, film: UploadFile) -> None:
        """Raises NotAVideo in plain words.

        A film whose headers are acceptable and whose packets are too many to be read in time
        passes: the encoder reads them all. Raises ServiceUnavailable where the disk fails.
        """
        events: list[Mapping[str, Any]] = []
        try:
            end = await run_child(
                (*self._command, str(film.path), self._settings),
                lambda line: events.extend(_event(line)),
                seconds=self._seconds,
                memory=self._memory,
            )
        except TimeoutError as error:
            if events:
                _log.info("upload accepted by its headers alone", bytes=film.size)
                return
            raise NotAVideo(TOO_SLOW) from error
        except ChildTooLarge as error:
            raise NotAVideo(TOO_LARGE) from error
        except OSError as error:
            raise ServiceUnavailable(NOT_READ) from error
        if end.stderr:
            _log.warning("probe's messages", stderr=end.stderr)
        if end.status != 0:
            raise _refusal(events) or NotAVideo(f"{UNKNOWN}: the decoder {end.plainly} on it.")


def _event(line: bytes) -> list[Mapping[str, Any]]:
    """The event in a line; nothing for what is none."""
    try:
        event = json.loads(line)
    except (ValueError, RecursionError):  # the latter of thousands of brackets
        return []
    return [event] if isinstance(event, dict) and "event" in event else []


def _refusal(events: Sequence[Mapping[str, Any]]) -> NotAVideo | ServiceUnavailable | None:
    """What the child said last; a child that crashed said nothing of it."""
    if not events or events[-1]["event"] != "failed":
        return None
    last = events[-1]
    if last.get("permanent") is not True:
        return ServiceUnavailable(NOT_READ)
    said = "".join(c if c.isprintable() else " " for c in str(last.get("reason", "")))
    reason = said.strip()[:REASON_MAX] or "it cannot be read."
    is_known = any(event["event"] == "progress" for event in events)
    return NotAVideo(f"{UNUSABLE if is_known else UNKNOWN}: {reason[0].lower()}{reason[1:]}")
