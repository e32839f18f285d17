"""Packed audio segments (RFC 8216 §3.4): ADTS frames after an ID3 tag with their time.

Further sounds of an HLS presentation in MPEG-TS come so, on the time line of its segments.
"""

import struct

import numpy as np

from media_pipeline.errors import DamagedTitle
from media_pipeline.timeline import AAC_FRAME, AUDIO_RATE, MPEG_CLOCK, rescale
from media_pipeline.titles.cmaf import AudioTrack, SegmentMeasure
from media_pipeline.transport.elementary import Adts
from media_pipeline.transport.mpegts import TS_START, TrackSamples
from media_pipeline.transport.ts_packets import Ticks

MEDIA_TYPE = "audio/aac"

_OWNER = b"com.apple.streaming.transportStreamTimestamp\x00"
_ADTS_HEADER = 7
_CLOCK_BITS = (1 << 33) - 1


def timestamp_tag(ticks: int) -> bytes:
    """An ID3v2.4 tag whose one PRIV frame says the first sample's time: a 33-bit MPEG-2 clock in
    eight bytes (RFC 8216 §3.4)."""
    frame = _OWNER + struct.pack(">Q", ticks & _CLOCK_BITS)
    # Sizes in ID3v2.4 have seven bits a byte; these are below 128.
    body = b"PRIV" + bytes((0, 0, 0, len(frame), 0, 0)) + frame
    return b"ID3\x04\0\0" + bytes((0, 0, 0, len(body))) + body


_TAG_BYTES = len(timestamp_tag(0))


def measure(track: AudioTrack, index: int) -> SegmentMeasure:
    """Of packed segment ``index``. The priming before the film's start is a frame like others.

    Raises IndexError for a segment that does not exist.
    """
    rows = track.segment_samples(index)
    size = _TAG_BYTES + _ADTS_HEADER * len(rows) + int(rows["size"].sum())
    return SegmentMeasure(size, len(rows) * AAC_FRAME)


def packed_segment(configuration: bytes, sound: TrackSamples) -> bytes:
    """The segment of these frames of a track with this AudioSpecificConfig. Raises DamagedTitle."""
    starts, ends = sound.places()
    _check(sound, starts, ends)
    headers = Adts.of(configuration).headers(ends - starts)
    start = TS_START + rescale(int(sound.rows["pts"][0]), AUDIO_RATE, MPEG_CLOCK)
    pieces = [timestamp_tag(start)]
    data = np.asarray(sound.data, np.uint8)
    for header, first, end in zip(headers, starts.tolist(), ends.tolist(), strict=True):
        pieces += (header.tobytes(), data[first:end].tobytes())
    return b"".join(pieces)


def _check(sound: TrackSamples, starts: Ticks, ends: Ticks) -> None:
    """Hold the sample table, which no checksum covers, against the fragments, which were checked:
    frames fill every mdat box and follow each other in time."""
    after_gap = np.flatnonzero(starts[1:] != ends[:-1])
    begins = [starts[0], *starts[after_gap + 1]]
    fill = ends[-1] == len(sound.data) and all(
        bytes(sound.data[begin - 4 : begin]) == b"mdat" for begin in begins
    )
    fill = fill and all(bytes(sound.data[end + 4 : end + 8]) == b"moof" for end in ends[after_gap])
    if not fill or np.any(np.diff(sound.rows["pts"]) != AAC_FRAME):
        raise DamagedTitle("a sound's sample table does not fit its fragments")
