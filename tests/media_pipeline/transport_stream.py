"""A reader of MPEG-TS written from ISO/IEC 13818-1 alone, for checking what the packager wrote."""

from collections.abc import Iterator
from dataclasses import dataclass, field

PACKET = 188
PAT, PMT = 0x0000, 0x1000


@dataclass(frozen=True)
class Packet:
    """One transport packet (§2.4.3.2)."""

    pid: int
    starts_unit: bool
    counter: int
    has_payload: bool
    is_random_access: bool
    is_discontinuity: bool
    pcr: int | None
    payload: bytes


@dataclass
class Unit:
    """One PES packet (§2.4.3.6); times in 90 kHz ticks."""

    pid: int
    pts: int
    dts: int
    is_random_access: bool
    pcr: int | None
    data: bytes = b""
    parts: list[bytes] = field(default_factory=list)


def packets(data: bytes) -> Iterator[Packet]:
    assert len(data) % PACKET == 0, "a transport stream is whole packets of 188 bytes"
    for start in range(0, len(data), PACKET):
        yield _packet(data[start : start + PACKET])


def _packet(raw: bytes) -> Packet:
    assert raw[0] == 0x47, "sync byte"
    assert not raw[1] & 0x80, "transport_error_indicator"
    control = raw[3] >> 4 & 3
    assert control, "adaptation_field_control 00 is reserved"
    position, pcr, is_random, is_discontinuity = 4, None, False, False
    if control & 2:
        length = raw[4]
        if length:
            flags = raw[5]
            is_discontinuity, is_random = bool(flags & 0x80), bool(flags & 0x40)
            if flags & 0x10:
                base = int.from_bytes(raw[6:10], "big") << 1 | raw[10] >> 7
                pcr = base * 300 + ((raw[10] & 1) << 8 | raw[11])
        position = 5 + length
    return Packet(
        pid=(raw[1] & 0x1F) << 8 | raw[2],
        starts_unit=bool(raw[1] & 0x40),
        counter=raw[3] & 0x0F,
        has_payload=bool(control & 1),
        is_random_access=is_random,
        is_discontinuity=is_discontinuity,
        pcr=pcr,
        payload=raw[position:] if control & 1 else b"",
    )


def _time(raw: bytes) -> int:
    return (raw[0] >> 1 & 7) << 30 | raw[1] << 22 | (raw[2] >> 1) << 15 | raw[3] << 7 | raw[4] >> 1


def units(found: list[Packet], pid: int) -> list[Unit]:
    """The PES packets of one stream, whole."""
    made: list[Unit] = []
    for packet in found:
        if packet.pid != pid:
            continue
        if packet.starts_unit:
            made.append(_unit(packet))
        else:
            assert made, "a stream begins with the start of a PES packet"
            made[-1].parts.append(packet.payload)
    for unit in made:
        unit.data = b"".join(unit.parts)
    return made


def _unit(packet: Packet) -> Unit:
    head = packet.payload
    assert head[:3] == b"\x00\x00\x01", "packet_start_code_prefix"
    flags, header = head[7] >> 6, head[8]
    assert flags in (2, 3), "every PES packet has a PTS"
    pts = _time(head[9:14])
    dts = _time(head[14:19]) if flags == 3 else pts
    unit = Unit(packet.pid, pts, dts, packet.is_random_access, packet.pcr)
    unit.parts.append(head[9 + header :])
    return unit


def nal_types(access_unit: bytes) -> list[int]:
    """nal_unit_type of each NAL unit of an Annex B byte stream (ISO/IEC 14496-10 §7.4.1)."""
    found, start = [], access_unit.find(b"\x00\x00\x01")
    while start >= 0:
        found.append(access_unit[start + 3] & 0x1F)
        start = access_unit.find(b"\x00\x00\x01", start + 3)
    return found


def adts_payloads(data: bytes) -> list[bytes]:
    """The raw AAC frames in ADTS frames (ISO/IEC 14496-3 §1.A.2)."""
    found, position = [], 0
    while position < len(data):
        assert data[position] == 0xFF, "ADTS syncword"
        assert data[position + 1] & 0xF6 == 0xF0, "ADTS syncword and layer"
        header = 7 if data[position + 1] & 1 else 9
        length = (data[position + 3] & 3) << 11 | data[position + 4] << 3 | data[position + 5] >> 5
        found.append(data[position + header : position + length])
        position += length
    assert position == len(data), "ADTS frames are whole"
    return found
