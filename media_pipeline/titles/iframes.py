"""Where the IDRs stand in MPEG-TS segments, for playlists of nothing else (RFC 8216 §4.3.3.6).

The muxer begins each GOP with PAT and PMT, and all packets of the IDR follow them without a
packet of another stream in between, so that one byte range holds what a decoder needs for that
picture. The places are read from the segments that verification cuts, not computed.
"""

import numpy as np
import numpy.typing as npt

from media_pipeline.transport.mpegts import VIDEO_PID, packet_ids
from media_pipeline.transport.ts_packets import PACKET

# One row per GOP of a rendition: the byte range of PAT, PMT and IDR within its segment.
TS_I_FRAME = np.dtype([("offset", "<u4"), ("size", "<u4")])

_PAT_PID = 0
_UNIT_START = 0x40
_TABLES = 2  # packets before the IDR


def i_frames_file(rendition: str) -> str:
    return f"{rendition}.iframes.npy"


def i_frames(segment: bytes | memoryview) -> npt.NDArray[np.void]:
    """Rows of ``TS_I_FRAME`` for a segment as the muxer cut it."""
    packets = np.frombuffer(segment, np.uint8).reshape(-1, PACKET)
    pids = packet_ids(packets)
    starts = np.flatnonzero(pids == _PAT_PID)
    borders = np.append(
        np.flatnonzero((pids != VIDEO_PID) | (packets[:, 1] & _UNIT_START != 0)), len(packets)
    )
    ends = borders[np.searchsorted(borders, starts + _TABLES, side="right")]
    rows = np.zeros(len(starts), TS_I_FRAME)
    rows["offset"] = starts * PACKET
    rows["size"] = (ends - starts) * PACKET
    return rows
