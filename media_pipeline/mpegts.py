"""MPEG-TS segments of a title's samples (ISO/IEC 13818-1), a whole segment at once.

Timestamps run through the whole film: PTS = ``TS_START`` + the title's time. PAT and PMT come
first, and before every further IDR. Continuity counters (§2.4.3.3) run through the film as well,
however and wherever its segments are cut: the caller says where they stand.

A packet is a header of 4 bytes and 184 bytes of adaptation field and payload. The 184 bytes of
all packets are joined first, picture by picture, and then copied below their headers in one
strided move: nothing is done for each packet alone.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from media_pipeline.elementary import Adts, to_annex_b
from media_pipeline.errors import DamagedTitle
from media_pipeline.psi import PMT_PID, program_tables
from media_pipeline.tables import Rows
from media_pipeline.timeline import MPEG_CLOCK, rescale

PACKET = 188
TS_START = 126_000  # 1.4 s of 90 kHz ticks: room for decoding times and clocks before the start

PAT_PID = 0
VIDEO_PID = 0x100
AUDIO_PID = 0x101

# What makes a segment's bytes: stored beside checksums of segments, which hold for it alone.
MUXER_ID = "videoflix-ts/1"

_BODY = 184
_SYNC = 0x47
_UNIT_START = 0x40
_PAYLOAD = 0x10
_ADAPTATION = 0x20
# The clock runs this many ticks ahead of the decoding times (0.7 s): a picture of any size is
# there before it is due.
_CLOCK_LEAD = 63_000
_CLOCK_FIELD = 8  # adaptation field with a PCR: its length, its flags, six bytes
_VIDEO_STREAM, _AUDIO_STREAM = 0xE0, 0xC0  # stream_id, Table 2-22
_PES_HEADER = 9  # up to PES_header_data_length, §2.4.3.6
_TIMESTAMP = 5
# AAC frames in one PES packet: 128 ms at 48 kHz.
_FRAMES_A_UNIT = 6
_AUD = b"\x00\x00\x00\x01\x09\xf0"  # access unit delimiter, ISO/IEC 14496-10 §7.3.2.4
_STUFFING = bytes([0xFF]) * _BODY

Bytes = npt.NDArray[np.uint8]
Ticks = npt.NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class TrackSamples:
    """The samples of one track that fall into a segment, as slices of ``data``.

    ``rows`` are rows of the sample table, ``base`` the file offset of ``data[0]``. Muxing changes
    the data.
    """

    rows: Rows
    data: memoryview
    base: int
    timescale: int

    def places(self) -> tuple[Ticks, Ticks]:
        """Where in ``data`` each sample begins and ends. Raises DamagedTitle."""
        starts = self.rows["offset"].astype(np.int64) - self.base
        ends = starts + self.rows["size"]
        if len(starts) and (starts.min() < 0 or ends.max() > len(self.data)):
            raise DamagedTitle("a sample lies outside of its fragment")
        return starts, ends

    def ticks(self, column: str) -> Ticks:
        """Title times of all samples in ticks of the transport stream's clock."""
        return TS_START + rescale(self.rows[column], self.timescale, MPEG_CLOCK)


@dataclass(frozen=True, slots=True)
class Counters:
    """Continuity counters (0 to 15) that a segment starts with."""

    tables: int
    video: int
    audio: int


class _Unit(NamedTuple):
    """What goes into consecutive packets of one PID: a PES packet or a table.

    ``pieces`` join to ``packets`` × 184 bytes, stuffing and adaptation fields included.
    ``begins_adapted`` and ``ends_adapted``: the first, or last, packet has an adaptation field.
    """

    time: int
    pid: int
    packets: int
    begins_adapted: bool
    ends_adapted: bool
    pieces: tuple[bytes | memoryview, ...]


def mux_segment(
    picture: tuple[bytes, TrackSamples], sound: tuple[Adts, TrackSamples] | None, counters: Counters
) -> memoryview:
    """One segment, of a picture with its parameter sets and at most one sound.

    The video samples begin with an IDR. Equal input gives equal bytes.
    """
    tables = program_tables(VIDEO_PID, None if sound is None else AUDIO_PID)
    units = list(_pictures(*picture, tables))
    if sound is not None:
        units += _sounds(*sound)
        begin = units[0].time
        # Stable: tables and picture go first where times are equal, and first of all.
        units.sort(key=lambda unit: max(begin, unit.time))
    return _packetized(units, counters)


