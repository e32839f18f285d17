"""Files that try to make the encoder open something else: other files, or connections."""

from collections.abc import Callable, Mapping

PARENTS = (b"moov", b"trak", b"mdia", b"minf", b"dinf")
EXTERNAL = 0  # flags of a data entry whose media is elsewhere (ISO/IEC 14496-12 §8.7.2)


def _box(name: bytes, body: bytes) -> bytes:
    return (len(body) + 8).to_bytes(4, "big") + name + body


def with_external_media(data: bytes, url: str) -> bytes:
    """An MP4 file, its header last, whose tracks say that their media is at ``url``."""
    out = b""
    while data:
        size, name = int.from_bytes(data[:4], "big"), data[4:8]
        body, data = data[8:size], data[size:]
        if name in PARENTS:
            body = with_external_media(body, url)
        elif name == b"dref":
            entry = EXTERNAL.to_bytes(4, "big") + url.encode() + b"\0"
            body = body[:4] + (1).to_bytes(4, "big") + _box(b"url ", entry)
        out += _box(name, body)
    return out


def with_linked_segment(data: bytes, name: str) -> bytes:
    """A Matroska file whose information names the file that comes next (RFC 9559 §5.1.2.6), in
    the place of the name of the program that wrote it."""
    place = data.index(b"\x4d\x80")  # MuxingApp
    size = data[place + 2] & 0x7F
    text = name.encode()[: size - 1].ljust(size - 1, b"\0")
    element = b"\x3e\x83\xbb" + bytes([0x80 | len(text)]) + text  # NextFilename
    return data[:place] + element + data[place + 3 + size :]


def _playlist(target: str) -> str:
    return f"#EXTM3U\n#EXT-X-TARGETDURATION:6\n#EXTINF:6,\n{target}\n#EXT-X-ENDLIST\n"


def _key_playlist(target: str) -> str:
    key = f'#EXT-X-KEY:METHOD=AES-128,URI="{target}"\n#EXT-X-MAP:URI="{target}"\n'
    return "#EXTM3U\n#EXT-X-TARGETDURATION:6\n" + key + f"#EXTINF:6,\n{target}\n#EXT-X-ENDLIST\n"


def _concat(target: str) -> str:
    return f"ffconcat version 1.0\nfile '{target}'\n"


def _dash(target: str) -> str:
    return (
        '<?xml version="1.0"?><MPD xmlns="urn:mpeg:dash:schema:mpd:2011" type="static" '
        'mediaPresentationDuration="PT6S" minBufferTime="PT1S" '
        'profiles="urn:mpeg:dash:profile:isoff-on-demand:2011"><Period><AdaptationSet '
        'mimeType="video/mp4"><Representation id="1" bandwidth="1000" width="64" height="48">'
        f'<BaseURL>{target}</BaseURL><SegmentBase indexRange="0-99"/></Representation>'
        "</AdaptationSet></Period></MPD>"
    )


def _sdp(_target: str) -> str:
    return (
        "v=0\no=- 0 0 IN IP4 127.0.0.1\ns=x\nc=IN IP4 127.0.0.1\nt=0 0\n"
        "m=video 9 RTP/AVP 96\na=rtpmap:96 H264/90000\n"
    )


def _subtitles(target: str) -> str:
    return f'1\n00:00:00,000 --> 00:00:01,000\n<img src="{target}"><font face="{target}">x\n'


def _ass(target: str) -> str:
    return (
        f"[Script Info]\nScriptType: v4.00+\nVideo File: {target}\nAudio URI: {target}\n"
        f"[Fonts]\nfontname: {target}\n[Events]\nFormat: Start, End, Text\n"
        f"Dialogue: 0:00:00.00,0:00:01.00,{{\\fn{target}}}x\n"
    )


SCRIPTS: Mapping[str, Callable[[str], str]] = {
    "m3u8": _playlist,
    "m3u8 with key": _key_playlist,
    "ffconcat": _concat,
    "mpd": _dash,
    "sdp": _sdp,
    "srt": _subtitles,
    "ass": _ass,
}
