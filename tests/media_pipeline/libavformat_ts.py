"""The reference for the packager: libavformat's MPEG-TS muxer on the same samples."""

import io
from fractions import Fraction

import av
from av.packet import Packet

from media_pipeline.timeline import MPEG_CLOCK, rescale
from media_pipeline.transport.mpegts import TS_START, TrackSamples


def mux(tracks: list[tuple[bytes, TrackSamples]]) -> bytes:
    """A transport stream of tracks, each with its initialisation part."""
    buffer = io.BytesIO()
    options = {"mpegts_copyts": "1", "max_delay": "700000"}
    inits = [av.open(io.BytesIO(init), "r", format="mp4") for init, _ in tracks]
    with av.open(buffer, "w", format="mpegts", options=options) as muxer:
        streams = [muxer.add_stream_from_template(init.streams[0]) for init in inits]
        muxer.start_encoding()
        waiting: list[tuple[int, int, Packet[av.stream.Stream]]] = []
        for number, (stream, (_, track)) in enumerate(zip(streams, tracks, strict=True)):
            for offset, dts, pts, size, _, idr in track.rows.tolist():
                start = offset - track.base
                packet = Packet(bytes(track.data[start : start + size]))
                packet.stream = stream
                packet.time_base = Fraction(1, MPEG_CLOCK)
                packet.dts, packet.pts = (
                    TS_START + rescale(time, track.timescale, MPEG_CLOCK) for time in (dts, pts)
                )
                packet.is_keyframe = bool(idr)
                waiting.append((packet.dts, number, packet))
        for _, _, packet in sorted(waiting, key=lambda entry: entry[:2]):
            muxer.mux_one(packet)
    for init in inits:
        init.close()
    return buffer.getvalue()
