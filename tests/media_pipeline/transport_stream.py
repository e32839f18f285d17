"""A reader of MPEG-TS written from ISO/IEC 13818-1 alone, for checking what the packager wrote."""

from collections.abc import Iterator
from dataclasses import dataclass, field

PACKET = 188
PAT, PMT = 0x0000, 0x1000
VIDEO_IDS = (0xE0, 0xEF)


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
    stream_id: int
    length_field: int
    header_size: int
    data: bytes = b""
    parts: list[bytes] = field(default_factory=list)


def packets(data: bytes) -> Iterator[Packet]:
    assert len(data) % PACKET == 0, "ISO/IEC 13818-1 §2.4.3.2: whole packets of 188 bytes"
    for start in range(0, len(data), PACKET):
        yield _packet(data[start : start + PACKET])


def _packet(raw: bytes) -> Packet:
    assert raw[0] == 0x47, "ISO/IEC 13818-1 §2.4.3.3: sync_byte"
    assert not raw[1] & 0x80, "ISO/IEC 13818-1 §2.4.3.3: transport_error_indicator"
    assert not raw[3] & 0xC0, "ISO/IEC 13818-1 §2.4.3.3: not scrambled"
    control = raw[3] >> 4 & 3
    assert control, "ISO/IEC 13818-1 §2.4.3.3: adaptation_field_control 00 is reserved"
    position, pcr, flags = 4, None, 0
    if control & 2:
        length = raw[4]
        position = 5 + length
        most = 182 if control & 1 else 183
        assert length <= most if control & 1 else length == most, "§2.4.3.5: length of the field"
        if length:
            flags, pcr = _adaptation_field(raw[5:position])
    return Packet(
        pid=(raw[1] & 0x1F) << 8 | raw[2],
        starts_unit=bool(raw[1] & 0x40),
        counter=raw[3] & 0x0F,
        has_payload=bool(control & 1),
        is_random_access=bool(flags & 0x40),
        is_discontinuity=bool(flags & 0x80),
        pcr=pcr,
        payload=raw[position:] if control & 1 else b"",
    )


def _adaptation_field(field: bytes) -> tuple[int, int | None]:
    """Flags and program clock reference (§2.4.3.4); the rest is stuffing."""
    flags, pcr, end = field[0], None, 1
    assert not flags & 0x0F, "of the parts of a field only the clock is in use here"
    if flags & 0x10:
        base = int.from_bytes(field[1:5], "big") << 1 | field[5] >> 7
        extension = (field[5] & 1) << 8 | field[6]
        assert extension < 300, "ISO/IEC 13818-1 §2.4.3.5: program_clock_reference_extension"
        assert field[5] & 0x7E == 0x7E, "ISO/IEC 13818-1 §2.4.3.4: reserved bits are 1"
        pcr, end = base * 300 + extension, 7
    assert set(field[end:]) <= {0xFF}, "ISO/IEC 13818-1 §2.4.3.5: stuffing_byte is 0xFF"
    return flags, pcr


def section(packet: Packet) -> bytes:
    """The table of a packet that holds one whole section (§2.4.4), from table_id to its last
    field; the checksum is verified and left out."""
    assert packet.starts_unit, "ISO/IEC 13818-1 §2.4.4.2: pointer_field"
    data = packet.payload[1 + packet.payload[0] :]
    length = 3 + ((data[1] & 0x0F) << 8 | data[2])
    assert set(data[length:]) <= {0xFF}, "ISO/IEC 13818-1 §2.4.4: stuffing after a section"
    assert _crc32(data[:length]) == 0, "ISO/IEC 13818-1 Annex A: CRC_32"
    return data[: length - 4]


def _crc32(data: bytes) -> int:
    """Bit by bit, as Annex A draws it: 0 over a section with its CRC_32."""
    register = 0xFFFFFFFF
    for byte in data:
        for bit in range(7, -1, -1):
            carry = register >> 31 ^ byte >> bit & 1
            register = register << 1 & 0xFFFFFFFF ^ 0x04C11DB7 * carry
    return register


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
            assert made, "RFC 8216 §3.2: a segment begins with the start of a PES packet"
            made[-1].parts.append(packet.payload)
    for unit in made:
        unit.data = b"".join(unit.parts)
        after = unit.length_field - unit.header_size
        assert unit.length_field == 0 or len(unit.data) == after, "§2.4.3.7: PES_packet_length"
        is_video = VIDEO_IDS[0] <= unit.stream_id <= VIDEO_IDS[1]
        assert unit.length_field or is_video, "§2.4.3.7: without a length only in video"
    return made


def _unit(packet: Packet) -> Unit:
    head = packet.payload
    assert head[:3] == b"\x00\x00\x01", "ISO/IEC 13818-1 §2.4.3.7: packet_start_code_prefix"
    assert head[6] >> 6 == 2, "ISO/IEC 13818-1 §2.4.3.6: '10'"
    assert not head[6] & 0x30, "ISO/IEC 13818-1 §2.4.3.7: not scrambled"
    flags, size = head[7] >> 6, head[8]
    assert flags in (2, 3), "RFC 8216 §3.2: every PES packet has a PTS"
    used = 5 if flags == 2 else 10
    assert size >= used, "ISO/IEC 13818-1 §2.4.3.7: PES_header_data_length"
    assert set(head[9 + used : 9 + size]) <= {0xFF}, "ISO/IEC 13818-1 §2.4.3.7: stuffing_byte"
    assert head[9] >> 4 == flags, "ISO/IEC 13818-1 §2.4.3.6: '0010' or '0011' before the PTS"
    assert head[9] & head[11] & head[13] & 1, "ISO/IEC 13818-1 §2.4.3.6: marker_bit"
    pts = dts = _time(head[9:14])
    if flags == 3:
        assert head[14] >> 4 == 1, "ISO/IEC 13818-1 §2.4.3.6: '0001' before the DTS"
        assert head[14] & head[16] & head[18] & 1, "ISO/IEC 13818-1 §2.4.3.6: marker_bit"
        dts = _time(head[14:19])
        assert dts != pts, "ISO/IEC 13818-1 §2.4.3.7: a DTS only where it differs"
    return Unit(
        pid=packet.pid,
        pts=pts,
        dts=dts,
        is_random_access=packet.is_random_access,
        pcr=packet.pcr,
        stream_id=head[3],
        length_field=int.from_bytes(head[4:6], "big"),
        header_size=3 + size,
        parts=[head[9 + size :]],
    )


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
