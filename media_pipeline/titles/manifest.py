"""The manifest of a title: everything about it that is small, written last, as JSON.

It holds a checksum of itself, and those of all files that are not made of fragments. Version 3
had neither the former nor those of tables: such titles are read as they are, unchecked.
"""

import json
import os
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from fractions import Fraction
from pathlib import Path
from typing import Any, Self

import xxhash

from media_pipeline.errors import DamagedTitle
from media_pipeline.timeline import FrameGrid

MANIFEST = "manifest.json"
_VERSION = 4
_UNCHECKED_VERSION = 3
_CHECKSUM = "checksum"


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
    """A sound track; ``frames`` AAC frames, the first of them priming.

    ``language`` is a BCP 47 tag (``und`` when unknown), ``label`` is for people and unlike those
    of the other sounds, ``roles`` are words of DASH's role scheme (ISO/IEC 23009-1 §5.8.5.5).
    """

    name: str
    codecs: str
    frames: int
    language: str
    label: str
    is_default: bool
    roles: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class SubtitleFacts:
    """A WebVTT file, ``<name>.vtt``, with ``cues`` cues. ``is_forced``: to be shown also to those
    who want no subtitles. ``is_hearing_impaired``: says what is heard, too."""

    name: str
    cues: int
    language: str
    label: str
    is_default: bool
    is_forced: bool
    is_hearing_impaired: bool


@dataclass(frozen=True, slots=True)
class StoryboardFacts:
    """Small pictures of the film, picture k from grid picture k · ``interval`` on.

    They stand line by line in ``sprite-0.jpg``, ``sprite-1.jpg``, …, each with ``columns`` ×
    ``rows`` places of ``width`` × ``height`` pixels; places after the last of ``count`` are black.
    """

    width: int
    height: int
    columns: int
    rows: int
    interval: int
    count: int

    @property
    def sheets(self) -> int:
        return -(-self.count // (self.columns * self.rows))


@dataclass(frozen=True, slots=True)
class FileFacts:
    """What the first ``size`` bytes of a file are, by their XXH3 checksum."""

    name: str
    size: int
    xxh3: int


@dataclass(frozen=True, slots=True)
class Manifest:
    """``audio`` begins with the default one, which MPEG-TS segments carry. ``left_out`` says in
    plain words what was in the source and is not in the title. ``files`` are the initialisation
    parts of the track files, and all of each small file and each table."""

    rate: Fraction
    frames: int
    muxer: str
    renditions: tuple[RenditionFacts, ...]
    audio: tuple[AudioFacts, ...]
    subtitles: tuple[SubtitleFacts, ...]
    storyboard: StoryboardFacts
    left_out: tuple[str, ...]
    files: tuple[FileFacts, ...]

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
        values[_CHECKSUM] = _checksum(values)
        with (folder / MANIFEST).open("w", encoding="utf-8") as file:
            json.dump(values, file, indent=1)
            file.flush()
            os.fsync(file.fileno())

    @classmethod
    def load(cls, folder: Path) -> Self:
        """Raises DamagedTitle when there is no whole manifest of a version that is known."""
        try:
            values: dict[str, Any] = json.loads((folder / MANIFEST).read_bytes())
            if values["version"] not in (_VERSION, _UNCHECKED_VERSION):
                raise DamagedTitle(
                    "the title was made by another version of Videoflix: encode the film again"
                )
            found = values.pop(_CHECKSUM, None)
            if values["version"] == _VERSION and found != _checksum(values):
                raise DamagedTitle("the title's manifest is damaged")
            return cls(
                rate=Fraction(*values["rate"]),
                frames=values["frames"],
                muxer=values["muxer"],
                renditions=tuple(RenditionFacts(**facts) for facts in values["renditions"]),
                audio=tuple(
                    AudioFacts(**{**facts, "roles": tuple(facts["roles"])})
                    for facts in values["audio"]
                ),
                subtitles=tuple(SubtitleFacts(**facts) for facts in values["subtitles"]),
                storyboard=StoryboardFacts(**values["storyboard"]),
                left_out=tuple(values["left_out"]),
                files=tuple(FileFacts(**facts) for facts in values["files"]),
            )
        except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
            raise DamagedTitle("the title's manifest cannot be read") from error


def _checksum(values: Mapping[str, Any]) -> str:
    """XXH3 of the values in one way of writing them."""
    text = json.dumps(values, sort_keys=True, separators=(",", ":"))
    return xxhash.xxh3_64_hexdigest(text.encode())
