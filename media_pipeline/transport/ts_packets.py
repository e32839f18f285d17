"""The packets of a transport stream (ISO/IEC 13818-1 §2.4.3), all at once.

A packet is a header of 4 bytes and 184 bytes of adaptation field and payload. The 184 bytes of
thousands of packets are joined first and then copied below their headers in one strided move:
nothing is done for each packet alone.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt

from media_pipeline.errors import DamagedTitle
from media_pipeline.transport.buffers import Room, new_room

PACKET = 188
BODY = 184
STUFFING = bytes([0xFF]) * BODY

_SYNC = 0x47
_UNIT_START = 0x40
_PAYLOAD = 0x10
_ADAPTATION = 0x20
# The four bytes of a header are one number. A body is one opaque item: it is copied in one go.
_PACKETS = np.dtype([("header", "<u4"), ("body", f"V{BODY}")])
_RUN = 3000  # packets whose bodies are joined at a time: 0.5 MB beside the segment

Ticks: TypeAlias = npt.NDArray[np.int64]
Pieces: TypeAlias = tuple[bytes | memoryview, ...]


def _adaptation(size: int) -> bytes:
    """An adaptation field that does nothing but fill ``size`` bytes (§2.4.3.5)."""
    if size < 2:
        return bytes(size)
    return bytes((size - 1, 0)) + STUFFING[: size - 2]


# By the bytes of payload that stand behind it in a packet; none where there is no such packet.
LAST_ADAPTATION = (b"", *(_adaptation(BODY - over) for over in range(1, BODY)))


@dataclass(frozen=True, slots=True)
class Units:
    """What goes into consecutive packets of one PID, in this order: PES packets or tables.

    For each unit: its ``times`` by which it is put among the others, so many ``packets``, its
    continuity ``counters`` at the first of them, and ``pieces`` that join to 184 bytes a packet,
    stuffing and adaptation fields included. ``begin_adapted`` and ``end_adapted``: whether the
    first, or last, packet has an adaptation field.
    """

    pid: int
    times: Ticks
    packets: Ticks
    counters: Ticks
    begin_adapted: npt.NDArray[np.bool_]
    end_adapted: npt.NDArray[np.bool_]
    pieces: list[Pieces]


def counted(begin: int, packets: Ticks) -> Ticks:
    """The counters that units of so many packets start with, when the first starts at ``begin``."""
    return begin + np.cumsum(packets) - packets


def packetized(groups: Sequence[Units], begin: int, room: Room = new_room) -> memoryview:
    """The packets of all units in the order of their times; none comes before those of ``begin``,
    the first picture's."""
    times = np.concatenate([group.times for group in groups])
    order = np.argsort(np.maximum(times, begin), kind="stable")

    def ordered(columns: list[npt.NDArray[Any]]) -> npt.NDArray[Any]:
        return np.concatenate(columns)[order]

    pieces = [unit for group in groups for unit in group.pieces]
    sizes = ordered([group.packets for group in groups])
    ends = np.cumsum(sizes)
    starts = ends - sizes
    total = int(ends[-1])
    pids = ordered([np.full(len(group.times), group.pid) for group in groups])
    fixed = _SYNC | pids >> 8 << 8 | (pids & 0xFF) << 16 | _PAYLOAD << 24
    # Counters wrap at 16, numbers of packets at 2^32.
    counters = ordered([group.counters for group in groups]) - starts & 0x0F
    headers = np.arange(total, dtype="<u4")
    headers += np.repeat(counters.astype("<u4"), sizes)
    headers &= 0x0F
    headers <<= 24
    headers |= np.repeat(fixed.astype("<u4"), sizes)
    headers[starts] |= _UNIT_START << 8
    headers[starts[ordered([group.begin_adapted for group in groups])]] |= _ADAPTATION << 24
    headers[ends[ordered([group.end_adapted for group in groups])] - 1] |= _ADAPTATION << 24
    packets = room(total * PACKET).view(_PACKETS)
    packets["header"] = headers
    units = order.tolist()
    for run in _runs(ends):
        joined = b"".join([piece for number in units[run] for piece in pieces[number]])
        bodies = packets["body"][starts[run.start] : ends[run.stop - 1]]
        if len(joined) != bodies.nbytes:
            raise DamagedTitle("a segment's packets do not add up")
        bodies[:] = np.frombuffer(joined, bodies.dtype)
    return packets.view(np.uint8).data


def _runs(ends: Ticks) -> Iterator[slice]:
    """All units, as many at a time as fill about ``_RUN`` packets."""
    first = 0
    while first < len(ends):
        before = ends[first - 1] if first else 0
        last = max(first + 1, int(np.searchsorted(ends, before + _RUN, side="right")))
        yield slice(first, last)
        first = last
