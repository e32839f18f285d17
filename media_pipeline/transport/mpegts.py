"""MPEG-TS segments of a title's samples (ISO/IEC 13818-1), a whole segment at once.

Timestamps run through the whole film: PTS = ``TS_START`` + the title's time. PAT and PMT come
first, and before every further IDR. Continuity counters (§2.4.3.3) run through the film as well,
however and wherever its segments are cut: the caller says where they stand.

How packets are made of this: ``ts_packets``.
"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from media_pipeline.errors import DamagedTitle
from media_pipeline.tables import Rows
from media_pipeline.timeline import MPEG_CLOCK, rescale
from media_pipeline.transport.buffers import Room, new_room
from media_pipeline.transport.elementary import Adts, to_annex_b
from media_pipeline.transport.psi import PMT_PID, program_tables
from media_pipeline.transport.ts_packets import (
    BODY,
    LAST_ADAPTATION,
    PACKET,
    STUFFING,
    Pieces,
    Ticks,
    Units,
    counted,
    packetized,
)

TS_START = 126_000  # 1.4 s of 90 kHz ticks: room for decoding times and clocks before the start

PAT_PID = 0
VIDEO_PID = 0x100
AUDIO_PID = 0x101

# What makes a segment's bytes: stored beside checksums of segments, which hold for it alone. With
# another one the URLs of I-frame playlists must change: their byte ranges hold for it, too, and
# name the generation alone.
MUXER_ID = "videoflix-ts/1"

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

Bytes = npt.NDArray[np.uint8]


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


def mux_segment(
    picture: tuple[bytes, TrackSamples],
    sound: tuple[Adts, TrackSamples] | None,
    counters: Counters,
    room: Room = new_room,
) -> memoryview:
    """One segment, of a picture with its parameter sets and at most one sound, in memory of
    ``room``.

    The video samples begin with an IDR. Equal input gives equal bytes.
    """
    tables = program_tables(VIDEO_PID, None if sound is None else AUDIO_PID)
    pictures = _pictures(*picture, counters.video)
    begins = pictures.times[picture[1].rows["idr"] != 0]
    # Where times are equal, tables go first, then the picture.
    groups = [
        _table(PAT_PID, tables[0], begins, counters.tables),
        _table(PMT_PID, tables[1], begins, counters.tables),
        pictures,
    ]
    if sound is not None:
        groups.append(_sounds(*sound, counters.audio))
    return packetized(groups, begin=int(pictures.times[0]), room=room)


def _table(pid: int, packet: bytes, times: Ticks, begin: int) -> Units:
    one, no = np.ones(len(times), np.int64), np.zeros(len(times), np.bool_)
    return Units(pid, times, one, counted(begin, one), no, no, [(packet,)] * len(times))


def _pictures(parameters: bytes, track: TrackSamples, counter: int) -> Units:
    starts, ends = track.places()
    to_annex_b(np.frombuffer(track.data, np.uint8), starts, ends)
    decoded = track.ticks("dts")
    heads, sizes = _picture_heads(track, decoded)
    is_idr = track.rows["idr"] != 0
    packets, over = np.divmod(sizes + is_idr * len(parameters) + ends - starts, BODY)
    pieces: list[Pieces] = []
    data, width = track.data, heads.shape[1]
    # Nearly always the last packet holds nothing but the sample's end, below stuffing.
    is_plain = ~is_idr & (packets > 0) & (over <= ends - starts)
    columns = (is_plain, is_idr, sizes, over, starts, ends)
    heads_data = heads.tobytes()
    for at, (plain, idr, size, rest, start, end) in zip(
        range(0, len(heads_data), width),
        zip(*(column.tolist() for column in columns), strict=True),
        strict=True,
    ):
        head = heads_data[at : at + size]
        if plain:
            split = end - rest
            pieces.append((head, data[start:split], LAST_ADAPTATION[rest], data[split:end]))
        else:
            pieces.append(_in_packets(head, parameters if idr else b"", data[start:end]))
    has_rest = over > 0
    ends_adapted = has_rest & (packets > 0)
    packets += has_rest
    yes = np.ones(len(packets), np.bool_)
    counters = counted(counter, packets)
    return Units(VIDEO_PID, decoded, packets, counters, yes, ends_adapted, pieces)


def _picture_heads(track: TrackSamples, decoded: Ticks) -> tuple[Bytes, Ticks]:
    """What comes before each sample: an adaptation field with a clock, the PES header and an
    access unit delimiter; and how many bytes of its row that is."""
    shown = track.ticks("pts")
    # Two forms (§2.4.3.7: no DTS where it equals the PTS).
    both = shown != decoded
    stamps = 2 * _TIMESTAMP
    head = np.empty((len(shown), _CLOCK_FIELD + _PES_HEADER + stamps + len(_AUD)), np.uint8)
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
    delimiter = np.frombuffer(_AUD, np.uint8)
    pes[:, 19:] = delimiter
    pes[~both, 14:20] = delimiter
    return head, head.shape[1] - np.where(both, 0, _TIMESTAMP)


def _in_packets(head: bytes, parameters: bytes, sample: memoryview) -> Pieces:
    """The pieces of a picture, whatever its size. ``head`` begins with an adaptation field."""
    data = b"".join((head, parameters, sample))
    whole, over = divmod(len(data), BODY)
    if not over:
        return (data,)
    if whole:
        return data[:-over], LAST_ADAPTATION[over], data[-over:]
    # One packet: its adaptation field, which comes first, grows.
    stuffing = BODY - over
    grown = bytes([data[0] + stuffing]) + data[1:_CLOCK_FIELD] + STUFFING[:stuffing]
    return grown, data[_CLOCK_FIELD:]


def _sounds(adts: Adts, track: TrackSamples, counter: int) -> Units:
    """PES packets of a few frames each; their first frame's time is theirs."""
    starts, ends = track.places()
    times = track.ticks("pts")[::_FRAMES_A_UNIT]
    headers = adts.headers(ends - starts)
    stream, borders = _adts_stream(headers, track.data, starts, ends)
    first = borders[::_FRAMES_A_UNIT]
    last = np.append(first[1:], borders[-1])[: len(times)]
    first = first[: len(times)]
    heads = np.empty((len(times), _PES_HEADER + _TIMESTAMP), np.uint8)
    length = 3 + _TIMESTAMP + last - first
    heads[:, :4] = (0, 0, 1, _AUDIO_STREAM)
    heads[:, 4] = length >> 8
    heads[:, 5] = length & 0xFF
    heads[:, 6:9] = (0x84, 0x80, _TIMESTAMP)
    heads[:, 9:] = _timestamp(times, 2)
    width = heads.shape[1]
    packets, over = np.divmod(width + last - first, BODY)
    heads_data = heads.tobytes()
    pieces: list[Pieces] = []
    for at, (start, end, rest) in zip(
        range(0, len(heads_data), width),
        zip(first.tolist(), last.tolist(), over.tolist(), strict=True),
        strict=True,
    ):
        head, split = heads_data[at : at + width], end - rest
        if split >= start:
            pieces.append((head, stream[start:split], LAST_ADAPTATION[rest], stream[split:end]))
        else:
            data = head + stream[start:end]
            pieces.append((data[:-rest], LAST_ADAPTATION[rest], data[-rest:]))
    has_rest = over > 0
    packets += has_rest
    no = np.zeros(len(packets), np.bool_)
    counters = counted(counter, packets)
    return Units(AUDIO_PID, times, packets, counters, no, has_rest, pieces)


def _adts_stream(
    headers: Bytes, data: memoryview, starts: Ticks, ends: Ticks
) -> tuple[memoryview, Ticks]:
    """All frames below their headers, and where each of them begins and the last one ends."""
    width = headers.shape[1]
    woven: list[bytes | memoryview] = [b""] * (2 * len(starts))
    heads = headers.tobytes()
    woven[::2] = [heads[at : at + width] for at in range(0, len(heads), width)]
    woven[1::2] = [
        data[start:end] for start, end in zip(starts.tolist(), ends.tolist(), strict=True)
    ]
    borders = np.zeros(len(starts) + 1, np.int64)
    np.cumsum(ends - starts + width, out=borders[1:])
    return memoryview(b"".join(woven)), borders


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
