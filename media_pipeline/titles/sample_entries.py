"""Reading of a track file's codec configuration: boxes of ISO/IEC 14496-12, without libavformat.

The process that serves a title needs nothing else from its initialisation part.
"""

from media_pipeline.errors import DamagedTitle

_HEADER = 8
_FULL = 4  # version and flags
# Bytes before the boxes of the one sample entry: ISO/IEC 14496-12 §12.1.3 and §12.2.3 (version 0).
_ENTRIES = {b"avc1": 78, b"mp4a": 28}
# ISO/IEC 14496-1 §7.2.2.1: tags of the descriptors, and fixed bytes before those they contain.
_ES, _DECODER_CONFIG, _DECODER_SPECIFIC = 3, 4, 5
_ES_FIXED, _DECODER_CONFIG_FIXED = 3, 13


def codec_configuration(init: bytes) -> bytes:
    """The avcC record (ISO/IEC 14496-15 §5.3.3.1) or the AudioSpecificConfig (ISO/IEC 14496-3
    §1.6.2.1) of the first track of an initialisation part.

    Raises DamagedTitle where ``init`` is not what this program's encoder writes.
    """
    table = init
    for kind in (b"moov", b"trak", b"mdia", b"minf", b"stbl", b"stsd"):
        table = _child(table, kind)
    entries = table[_FULL + 4 :]  # after entry_count
    kind = entries[4:8]
    if kind not in _ENTRIES:
        raise DamagedTitle("an initialisation part has no sample entry of a known kind")
    boxes = _child(entries, kind)[_ENTRIES[kind] :]
    if kind == b"avc1":
        return _child(boxes, b"avcC")
    stream = _descriptor(_child(boxes, b"esds")[_FULL:], _ES)
    decoder = _descriptor(stream[_ES_FIXED:], _DECODER_CONFIG)
    return _descriptor(decoder[_DECODER_CONFIG_FIXED:], _DECODER_SPECIFIC)


def _child(data: bytes, wanted: bytes) -> bytes:
    """What the first box of that kind holds."""
    at = 0
    while at + _HEADER <= len(data):
        size = int.from_bytes(data[at : at + 4], "big")
        if not _HEADER <= size <= len(data) - at:
            break
        if data[at + 4 : at + _HEADER] == wanted:
            return data[at + _HEADER : at + size]
        at += size
    raise DamagedTitle(f"an initialisation part has no whole box {wanted.decode('ascii')}")


def _descriptor(data: bytes, tag: int) -> bytes:
    """What the descriptor that ``data`` starts with holds. Its size is in up to four bytes of
    seven bits (ISO/IEC 14496-1 §8.3.3)."""
    size = 0
    for at in range(1, min(5, len(data))):
        size = size << 7 | data[at] & 0x7F
        if not data[at] & 0x80:
            if data[0] == tag and at + 1 + size <= len(data):
                return data[at + 1 : at + 1 + size]
            break
    raise DamagedTitle(f"an initialisation part has no whole descriptor {tag}")
