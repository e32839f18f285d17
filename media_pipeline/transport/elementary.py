"""From samples as MP4 stores them to the byte streams that MPEG-TS carries.

H.264: NAL units after their lengths (ISO/IEC 14496-15 §5.3.4.2) become an Annex B byte stream
(ISO/IEC 14496-10). AAC: raw frames get ADTS headers (ISO/IEC 14496-3 §1.A.2).
"""

import struct
from dataclasses import dataclass
from typing import Self

import numpy as np
import numpy.typing as npt

from media_pipeline.errors import DamagedTitle

START_CODE = b"\x00\x00\x00\x01"

_ADTS_HEADER = 7
_LONGEST_ADTS = 0x1FFF
_AAC_LC = 2

Bytes = npt.NDArray[np.uint8]


def parameter_sets(record: bytes) -> bytes:
    """The SPS and PPS of an avcC record (ISO/IEC 14496-15 §5.3.3.1), each after a start code.

    Raises DamagedTitle, also where NAL lengths are not of four bytes.
    """
    try:
        if record[0] != 1 or record[4] & 3 != 3:
            raise DamagedTitle("a track's H.264 record is not of the expected kind")
        sequence_sets, position = _units(record, 6, record[5] & 0x1F)
        picture_sets, _ = _units(record, position + 1, record[position])
    except (IndexError, struct.error) as error:
        raise DamagedTitle("a track's H.264 record is cut short") from error
    return sequence_sets + picture_sets


def _units(record: bytes, position: int, count: int) -> tuple[bytes, int]:
    """So many NAL units after lengths of two bytes, now after start codes, and where they end."""
    found = b""
    for _ in range(count):
        (size,) = struct.unpack_from(">H", record, position)
        position += 2
        found += START_CODE + record[position : position + size]
        position += size
    return found, position


def to_annex_b(data: Bytes, starts: npt.NDArray[np.int64], ends: npt.NDArray[np.int64]) -> None:
    """Overwrite the length before each NAL unit of the samples by a start code, in place.

    The samples lie at ``data[starts:ends]``. Both prefixes have four bytes, so nothing moves.
    Raises DamagedTitle when the lengths do not add up to the sample.
    """
    at, end = starts, ends
    while at.size:
        if np.any(at + 4 > end):
            raise DamagedTitle("a NAL unit lies outside of its sample")
        prefix = at[:, None] + np.arange(4)
        length = data[prefix].view(">u4")[:, 0].astype(np.int64)
        data[prefix] = np.frombuffer(START_CODE, np.uint8)
        at = at + 4 + length
        more = at != end
        at, end = at[more], end[more]


@dataclass(frozen=True, slots=True)
class Adts:
    """What the ADTS headers of a track have in common: the sampling_frequency_index and the
    channel_configuration of an AAC-LC track."""

    rate_index: int
    channels: int

    @classmethod
    def of(cls, config: bytes) -> Self:
        """From an AudioSpecificConfig (ISO/IEC 14496-3 §1.6.2.1). Raises DamagedTitle."""
        if len(config) < 2 or config[0] >> 3 != _AAC_LC:
            raise DamagedTitle("a sound track is not AAC-LC")
        return cls((config[0] & 7) << 1 | config[1] >> 7, config[1] >> 3 & 0xF)

    def headers(self, sizes: npt.NDArray[np.int64]) -> Bytes:
        """A header of seven bytes for each frame of so many bytes, as an (n, 7) array."""
        length = sizes + _ADTS_HEADER
        if np.any(length > _LONGEST_ADTS):
            raise DamagedTitle("an AAC frame is longer than a header can say")
        made = np.empty((len(sizes), _ADTS_HEADER), np.uint8)
        made[:, 0] = 0xFF
        made[:, 1] = 0xF1  # MPEG-4, no checksum
        made[:, 2] = (_AAC_LC - 1) << 6 | self.rate_index << 2 | self.channels >> 2
        made[:, 3] = (self.channels & 3) << 6 | length >> 11
        made[:, 4] = length >> 3 & 0xFF
        made[:, 5] = (length & 7) << 5 | 0x1F  # buffer fullness: variable rate
        made[:, 6] = 0xFC
        return made
