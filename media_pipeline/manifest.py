"""The manifest of a title: everything about it that is small, written last, as JSON."""

import json
import os
from dataclasses import asdict, dataclass
from fractions import Fraction
from pathlib import Path
from typing import Any, Self

from media_pipeline.errors import DamagedTitle
from media_pipeline.timeline import FrameGrid

MANIFEST = "manifest.json"
_VERSION = 1


@dataclass(frozen=True, slots=True)
class RenditionFacts:
    """A video track, and its MPEG-TS segments as measured.

    Bandwidths are bits a second: of the largest segment over its own duration, and of all
    segments over the film's. ``codecs`` is the RFC 6381 string of the picture alone.
    """

    name: str
    width: int
    height: int
    codecs: str
    peak_bandwidth: int
    average_bandwidth: int


@dataclass(frozen=True, slots=True)
class AudioFacts:
    """A sound track; ``frames`` AAC frames, the first of them priming."""

    name: str
    codecs: str
    frames: int


@dataclass(frozen=True, slots=True)
class Manifest:
    rate: Fraction
    frames: int
    muxer: str
    renditions: tuple[RenditionFacts, ...]
    audio: tuple[AudioFacts, ...]

    @property
    def grid(self) -> FrameGrid:
        return FrameGrid(self.rate, self.frames)

    def save(self, folder: Path) -> None:
        """Write and fsync ``manifest.json``; the caller makes the folder durable."""
        values = {
            "version": _VERSION,
            **asdict(self),
            "rate": [self.rate.numerator, self.rate.denominator],
        }
        with (folder / MANIFEST).open("w", encoding="utf-8") as file:
            json.dump(values, file, indent=1)
            file.flush()
            os.fsync(file.fileno())

    @classmethod
    def load(cls, folder: Path) -> Self:
        """Raises DamagedTitle when there is no whole manifest of this version."""
        try:
            values: dict[str, Any] = json.loads((folder / MANIFEST).read_bytes())
            if values["version"] != _VERSION:
                raise DamagedTitle("the title's manifest is of another version")
            return cls(
                rate=Fraction(*values["rate"]),
                frames=values["frames"],
                muxer=values["muxer"],
                renditions=tuple(RenditionFacts(**facts) for facts in values["renditions"]),
                audio=tuple(AudioFacts(**facts) for facts in values["audio"]),
            )
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise DamagedTitle("the title's manifest cannot be read") from error
