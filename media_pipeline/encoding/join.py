"""The parts of a film become its tracks: bytes are copied, tables are moved along."""

import os
import shutil
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from fractions import Fraction
from itertools import pairwise
from pathlib import Path

import numpy as np

from media_pipeline.errors import NotInChunks
from media_pipeline.parts import PictureFacts
from media_pipeline.pictures.rate_buffer import RateBuffer
from media_pipeline.sources.side_facts import SideStreams
from media_pipeline.tables import (
    FRAGMENT,
    SAMPLE,
    Rows,
    Table,
    fragments_file,
    samples_file,
    write_table,
)

_COPIED_AT_ONCE = 1024 * 1024
# Of the rate buffer: a twelfth of what a segment may hold at its peak rate.
_LARGEST_DEBT = 0.25


@dataclass(frozen=True, slots=True)
class _Piece:
    """One part of one track: its initialisation part is ``init``, fragments follow."""

    path: Path
    init: bytes
    samples: Rows
    fragments: Rows

    @classmethod
    def load(cls, folder: Path, track: str) -> "_Piece":
        samples = Table.open(folder / samples_file(track), SAMPLE)
        fragments = Table.open(folder / fragments_file(track), FRAGMENT)
        rows = fragments.read(0, fragments.rows)
        path = folder / f"{track}.mp4"
        with path.open("rb") as file:
            init = file.read(int(rows["offset"][0]))
        return cls(path, init, samples.read(0, samples.rows), rows)


def joined_pictures(
    folders: Sequence[Path],
    output: Path,
    rate: Fraction,
    step: Callable[[float], None],
) -> list[str]:
    """Join the chunks in ``folders``, in their order, into the tracks of ``output``.

    ``rate`` is that of the pictures. Returns the renditions' names, smallest first. ``step`` is
    called with 0 to 1. Raises NotInChunks when the chunks do not fit together.
    """
    facts = [PictureFacts.load(folder) for folder in folders]
    for before, after in pairwise(facts):
        if before.renditions != after.renditions:
            raise NotInChunks("The picture changes its size within the film.")
        if before.end != after.first:
            raise NotInChunks("Two chunks decode their border's picture differently.")
    renditions = facts[0].renditions
    for done, (track, max_bitrate) in enumerate(renditions.items()):
        pieces = [_Piece.load(folder, track) for folder in folders]
        _check_rate(pieces, [fact.levels[track] for fact in facts], RateBuffer(max_bitrate, rate))
        _join(pieces, output, track)
        step((done + 1) / len(renditions))
    return list(renditions)


def copy_tracks(folder: Path, output: Path, streams: SideStreams) -> None:
    """Copy the tracks of sounds and texts, which need no joining."""
    names = {sound.name for sound in streams.sounds} | {text.name for text in streams.texts}
    for path in folder.iterdir():
        if path.name.partition(".")[0] in names:
            with path.open("rb") as source, (output / path.name).open("xb") as file:
                shutil.copyfileobj(source, file, _COPIED_AT_ONCE)
                file.flush()
                os.fsync(file.fileno())


def _check_rate(pieces: Sequence[_Piece], believed: Sequence[float], buffer: RateBuffer) -> None:
    """A chunk spends what it believes to be in the rate buffer; what is not there makes its first
    segment too large."""
    for piece, level in zip(pieces, believed, strict=True):
        if level - buffer.level > _LARGEST_DEBT:
            raise NotInChunks("The film's pictures take too many bits where chunks meet.")
        buffer.take(piece.samples["size"].tolist())


def _join(pieces: Sequence[_Piece], output: Path, track: str) -> None:
    init = pieces[0].init
    if any(piece.init != init for piece in pieces):
        # Other parameter sets: other colours, another reordering delay.
        raise NotInChunks("The chunks of the picture are coded differently.")
    samples, fragments = [], []
    count = 0
    with (output / f"{track}.mp4").open("xb") as file:
        file.write(init)
        for piece in pieces:
            shift = np.uint64(file.tell() - len(init))
            moved_samples, moved_fragments = piece.samples.copy(), piece.fragments.copy()
            moved_samples["offset"] += shift
            moved_fragments["offset"] += shift
            moved_fragments["first_sample"] += np.uint64(count)
            samples.append(moved_samples)
            fragments.append(moved_fragments)
            count += len(moved_samples)
            with piece.path.open("rb") as source:
                source.seek(len(init))
                shutil.copyfileobj(source, file, _COPIED_AT_ONCE)
        file.flush()
        os.fsync(file.fileno())
    write_table(output / samples_file(track), np.concatenate(samples))
    write_table(output / fragments_file(track), np.concatenate(fragments))
