"""MPEG-TS segments, cut from samples by libavformat's muxer (ISO/IEC 13818-1).

Timestamps run through the whole film: PTS = ``TS_START`` + the title's time. PAT and PMT come
first, and before every further IDR; continuity counters (§2.4.3.3) are set after muxing, so that
they run through the film too, however and wherever its segments are cut.
"""

import io
from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction

import av
import numpy as np
import numpy.typing as npt
from av.container import InputContainer
from av.stream import Stream

from media_pipeline.errors import DamagedTitle
from media_pipeline.tables import Rows
from media_pipeline.timeline import MPEG_CLOCK, rescale

PACKET = 188
TS_START = 126_000  # 1.4 s of 90 kHz ticks: room for decoding times and clocks before the start

_PAT_PID = 0
_SDT_PID = 0x11
_PMT_PID = 0x1000
VIDEO_PID = 0x100
AUDIO_PID = 0x101
_TIME_BASE = Fraction(1, MPEG_CLOCK)
_OPTIONS = {
    # Our own constant start offset instead of the muxer's.
    "mpegts_copyts": "1",
    # PCR ahead of the decoding times by this many microseconds, so that it comes before the PTS.
    "max_delay": "700000",
    # No PAT, PMT and SDT by time (seconds): at every IDR they come anyway.
    "pat_period": "86400",
    "sdt_period": "86400",
}

# What makes a segment's bytes: stored beside checksums of segments, which hold for it alone.
MUXER_ID = "libavformat-{}.{}.{}/1".format(*av.library_versions["libavformat"])


@dataclass(frozen=True, slots=True)
class TrackSamples:
    """The samples of one track that fall into a segment, as slices of ``data``.

    ``rows`` are rows of the sample table, ``base`` the file offset of ``data[0]``.
    """

    rows: Rows
    data: bytes
    base: int
    timescale: int


@dataclass(frozen=True, slots=True)
class Counters:
    """Continuity counters (0 to 15) that a segment starts with."""

    tables: int
    video: int
    audio: int


class TrackTemplate:
    """A track's codec parameters, read once from its initialisation part.

    Its container is in memory and is freed with the last cut that uses it, so that a title can be
    forgotten while it is being cut.
    """

    def __init__(self, init: bytes) -> None:
        try:
            self._container: InputContainer = av.open(io.BytesIO(init), "r", format="mp4")
            self.stream: Stream = self._container.streams[0]
        except (av.FFmpegError, IndexError) as error:
            raise DamagedTitle("a track's initialisation part cannot be read") from error


def mux_segment(
    templates: Sequence[TrackTemplate], tracks: Sequence[TrackSamples], counters: Counters
) -> bytes:
    """One segment: the video track first, then at most one of sound.

    The video samples begin with an IDR. Equal input gives equal bytes.
    """
    buffer = io.BytesIO()
    with av.open(buffer, "w", format="mpegts", options=dict(_OPTIONS)) as muxer:
        streams = [muxer.add_stream_from_template(template.stream) for template in templates]
        muxer.start_encoding()
        for packet in _interleaved(streams, tracks):
            muxer.mux_one(packet)
    return _finished(buffer, counters)


def _interleaved(
    streams: Sequence[Stream], tracks: Sequence[TrackSamples]
) -> "list[av.Packet[Stream]]":
    """All samples as packets in decoding order; the picture first where times are equal."""
    keyed = []
    for number, (stream, track) in enumerate(zip(streams, tracks, strict=True)):
        rows = track.rows
        starts = (rows["offset"] - np.uint64(track.base)).tolist()
        decode, ends, shown = (
            _ticks(times, track.timescale)
            for times in (rows["dts"], rows["dts"] + rows["duration"], rows["pts"])
        )
        sizes, idrs = rows["size"].tolist(), rows["idr"].tolist()
        for start, size, dts, end, pts, is_idr in zip(
            starts, sizes, decode, ends, shown, idrs, strict=True
        ):
            if start + size > len(track.data):
                raise DamagedTitle("a sample lies outside of its fragment")
            packet = av.Packet(track.data[start : start + size])
            packet.stream = stream
            packet.time_base = _TIME_BASE
            packet.dts, packet.pts, packet.duration = dts, pts, end - dts
            packet.is_keyframe = bool(is_idr)
            keyed.append((dts, number, packet))
    keyed.sort(key=lambda entry: entry[:2])
    return [packet for _, _, packet in keyed]


def _ticks(times: npt.NDArray[np.int64], timescale: int) -> list[int]:
    """Title times in ticks of the transport stream's clock; ``rescale`` for a whole array."""
    ticks: list[int] = (TS_START + rescale(times, timescale, MPEG_CLOCK)).tolist()
    return ticks


def _finished(buffer: io.BytesIO, counters: Counters) -> bytes:
    """Without the service description (HLS has no use for it), and with running counters."""
    with buffer.getbuffer() as view:
        packets = np.frombuffer(view, np.uint8).reshape(-1, PACKET)
        pids = packet_ids(packets)
        first = {
            _PAT_PID: counters.tables,
            _PMT_PID: counters.tables,
            VIDEO_PID: counters.video,
            AUDIO_PID: counters.audio,
        }
        for pid, start in first.items():
            mine = np.flatnonzero(pids == pid)
            headers = packets[mine, 3]
            packets[mine, 3] = (headers & 0xF0) | ((headers + start) & 0x0F)
        kept = np.flatnonzero(pids != _SDT_PID)
        start, end = int(kept[0]), int(kept[-1]) + 1
        if len(kept) == end - start:  # it comes first and once, so the rest is one piece
            finished = bytes(view[start * PACKET : end * PACKET])
        else:
            finished = packets[kept].tobytes()
        del packets  # the view cannot be released while an array looks into it
    return finished


def packet_ids(packets: npt.NDArray[np.uint8]) -> npt.NDArray[np.unsignedinteger]:
    """The PID of each row of an (n, 188) array."""
    return np.ascontiguousarray(packets[:, 1:3]).view(">u2")[:, 0] & np.uint16(0x1FFF)


def next_counters(segment: bytes, counters: Counters) -> Counters:
    """Where the segment after ``segment`` continues; counters count packets with payload."""
    packets = np.frombuffer(segment, np.uint8).reshape(-1, PACKET)
    pids = packet_ids(packets)
    has_payload = (packets[:, 3] & 0x10) != 0

    def after(start: int, pid: int) -> int:
        return (start + int(np.count_nonzero((pids == pid) & has_payload))) % 16

    return Counters(
        after(counters.tables, _PAT_PID),
        after(counters.video, VIDEO_PID),
        after(counters.audio, AUDIO_PID),
    )
