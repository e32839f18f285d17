"""A film encoded in parts: what a part is, and what is noted beside its tracks.

The pictures are cut at GOP borders of the output grid into chunks. The tracks of a chunk hold,
fragment for fragment, what the tracks of the whole title hold there, so that joining them is
copying (``join``). Sounds and texts are one part, of the whole film.
"""

import json
import os
from dataclasses import asdict, dataclass
from fractions import Fraction
from pathlib import Path
from typing import Any, Literal, Self

from media_pipeline.errors import EncodeError
from media_pipeline.timeline import FrameGrid, PictureSpan

PLAN = "plan.json"
FACTS = "part.json"
PLAN_VERSION = 1
# Of pictures that are encoded and thrown away: two spans of x264's buffer model, after which it
# stands where that of a whole encode does, and at least as far as its lookahead.
_WARM_UP_GOPS = 2
_RUN_OUT_GOPS = 1

Kind = Literal["plan", "pictures", "side", "join"]


@dataclass(frozen=True, slots=True)
class Part:
    """Which part of an encode a child makes, as its job says. ``plan`` is the plan's folder.

    ``plan``: encode the whole film, unless it is to be encoded in chunks of ``seconds`` each;
    then write the plan only. ``pictures``: chunk number ``chunk``; ``frames`` is how many
    pictures the title has, which the last chunk must know. ``side``: sounds and texts. ``join``:
    the parts in ``folders``, in order, that of the side last where there is one.
    """

    kind: Kind
    plan: Path
    seconds: int = 0
    chunk: int = 0
    frames: int = 0
    folders: tuple[Path, ...] = ()

    def to_json(self) -> dict[str, Any]:
        return {
            **asdict(self),
            "plan": str(self.plan),
            "folders": [str(folder) for folder in self.folders],
        }

    @classmethod
    def from_json(cls, values: dict[str, Any]) -> Self:
        folders = tuple(Path(folder) for folder in values.get("folders", ()))
        return cls(**{**values, "plan": Path(values["plan"]), "folders": folders})


@dataclass(frozen=True, slots=True)
class Plan:
    """How a film is encoded in chunks. Times in seconds on the container's clock.

    Chunk n begins with GOP ``borders[n]``. ``frames`` is how many pictures the title has if its
    sound is no longer than the picture, ``pictures`` how many of them come before the source's
    last one. ``has_side`` says whether there are sounds or texts. ``settings`` are
    those of the whole film (``EncodeSettings``), whoever makes a part.
    """

    video_index: int
    rate: Fraction
    origin: Fraction
    end: Fraction
    frames: int
    pictures: int
    borders: tuple[int, ...]
    has_side: bool
    settings: dict[str, Any]

    @property
    def grid(self) -> FrameGrid:
        return FrameGrid(self.rate, self.frames)

    def is_last(self, chunk: int) -> bool:
        return chunk == len(self.borders) - 1

    def span(self, chunk: int, frames: int) -> PictureSpan:
        """Of a title with ``frames`` pictures, which only the last chunk needs to know."""
        gop = self.grid.gop_frames
        first = self.borders[chunk]
        begin = max(0, first - _WARM_UP_GOPS) * gop
        if self.is_last(chunk):
            return PictureSpan(begin, first * gop, frames, frames)
        end = self.borders[chunk + 1] * gop
        return PictureSpan(begin, first * gop, end, min(self.pictures, end + _RUN_OUT_GOPS * gop))

    def save(self, folder: Path) -> None:
        values: dict[str, Any] = asdict(self)
        for name in ("rate", "origin", "end"):
            values[name] = [values[name].numerator, values[name].denominator]
        write_json(folder / PLAN, {"version": PLAN_VERSION, **values})

    @classmethod
    def load(cls, folder: Path) -> Self:
        """Raises OSError, and EncodeError for what is no plan of this version."""
        values = read_json(folder / PLAN)
        if values.pop("version", None) != PLAN_VERSION:
            raise EncodeError("the plan of this film's chunks is of another version")
        for name in ("rate", "origin", "end"):
            values[name] = Fraction(*values[name])
        return cls(**{**values, "borders": tuple(values["borders"])})


@dataclass(frozen=True, slots=True)
class PictureFacts:
    """What a chunk of the pictures knows of itself beside its tracks.

    ``renditions`` are names with peak bits a second, smallest first, and ``levels`` those of
    their rate buffers at the beginning, as the encoder believed. ``first`` and ``end`` are
    checksums of the scaled pictures there, the latter belonging to the next chunk (0: none).
    """

    renditions: dict[str, int]
    levels: dict[str, float]
    first: int
    end: int

    def save(self, folder: Path) -> None:
        write_json(folder / FACTS, asdict(self))

    @classmethod
    def load(cls, folder: Path) -> Self:
        return cls(**read_json(folder / FACTS))


def read_json(path: Path) -> dict[str, Any]:
    """Raises OSError, and EncodeError for what is no JSON."""
    try:
        values: dict[str, Any] = json.loads(path.read_bytes())
    except ValueError as error:
        raise EncodeError(f"{path.name} cannot be read") from error
    return values


def write_json(path: Path, values: dict[str, Any]) -> None:
    """Write and fsync; the caller makes the folder durable."""
    with path.open("w", encoding="utf-8") as file:
        json.dump(values, file)
        file.flush()
        os.fsync(file.fileno())
