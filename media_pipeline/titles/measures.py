"""What one muxer makes of a title, for titles that were published by another version of it.

Sizes, checksums, continuity counters and bandwidths of MPEG-TS segments hold for one muxer only
(``mpegts.MUXER_ID``). Those of the muxer that published a title are in its tables and its
manifest. Any other one's are made once from the track files and kept beside them, in one file
named by the muxer: so servers of several versions can serve one store side by side.
"""

import io
import os
import secrets
import struct
import zipfile
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Self

import numpy as np

from media_pipeline.errors import DamagedTitle
from media_pipeline.tables import TS_SEGMENT, Rows
from media_pipeline.titles.iframes import TS_I_FRAME
from media_pipeline.titles.manifest import Manifest, RenditionFacts
from media_pipeline.transport.mpegts import MUXER_ID

# A rendition's peak and average bandwidth, bits a second.
_BANDWIDTHS = np.dtype([("peak", "<u8"), ("average", "<u8")])
_NOTHING = np.zeros(0, _BANDWIDTHS)
_TEMPORARY = ".tmp-"
# What zipfile raises for archives that are not whole; NotImplementedError is a RuntimeError.
_NOT_WHOLE = (
    OSError,
    ValueError,
    KeyError,
    EOFError,
    RuntimeError,
    OverflowError,
    struct.error,
    zipfile.BadZipFile,
)


def muxer_slug(muxer: str = MUXER_ID) -> str:
    """The muxer's name as a part of file names."""
    return "".join(letter if letter.isalnum() else "-" for letter in muxer)


def measures_path(folder: Path) -> Path:
    return folder / f"measures.{muxer_slug()}.npz"


def _arrays(data: bytes) -> Mapping[str, Rows]:
    """Members of the archive by name. Each is compared with its CRC-32 (which costs nothing
    beside cutting) before NumPy looks at it. Raises DamagedTitle."""
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            members = {name: archive.read(name) for name in archive.namelist()}
        return {
            name: np.lib.format.read_array(io.BytesIO(member), allow_pickle=False)
            for name, member in members.items()
        }
    except _NOT_WHOLE as error:
        raise DamagedTitle("measures that cannot be read") from error


@dataclass(frozen=True, slots=True)
class RenditionMeasures:
    """Rows of ``TS_SEGMENT`` and of ``TS_I_FRAME``, and ``facts`` with the bandwidths."""

    facts: RenditionFacts
    segments: Rows
    i_frames: Rows


@dataclass(frozen=True, slots=True)
class Measures:
    """By rendition, smallest first, for this version of the muxer."""

    renditions: Mapping[str, RenditionMeasures]

    def applied(self, manifest: Manifest) -> Manifest:
        """The manifest as this muxer would have made it."""
        facts = tuple(measured.facts for measured in self.renditions.values())
        return replace(manifest, muxer=MUXER_ID, renditions=facts)

    def to_bytes(self) -> bytes:
        arrays: dict[str, Rows] = {}
        for name, measured in self.renditions.items():
            facts = measured.facts
            rates = (facts.peak_bandwidth, facts.average_bandwidth)
            arrays[f"{name}.segments"] = measured.segments
            arrays[f"{name}.iframes"] = measured.i_frames
            arrays[f"{name}.bandwidths"] = np.array([rates], _BANDWIDTHS)
        file = io.BytesIO()
        np.savez(file, allow_pickle=False, **arrays)
        return file.getvalue()

    @classmethod
    def from_bytes(cls, data: bytes, manifest: Manifest) -> Self:
        """Raises DamagedTitle for what is not whole (each array has a checksum of its own), or
        not of a title with this manifest."""
        grid = manifest.grid
        found = {}
        arrays = _arrays(data)
        for facts in manifest.renditions:
            rows = [
                arrays.get(f"{facts.name}.{table}.npy", _NOTHING)
                for table in ("segments", "iframes", "bandwidths")
            ]
            expected = (
                (TS_SEGMENT, grid.segment_count),
                (TS_I_FRAME, grid.gops),
                (_BANDWIDTHS, 1),
            )
            if [(each.dtype, *each.shape) for each in rows] != list(expected):
                raise DamagedTitle("measures of another title")
            peak, average = (int(value) for value in rows[2][0])
            measured = replace(facts, peak_bandwidth=peak, average_bandwidth=average)
            found[facts.name] = RenditionMeasures(measured, rows[0], rows[1])
        return cls(found)

    @classmethod
    def load(cls, folder: Path, manifest: Manifest) -> Self | None:
        """Those that are kept beside the title; None when there are none that can be used."""
        try:
            return cls.from_bytes(measures_path(folder).read_bytes(), manifest)
        except (OSError, DamagedTitle):
            return None

    def save(self, folder: Path) -> None:
        """Keep them beside the title; they are there whole or not at all. Raises OSError."""
        path = measures_path(folder)
        temporary = path.with_name(_TEMPORARY + secrets.token_hex(8))
        try:
            with temporary.open("wb") as file:
                file.write(self.to_bytes())
                file.flush()
                os.fsync(file.fileno())
            temporary.replace(path)
        except OSError:
            temporary.unlink(missing_ok=True)
            raise
