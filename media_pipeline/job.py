"""What an encoder child is asked to do and what it answers: JSON in a file, JSON lines back.

The last line of a child's standard output is ``done`` or ``failed``; a child that ends without
either has crashed.
"""

import json
import os
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Any, Self, TextIO

from media_pipeline.parts import Part

_MOST_THREADS = 16


@dataclass(frozen=True, slots=True)
class EncodeSettings:
    """Choices and limits of one encode.

    ``crf`` is x264's constant rate factor, ``audio_bitrate`` bits per second, ``rungs`` names of
    ``ladder.BOXES``, ``max_pixels`` per picture, ``max_duration`` seconds, ``max_rate`` pictures
    a second, ``threads`` per encoder and decoder (0: one for each core, at most 16).
    """

    preset: str = "veryfast"
    crf: int = 21
    audio_bitrate: int = 128_000
    rungs: tuple[str, ...] = ("480p", "720p", "1080p")
    max_pixels: int = 8192 * 4320
    max_duration: int = 12 * 3600
    max_streams: int = 64
    max_rate: int = 300
    threads: int = 0

    @property
    def thread_count(self) -> int:
        """``threads``, or the number of cores: more than 16 cost memory and give no speed."""
        return self.threads or min(os.cpu_count() or 1, _MOST_THREADS)

    def to_json(self) -> dict[str, Any]:
        return asdict(self)

    @classmethod
    def from_json(cls, values: dict[str, Any]) -> Self:
        known = {field.name for field in fields(cls)}
        if unknown := values.keys() - known:
            raise ValueError(f"unknown encode settings: {', '.join(sorted(unknown))}")
        rungs = {"rungs": tuple(values["rungs"])} if "rungs" in values else {}
        return cls(**{**values, **rungs})


@dataclass(frozen=True, slots=True)
class EncodeJob:
    """Encode ``source``, or a ``part`` of it, into the new folder ``output``."""

    source: Path
    output: Path
    settings: EncodeSettings
    part: Part | None = None

    @classmethod
    def load(cls, path: Path) -> Self:
        values = json.loads(path.read_text(encoding="utf-8"))
        return cls(
            source=Path(values["source"]),
            output=Path(values["output"]),
            settings=EncodeSettings.from_json(values.get("settings", {})),
            part=Part.from_json(values["part"]) if "part" in values else None,
        )

    def save(self, path: Path) -> None:
        values: dict[str, Any] = {
            "source": str(self.source),
            "output": str(self.output),
            "settings": self.settings.to_json(),
        }
        if self.part is not None:
            values["part"] = self.part.to_json()
        path.write_text(json.dumps(values), encoding="utf-8")


class Reporter:
    """Writes the job's events; the percentage never goes back."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream
        self._percent = 0.0

    def progress(self, stage: str, percent: float, frames: int = 0, speed: float = 0.0) -> None:
        """``percent`` is of the whole job, ``speed`` is film seconds a second."""
        self._percent = max(self._percent, min(100.0, round(percent, 2)))
        self._write(
            event="progress",
            stage=stage,
            percent=self._percent,
            frames=frames,
            speed=round(speed, 2),
        )

    def done(self, duration: float, renditions: list[str]) -> None:
        """``duration`` is in seconds."""
        self._write(event="done", duration=round(duration, 6), renditions=renditions)

    def failed(self, reason: str, *, permanent: bool, whole: bool = False) -> None:
        """``whole``: the film can only be encoded whole."""
        self._write(event="failed", reason=reason, permanent=permanent, whole=whole)

    def _write(self, **event: object) -> None:
        self._stream.write(json.dumps(event) + "\n")
        self._stream.flush()
