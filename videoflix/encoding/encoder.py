"""One encode in a child process: the job in a file, events as JSON lines, an end or a crash."""

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import structlog

from media_pipeline.job import EncodeJob, EncodeSettings
from media_pipeline.parts import Part
from videoflix.errors import VideoflixError
from videoflix.media_child import ChildEnd, ChildTooLarge, media_command, run_child
from videoflix.models import EncodeProgress
from videoflix.ports.measures import UNMEASURED, EncodingMeasures

REASON_MAX = 500
NUMBER_MAX = 1 << 53
STAGES = frozenset({"probe", "encode", "join", "verify"})

OnProgress = Callable[[EncodeProgress], None]

_log = structlog.get_logger(__name__)


class EncodeFailed(VideoflixError):
    """This attempt failed; the text says why, in plain words.

    ``is_permanent``: another attempt would fail in the same way.
    """

    code = "encode_failed"

    def __init__(self, reason: str, *, is_permanent: bool = False) -> None:
        super().__init__(reason)
        self.is_permanent = is_permanent


class OnlyWhole(EncodeFailed):
    """This part of a film cannot be made; the whole of it can still be encoded in one piece."""


@dataclass(slots=True)
class _Events:
    """What the child has said so far."""

    on_progress: OnProgress
    measures: EncodingMeasures
    counted: int = 0
    speed: float = 0.0
    last: Mapping[str, Any] | None = None
    percent: float = 0.0

    def take(self, line: bytes) -> None:
        """One line of output; what is no event is dropped."""
        try:
            event = json.loads(line)
        except (ValueError, RecursionError):  # the latter of thousands of brackets
            event = None
        if not isinstance(event, dict) or "event" not in event:
            _log.warning("line of the encoder not understood", line=line[:200])
            return
        self.last = event
        if event["event"] == "progress":
            self.percent = max(self.percent, min(100.0, _number(event, "percent")))
            stage = event.get("stage")
            progress = EncodeProgress(
                stage=stage if isinstance(stage, str) and stage in STAGES else "",
                percent=self.percent,
                frames=int(_number(event, "frames")),
                speed=_number(event, "speed"),
            )
            self._measure(progress)
            self.on_progress(progress)

    def _measure(self, progress: EncodeProgress) -> None:
        if progress.stage == "join":
            self.counted = NUMBER_MAX  # its pictures were counted part by part
        self.speed = progress.speed or self.speed
        self.measures.encoded(max(0, progress.frames - self.counted), self.speed)
        self.counted = max(self.counted, progress.frames)


def _number(event: Mapping[str, Any], name: str) -> float:
    """A number from 0 on; 0 for anything else: the child has read a stranger's file."""
    value = event.get(name)
    if isinstance(value, (int, float)) and 0 <= value < NUMBER_MAX:
        return float(value)
    return 0.0


class Encoder:
    """Runs the encoder. ``command`` gets the path of the job's file as its last argument;
    an encode that takes longer than ``seconds`` or more than ``memory`` bytes is killed."""

    def __init__(
        self,
        settings: EncodeSettings,
        *,
        seconds: float,
        memory: int,
        command: Sequence[str] = media_command("encode"),
        measures: EncodingMeasures = UNMEASURED,
    ) -> None:
        self._measures = measures
        self._settings = settings
        self._seconds = seconds
        self._memory = memory
        self._command = tuple(command)

    @property
    def settings(self) -> EncodeSettings:
        return self._settings

    def job(self, source: Path, output: Path, part: Part | None = None) -> EncodeJob:
        return EncodeJob(source=source, output=output, settings=self._settings, part=part)

    async def run(self, job_file: Path, on_progress: OnProgress) -> None:
        """Encode what the file says; ``on_progress`` gets percentages that never go back.

        Raises EncodeFailed. Cancelled, it leaves no process behind.
        """
        events = _Events(on_progress, self._measures)
        try:
            end = await run_child(
                (*self._command, str(job_file)),
                events.take,
                seconds=self._seconds,
                memory=self._memory,
            )
        except TimeoutError as error:
            raise EncodeFailed(
                f"Encoding took longer than the allowed {self._seconds:.0f} seconds."
            ) from error
        except ChildTooLarge as error:
            allowed = self._memory / 2**20
            raise EncodeFailed(
                f"The encoder needed more than {allowed:,.0f} MiB of memory."
            ) from error
        except OSError as error:
            raise EncodeFailed(f"The encoder could not be started ({error.strerror}).") from error
        finally:
            self._measures.encoded(0, 0.0)
        if end.stderr:
            # It is silent but for what its sandbox was refused, and a defect's traceback.
            _log.warning("encoder's messages", stderr=end.stderr)
        _raise_failure(end, events.last or {})


def _raise_failure(end: ChildEnd, last: Mapping[str, Any]) -> None:
    if last.get("event") == "failed":
        reason = "".join(c if c.isprintable() else " " for c in str(last.get("reason", "")))
        reason = reason.strip()[:REASON_MAX] or "The encoder gave no reason."
        if last.get("whole") is True:
            raise OnlyWhole(reason)
        raise EncodeFailed(reason, is_permanent=last.get("permanent") is True)
    if last.get("event") != "done" or end.status != 0:
        raise EncodeFailed(f"The encoder {end.plainly}.")
