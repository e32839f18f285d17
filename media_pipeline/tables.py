"""Tables beside a track file: where each sample is, each fragment's checksum, each segment's facts.

They are NumPy ``.npy`` files (version 1.0), written and read with one spelling of their header:
whatever else stands there is damage, and nothing of it is evaluated. A reader takes just the rows
it needs with ``os.pread``: the cost of a cut does not depend on the length of the film, and a file
cut short is an error, not a SIGBUS as with a memory map.
"""

import os
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Self

import numpy as np
import numpy.typing as npt

from media_pipeline.errors import DamagedTitle

# One row per coded picture or AAC frame, in decoding order. ``offset`` and ``size`` are bytes in
# the track file; ``dts``, ``pts`` and ``duration`` are ticks of the track's time scale, dts ≤ pts.
SAMPLE = np.dtype(
    [
        ("offset", "<u8"),
        ("dts", "<i8"),
        ("pts", "<i8"),
        ("size", "<u4"),
        ("duration", "<u4"),
        ("idr", "u1"),
    ]
)

# One row per GOP of the title: the movie fragment (moof and mdat) at ``offset``, ``size`` bytes
# with the checksum ``xxh3`` (XXH3, 64 bits), that holds ``samples`` samples from ``first_sample``.
# A GOP may have no sound (size 0, the last one only).
FRAGMENT = np.dtype(
    [
        ("offset", "<u8"),
        ("size", "<u8"),
        ("xxh3", "<u8"),
        ("first_sample", "<u8"),
        ("samples", "<u4"),
    ]
)

# One row per MPEG-TS segment of a rendition as the muxer cut it when the title was verified:
# its size in bytes, its checksum and the continuity counters it starts with.
TS_SEGMENT = np.dtype(
    [
        ("size", "<u8"),
        ("xxh3", "<u8"),
        ("video_counter", "u1"),
        ("audio_counter", "u1"),
    ]
)

Rows = npt.NDArray[np.void]

_MAGIC = b"\x93NUMPY\x01\x00"
_LENGTH_END = len(_MAGIC) + 2


def samples_file(track: str) -> str:
    return f"{track}.samples.npy"


def fragments_file(track: str) -> str:
    return f"{track}.fragments.npy"


def segments_file(rendition: str) -> str:
    return f"{rendition}.segments.npy"


def write_table(path: Path, rows: Rows) -> None:
    """Write ``rows``; the caller makes the folder durable."""
    with path.open("wb") as file:
        np.save(file, rows, allow_pickle=False)
        file.flush()
        os.fsync(file.fileno())


def read_exactly(file: int, size: int, offset: int, path: Path) -> memoryview:
    """``size`` bytes at ``offset`` of an open descriptor; DamagedTitle when they are not there.

    They are in memory of their own that may be changed, and that is not cleared first, as a
    bytearray's is.
    """
    if os.fstat(file).st_size < offset + size:  # before memory is asked for, however much
        raise DamagedTitle(f"{path.name} ends before byte {offset + size}")
    data = np.empty(size, np.uint8).data
    done = 0
    while done < size:  # one read returns at most 2 GiB
        count = os.preadv(file, [data[done:]], offset + done)
        if not count:
            raise DamagedTitle(f"{path.name} ends before byte {offset + size}")
        done += count
    return data


def _header(dtype: np.dtype[np.void]) -> bytes:
    """A pattern of the header that ``np.save`` writes for rows of this type; its group is their
    number."""
    columns = re.escape(repr(np.lib.format.dtype_to_descr(dtype)))
    text = rf"\{{'descr': {columns}, 'fortran_order': False, 'shape': \((\d{{1,15}}),\), \}} *\n"
    return text.encode()


@dataclass(frozen=True, slots=True)
class Table:
    """A table on disk, of which only the header was read."""

    path: Path
    dtype: np.dtype[np.void]
    start: int
    rows: int

    @classmethod
    def open(cls, path: Path, dtype: np.dtype[np.void]) -> Self:
        """Raises DamagedTitle for what is no whole table with these columns."""
        try:
            with path.open("rb") as file:
                beginning = file.read(_LENGTH_END)
                header = file.read(int.from_bytes(beginning[len(_MAGIC) :], "little"))
                size = os.fstat(file.fileno()).st_size
        except OSError as error:
            raise DamagedTitle(f"{path.name} cannot be read") from error
        if not beginning.startswith(_MAGIC):
            raise DamagedTitle(f"{path.name} is not a table of this version")
        match = re.fullmatch(_header(dtype), header)
        if match is None:
            raise DamagedTitle(f"{path.name} does not have the expected columns")
        start, rows = _LENGTH_END + len(header), int(match[1])
        if size != start + rows * dtype.itemsize:
            raise DamagedTitle(f"{path.name} does not have the {rows} rows that it should")
        return cls(path, dtype, start, rows)

    def read(self, first: int, count: int) -> Rows:
        """Rows ``first`` to ``first + count``; IndexError when the table has no such rows,
        DamagedTitle when they cannot be read."""
        if first < 0 or count < 0 or first + count > self.rows:
            raise IndexError(first)
        width = self.dtype.itemsize
        try:
            file = os.open(self.path, os.O_RDONLY | os.O_CLOEXEC)
        except OSError as error:
            raise DamagedTitle(f"{self.path.name} cannot be opened") from error
        try:
            data = read_exactly(file, count * width, self.start + first * width, self.path)
        except OSError as error:
            raise DamagedTitle(f"{self.path.name} cannot be read") from error
        finally:
            os.close(file)
        return np.frombuffer(data, self.dtype)

    def read_samples(self, fragments: Rows) -> Rows:
        """Of a sample table, the rows of consecutive fragments. Raises DamagedTitle."""
        try:
            return self.read(int(fragments["first_sample"][0]), int(fragments["samples"].sum()))
        except IndexError as error:
            raise DamagedTitle(f"{self.path.name} has no rows for a fragment") from error
