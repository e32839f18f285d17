"""The sounds and texts of a source as plain values, and the record of those that have tracks."""

from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Self

from media_pipeline.parts import FACTS, read_json, write_json


@dataclass(frozen=True, slots=True)
class SourceSound:
    """A sound stream of the source, and the track ``name`` it becomes.

    ``language`` is a BCP 47 tag (``und`` when unknown), ``label`` is for people and unlike those
    of the other sounds, ``roles`` are words of DASH's role scheme.
    """

    index: int
    name: str
    language: str
    label: str
    is_default: bool
    roles: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class SourceText:
    """A stream of text subtitles, and the track ``name`` it becomes; see ``SourceSound``."""

    index: int
    name: str
    language: str
    label: str
    is_default: bool
    is_forced: bool = False
    is_hearing_impaired: bool = False


@dataclass(frozen=True, slots=True)
class SideStreams:
    """What is shown beside the picture. The first sound is the one that is played unless a viewer
    chooses another. ``left_out`` says in plain words what is in the file but not in the title."""

    sounds: tuple[SourceSound, ...] = ()
    texts: tuple[SourceText, ...] = ()
    left_out: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class SideFacts:
    """``frames`` is how many pictures the title has, now that the length of its sound is known;
    ``streams`` are those that have tracks."""

    frames: int
    streams: SideStreams

    def save(self, folder: Path) -> None:
        write_json(folder / FACTS, asdict(self))

    @classmethod
    def load(cls, folder: Path) -> Self:
        values = read_json(folder / FACTS)
        streams: dict[str, Any] = values["streams"]
        sounds = [SourceSound(**{**s, "roles": tuple(s["roles"])}) for s in streams["sounds"]]
        texts = [SourceText(**text) for text in streams["texts"]]
        sides = SideStreams(tuple(sounds), tuple(texts), tuple(streams["left_out"]))
        return cls(values["frames"], sides)
