"""Program tables of a transport stream with one picture and at most one sound (ISO/IEC 13818-1
§2.4.4), each in one packet."""

import struct
from functools import cache

PMT_PID = 0x1000
_PACKET = 188
_PROGRAM = 1
_STREAM_ID = 1
_PAT_TABLE, _PMT_TABLE = 0, 2
_H264, _ADTS = 0x1B, 0x0F  # stream_type, Table 2-34
_POLYNOMIAL = 0x04C11DB7


def crc32(data: bytes) -> int:
    """CRC_32 of Annex A: most significant bit first, no final inversion (unlike zlib's)."""
    crc = 0xFFFFFFFF
    for byte in data:
        crc ^= byte << 24
        for _ in range(8):
            crc = (crc << 1 ^ (_POLYNOMIAL if crc & 0x80000000 else 0)) & 0xFFFFFFFF
    return crc


def _section(table: int, number: int, body: bytes) -> bytes:
    """A section with its length, version 0, current, the only one of its table."""
    length = 5 + len(body) + 4
    head = struct.pack(">BHHBBB", table, 0xB000 | length, number, 0xC1, 0, 0)
    return head + body + struct.pack(">I", crc32(head + body))


def _packet_body(section: bytes) -> bytes:
    """The 184 bytes below a packet's header: pointer_field, the section, stuffing."""
    return (b"\x00" + section).ljust(_PACKET - 4, b"\xff")


@cache
def program_tables(video_pid: int, audio_pid: int | None) -> tuple[bytes, bytes]:
    """The bodies (184 bytes each) of the packets with PAT and PMT; clocks come with the picture."""
    pat = struct.pack(">HH", _PROGRAM, 0xE000 | PMT_PID)
    streams = [(_H264, video_pid)]
    if audio_pid is not None:
        streams.append((_ADTS, audio_pid))
    pmt = struct.pack(">HH", 0xE000 | video_pid, 0xF000) + b"".join(
        struct.pack(">BHH", kind, 0xE000 | pid, 0xF000) for kind, pid in streams
    )
    return (
        _packet_body(_section(_PAT_TABLE, _STREAM_ID, pat)),
        _packet_body(_section(_PMT_TABLE, _PROGRAM, pmt)),
    )