def _pictures(
    parameters: bytes, track: TrackSamples, tables: tuple[bytes, bytes]
) -> Iterator[_Unit]:
    starts, ends = track.places()
    to_annex_b(np.frombuffer(track.data, np.uint8), starts, ends)
    shown, decoded = track.ticks("pts"), track.ticks("dts")
    # Two forms (§2.4.3.7: no DTS where it equals the PTS); a slice of the longer one is taken.
    both = shown != decoded
    stamps = 2 * _TIMESTAMP
    head = np.empty((len(shown), _CLOCK_FIELD + _PES_HEADER + stamps), np.uint8)
    head[:, 0] = _CLOCK_FIELD - 1
    head[:, 1] = 0x10 | track.rows["idr"].astype(np.uint8) * 0x40  # PCR, random access
    head[:, 2:8] = _clock(decoded - _CLOCK_LEAD)
    pes = head[:, _CLOCK_FIELD:]
    pes[:, :6] = (0, 0, 1, _VIDEO_STREAM, 0, 0)  # length 0: unbounded
    pes[:, 6] = 0x84  # aligned: an access unit begins here
    pes[:, 7] = np.where(both, 0xC0, 0x80)
    pes[:, 8] = np.where(both, stamps, _TIMESTAMP)
    pes[:, 9:14] = _timestamp(shown, np.where(both, 3, 2))
    pes[:, 14:19] = _timestamp(decoded, 1)
    heads = head.tobytes()
    data = track.data
    width = head.shape[1]
    beginnings = ((width - _TIMESTAMP, _AUD), (width, _AUD))
    for number, (start, end, time, has_both, is_idr) in enumerate(
        zip(
            starts.tolist(),
            ends.tolist(),
            decoded.tolist(),
            both.tolist(),
            track.rows["idr"].tolist(),
            strict=True,
        )
    ):
        taken, delimiter = beginnings[has_both]
        first = heads[number * width : number * width + taken] + delimiter
        if is_idr:
            yield _Unit(time, PAT_PID, 1, False, False, (tables[0],))
            yield _Unit(time, PMT_PID, 1, False, False, (tables[1],))
            first += parameters
        yield _video_unit(time, first, data[start:end])


def _video_unit(time: int, first: bytes, sample: memoryview) -> _Unit:
    """``first`` is an adaptation field with a clock, the PES header and what comes before the
    sample."""
    pieces: tuple[bytes | memoryview, ...]
    whole, over = divmod(len(first) + len(sample), _BODY)
    if not over:
        return _Unit(time, VIDEO_PID, whole, True, False, (first, sample))
    stuffing = _BODY - over
    if not whole:
        # One packet: its adaptation field, which comes first, grows.
        grown = bytes([first[0] + stuffing]) + first[1:_CLOCK_FIELD] + _STUFFING[:stuffing]
        pieces = (grown, first[_CLOCK_FIELD:], sample)
        return _Unit(time, VIDEO_PID, 1, True, False, pieces)
    last = len(sample) - over
    if last < 0:
        data = first + bytes(sample)
        pieces = (data[:-over], _adaptation(stuffing), data[-over:])
    else:
        pieces = (first, sample[:last], _adaptation(stuffing), sample[last:])
    return _Unit(time, VIDEO_PID, whole + 1, True, True, pieces)


def _adaptation(size: int) -> bytes:
    """An adaptation field that does nothing but fill ``size`` bytes (§2.4.3.5)."""
    return b"\x00" if size == 1 else bytes((size - 1, 0)) + _STUFFING[: size - 2]


def _sounds(adts: Adts, track: TrackSamples) -> Iterator[_Unit]:
    """PES packets of a few frames each; their first frame's time is theirs."""
    starts, ends = track.places()
    times = track.ticks("pts")[::_FRAMES_A_UNIT]
    headers = adts.headers(ends - starts).tobytes()
    stamps = _timestamp(times, 2).tobytes()
    data = track.data
    frames: list[bytes | memoryview] = []
    for number, (start, end) in enumerate(zip(starts.tolist(), ends.tolist(), strict=True)):
        frames += (headers[number * 7 : number * 7 + 7], data[start:end])
    step = 2 * _FRAMES_A_UNIT
    for number, time in enumerate(times.tolist()):
        payload = b"".join(frames[number * step : (number + 1) * step])
        length = 3 + _TIMESTAMP + len(payload)
        head = bytes((0, 0, 1, _AUDIO_STREAM, length >> 8, length & 0xFF, 0x84, 0x80, _TIMESTAMP))
        whole = head + stamps[number * 5 : number * 5 + 5] + payload
        packets, over = divmod(len(whole), _BODY)
        if not over:
            yield _Unit(time, AUDIO_PID, packets, False, False, (whole,))
            continue
        last = len(whole) - over
        pieces = (whole[:last], _adaptation(_BODY - over), whole[last:])
        yield _Unit(time, AUDIO_PID, packets + 1, False, True, pieces)


