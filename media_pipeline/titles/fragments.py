"""Writer of fragmented MP4 track files (CMAF), one movie fragment for each GOP of the title.

The initialisation part (ftyp, moov) comes from libavformat; the fragments are written here,
because libavformat's muxer cannot cut sound on the pictures' grid. Boxes are those of
ISO/IEC 14496-12 §8.8; track files follow ISO/IEC 23000-19 §7.3.
"""

import os
import struct
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import xxhash

from media_pipeline.tables import (
    FRAGMENT,
    SAMPLE,
    fragments_file,
    samples_file,
    write_table,
)

_SYNC = 0x02000000  # sample_depends_on = 2: an IDR, or any AAC frame
_NON_SYNC = 0x01010000  # sample_depends_on = 1, sample_is_non_sync_sample

_DEFAULT_BASE_IS_MOOF = 0x020000
_DEFAULT_DURATION = 0x000008
_DEFAULT_FLAGS = 0x000020
_DATA_OFFSET = 0x000001
_FIRST_SAMPLE_FLAGS = 0x000004
_SAMPLE_SIZE = 0x000200
_SAMPLE_COMPOSITION_OFFSET = 0x000800

_MDAT_HEADER = 8


@dataclass(frozen=True, slots=True)
class Sample:
    """One coded picture (length-prefixed NAL units) or AAC frame; times in track ticks."""

    data: bytes
    dts: int
    pts: int
    is_idr: bool


def _box(kind: bytes, *parts: bytes) -> bytes:
    return struct.pack(">I4s", 8 + sum(map(len, parts)), kind) + b"".join(parts)


def _full_box(kind: bytes, version: int, flags: int, *parts: bytes) -> bytes:
    return _box(kind, struct.pack(">I", version << 24 | flags), *parts)


def length_prefixed(annex_b: bytes) -> bytes:
    """NAL units after start codes (H.264 Annex B) as NAL units after 4-byte lengths.

    Emulation prevention (§7.4.1) guarantees that a start code is never part of a NAL unit.
    ISO/IEC 14496-15 §5.2.3 gives the form with lengths.
    """
    units: list[bytes] = []
    start = annex_b.find(b"\x00\x00\x01")
    while start >= 0:
        start += 3
        following = annex_b.find(b"\x00\x00\x01", start)
        end = len(annex_b) if following < 0 else following
        # Zeros before the next start code are trailing_zero_8bits or its own leading zero.
        unit = annex_b[start:end].rstrip(b"\x00")
        units.append(struct.pack(">I", len(unit)) + unit)
        start = following
    return b"".join(units)


def movie_fragment(
    sequence: int, samples: Sequence[Sample], decode_time: int, duration: int
) -> bytes:
    """The moof box of one track's fragment, which its mdat box follows.

    ``decode_time`` is the first sample's baseMediaDecodeTime (never negative), ``duration`` that
    of every sample, both in track ticks.
    """
    has_offsets = any(sample.pts != sample.dts for sample in samples)
    all_sync = all(sample.is_idr for sample in samples)
    header = _full_box(
        b"tfhd",
        0,
        _DEFAULT_BASE_IS_MOOF | _DEFAULT_DURATION | _DEFAULT_FLAGS,
        struct.pack(">III", 1, duration, _SYNC if all_sync else _NON_SYNC),
    )
    time = _full_box(b"tfdt", 1, 0, struct.pack(">Q", decode_time))
    flags = _DATA_OFFSET | _SAMPLE_SIZE
    if not all_sync:
        flags |= _FIRST_SAMPLE_FLAGS
    if has_offsets:
        flags |= _SAMPLE_COMPOSITION_OFFSET
        rows = b"".join(
            struct.pack(">Ii", len(sample.data), sample.pts - sample.dts) for sample in samples
        )
    else:
        rows = b"".join(struct.pack(">I", len(sample.data)) for sample in samples)
    first = b"" if all_sync else struct.pack(">I", _SYNC)

    def moof(data_offset: int) -> bytes:
        run = _full_box(
            b"trun", 1, flags, struct.pack(">Ii", len(samples), data_offset), first, rows
        )
        return _box(
            b"moof",
            _full_box(b"mfhd", 0, 0, struct.pack(">I", sequence)),
            _box(b"traf", header, time, run),
        )

    return moof(len(moof(0)) + _MDAT_HEADER)