def _packetized(units: Sequence[_Unit], counters: Counters) -> memoryview:
    """The packets of all units in their order."""
    bodies = b"".join([piece for unit in units for piece in unit.pieces])
    sizes = np.array([unit.packets for unit in units])
    ends = np.cumsum(sizes)
    starts = ends - sizes
    total = int(ends[-1])
    if len(bodies) != total * _BODY:
        raise DamagedTitle("a segment's packets do not add up")
    packets = np.empty((total, PACKET), np.uint8)
    packets[:, 4:] = np.frombuffer(bodies, np.uint8).reshape(total, _BODY)
    pids = np.array([unit.pid for unit in units])
    rows = np.repeat(pids, sizes)
    packets[:, 0] = _SYNC
    packets[:, 1] = rows >> 8
    packets[starts, 1] |= _UNIT_START
    packets[:, 2] = rows & 0xFF
    control = np.full(total, _PAYLOAD, np.uint8)
    control[starts[[unit.begins_adapted for unit in units]]] |= _ADAPTATION
    control[ends[[unit.ends_adapted for unit in units]] - 1] |= _ADAPTATION
    for pid, begin in (
        (PAT_PID, counters.tables),
        (PMT_PID, counters.tables),
        (VIDEO_PID, counters.video),
        (AUDIO_PID, counters.audio),
    ):
        mine = np.flatnonzero(rows == pid)
        control[mine] |= ((begin + np.arange(len(mine))) & 0x0F).astype(np.uint8)
    packets[:, 3] = control
    return packets.reshape(-1).data


def _timestamp(ticks: Ticks, prefix: int | npt.NDArray[np.int64]) -> Bytes:
    """33 bits of PTS or DTS with marker bits (§2.4.3.6), as an (n, 5) array."""
    ticks = ticks & 0x1FFFFFFFF
    made = np.empty((len(ticks), _TIMESTAMP), np.uint8)
    made[:, 0] = np.asarray(prefix) << 4 | ticks >> 29 & 0x0E | 1
    made[:, 1] = ticks >> 22 & 0xFF
    made[:, 2] = ticks >> 14 & 0xFE | 1
    made[:, 3] = ticks >> 7 & 0xFF
    made[:, 4] = ticks << 1 & 0xFE | 1
    return made


def _clock(ticks: Ticks) -> Bytes:
    """A PCR (§2.4.3.5) whose extension is 0, as an (n, 6) array."""
    ticks = ticks & 0x1FFFFFFFF
    made = np.empty((len(ticks), 6), np.uint8)
    for byte, shift in enumerate((25, 17, 9, 1)):
        made[:, byte] = ticks >> shift & 0xFF
    made[:, 4] = (ticks & 1) << 7 | 0x7E
    made[:, 5] = 0
    return made


def packet_ids(packets: Bytes) -> npt.NDArray[np.unsignedinteger]:
    """The PID of each row of an (n, 188) array."""
    return np.ascontiguousarray(packets[:, 1:3]).view(">u2")[:, 0] & np.uint16(0x1FFF)


def next_counters(segment: bytes | memoryview, counters: Counters) -> Counters:
    """Where the segment after ``segment`` continues; counters count packets with payload."""
    packets = np.frombuffer(segment, np.uint8).reshape(-1, PACKET)
    pids = packet_ids(packets)
    has_payload = (packets[:, 3] & 0x10) != 0

    def after(start: int, pid: int) -> int:
        return (start + int(np.count_nonzero((pids == pid) & has_payload))) % 16

    return Counters(
        after(counters.tables, PAT_PID),
        after(counters.video, VIDEO_PID),
        after(counters.audio, AUDIO_PID),
    )