def with_edit_list(init: bytes, media_time: int) -> bytes:
    """The initialisation part with an edit that starts the presentation at ``media_time``.

    Decoding times in a track file count from 0, so pictures come later than in the title by the
    encoder's reordering delay, and AAC frames by its priming: the edit (ISO/IEC 14496-12 §8.6.6,
    ISO/IEC 23000-19 §7.5.13) takes it back. A duration of 0 means the whole track.
    """
    edit = _box(
        b"edts",
        _full_box(b"elst", 0, 0, struct.pack(">IIihh", 1, 0, media_time, 1, 0)),
    )
    moov = init.index(b"moov") - 4
    trak = init.index(b"trak", moov) - 4
    header = init.index(b"tkhd", trak) - 4
    after = header + int.from_bytes(init[header : header + 4], "big")
    grown = bytearray(init[:after] + edit + init[after:])
    for box in (moov, trak):
        size = int.from_bytes(grown[box : box + 4], "big") + len(edit)
        grown[box : box + 4] = struct.pack(">I", size)
    return bytes(grown)


class TrackWriter:
    """Writes ``<track>.mp4`` and, on ``finish``, its sample and fragment tables.

    ``duration`` is that of every sample in track ticks. ``first_gop`` is the GOP that the first
    fragment is of, ``start`` its time in track ticks: a part of a track has the fragments that
    the whole track has there. Writes go through a Python file, which raises on a full disk
    (libavformat's own output to a path does not).
    """

    def __init__(
        self,
        folder: Path,
        track: str,
        init: bytes,
        duration: int,
        *,
        first_gop: int = 0,
        start: int = 0,
    ) -> None:
        self.track = track
        self._folder = folder
        self._duration = duration
        self._file = (folder / f"{track}.mp4").open("xb")
        self._init = init
        self._first_gop = first_gop
        self._start = start
        self._offset = 0
        self._first_dts = 0  # of the whole track
        self._samples: list[np.ndarray] = []
        self._fragments: list[tuple[int, int, int, int, int]] = []
        self._count = 0

    def close(self) -> None:
        """Close the track file; after ``finish``, or instead of it when the encode failed."""
        self._file.close()

    def write_fragment(self, samples: Sequence[Sample]) -> None:
        """Append the fragment of the next GOP; empty when nothing of this track falls into it.

        The first one must not be empty.
        """
        if not self._count:
            self._begin(samples[0].dts - self._start)
        if not samples:
            self._fragments.append((self._offset, 0, 0, self._count, 0))
            return
        decode_time = samples[0].dts - self._first_dts
        sequence = self._first_gop + len(self._fragments) + 1
        moof = movie_fragment(sequence, samples, decode_time, self._duration)
        fragment = moof + _box(b"mdat", *(sample.data for sample in samples))
        rows = np.zeros(len(samples), SAMPLE)
        rows["size"] = [len(sample.data) for sample in samples]
        rows["offset"] = self._offset + len(moof) + _MDAT_HEADER
        rows["offset"][1:] += np.cumsum(rows["size"][:-1], dtype=np.uint64)
        rows["dts"] = [sample.dts for sample in samples]
        rows["pts"] = [sample.pts for sample in samples]
        rows["duration"] = self._duration
        rows["idr"] = [sample.is_idr for sample in samples]
        self._file.write(fragment)
        self._fragments.append(
            (
                self._offset,
                len(fragment),
                xxhash.xxh3_64_intdigest(fragment),
                self._count,
                len(samples),
            )
        )
        self._samples.append(rows)
        self._offset += len(fragment)
        self._count += len(samples)

    def _begin(self, first_dts: int) -> None:
        init = with_edit_list(self._init, -first_dts) if first_dts else self._init
        self._file.write(init)
        self._offset = len(init)
        self._first_dts = first_dts

    def finish(self) -> None:
        """Make the track file durable and write its tables."""
        self._file.flush()
        os.fsync(self._file.fileno())
        self._file.close()
        samples = np.concatenate(self._samples) if self._samples else np.zeros(0, SAMPLE)
        write_table(self._folder / samples_file(self.track), samples)
        write_table(self._folder / fragments_file(self.track), np.array(self._fragments, FRAGMENT))
