"""Rules of playlists, read by this project's tests alone; each message names its section."""

import re

import m3u8

# The lowest version for what a media playlist uses (RFC 8216 §7), of the tags in use here.
_RULES = (
    (r"^#EXTINF:\d+\.\d+", 3),
    (r"^#EXT-X-BYTERANGE:", 4),
    (r"^#EXT-X-I-FRAMES-ONLY$", 4),
    (r"^#EXT-X-MAP:", 5),
    (r"^#EXT-X-IMAGES-ONLY$", 7),
)
_MAP_OUTSIDE_OF_I_FRAMES = 6


def lowest_version(text: str) -> int:
    versions = [version for rule, version in _RULES if re.search(rule, text, re.MULTILINE)]
    if "#EXT-X-MAP:" in text and "#EXT-X-I-FRAMES-ONLY" not in text:
        versions.append(_MAP_OUTSIDE_OF_I_FRAMES)
    return max(versions)


def media(text: str) -> m3u8.M3U8:
    """The playlist, after what every media playlist must keep."""
    assert text.startswith("#EXTM3U\n"), "RFC 8216 §4.3.1.1"
    playlist = m3u8.loads(text)
    assert playlist.version == lowest_version(text), "RFC 8216 §7: the lowest version"
    assert text.count("#EXT-X-VERSION:") == 1, "RFC 8216 §4.3.1.2"
    assert playlist.playlist_type == "vod", "RFC 8216 §4.3.3.5"
    assert text.endswith("#EXT-X-ENDLIST\n"), "RFC 8216 §4.3.3.4"
    assert playlist.segments, "RFC 8216 §4.3.3: there are segments"
    for found in playlist.segments:
        assert found.duration > 0, "RFC 8216 §4.3.2.1: nothing lasts no time"
        rounded = int(found.duration + 0.5)
        assert rounded <= playlist.target_duration, "RFC 8216 §4.3.3.1"
        assert found.uri.startswith("/api/video/1/"), "RFC 8216 §4.1: an address"
    return playlist


def attributes(text: str, tag: str) -> list[dict[str, str]]:
    """The attribute lists of a tag (RFC 8216 §4.2), quotes kept."""
    found = []
    for line in text.splitlines():
        if line.startswith(f"#{tag}:"):
            pairs = re.findall(r'([A-Z0-9-]+)=("[^"\r\n]*"|[^",]+)(?:,|$)', line[len(tag) + 2 :])
            assert ",".join(f"{k}={v}" for k, v in pairs) == line[len(tag) + 2 :], "RFC 8216 §4.2"
            assert len({name for name, _ in pairs}) == len(pairs), "RFC 8216 §4.2: names differ"
            found.append(dict(pairs))
    return found


def check_multivariant(text: str) -> None:
    """What holds for every multivariant playlist."""
    assert text.startswith("#EXTM3U\n#EXT-X-VERSION:4\n"), "RFC 8216 §4.3.1, §7"
    assert text.count("#EXT-X-INDEPENDENT-SEGMENTS\n") == 1, "RFC 8216 §4.3.5.1"
    renditions = attributes(text, "EXT-X-MEDIA")
    groups: dict[tuple[str, str], list[dict[str, str]]] = {}
    for found in renditions:
        assert found.keys() >= {"TYPE", "GROUP-ID", "NAME"}, "RFC 8216 §4.3.4.1"
        groups.setdefault((found["TYPE"], found["GROUP-ID"]), []).append(found)
        if found["TYPE"] == "SUBTITLES":
            assert "URI" in found, "RFC 8216 §4.3.4.1: subtitles have a URI"
        if found["DEFAULT"] == "YES":
            assert found["AUTOSELECT"] == "YES", "RFC 8216 §4.3.4.1"
    for members in groups.values():
        names = [found["NAME"] for found in members]
        assert len(set(names)) == len(names), "RFC 8216 §4.3.4.1.1: names differ"
        defaults = [found for found in members if found["DEFAULT"] == "YES"]
        assert len(defaults) <= 1, "RFC 8216 §4.3.4.1.1: at most one default"
        chosen = [
            tuple(found.get(name) for name in ("LANGUAGE", "FORCED", "CHARACTERISTICS"))
            for found in members
            if found["AUTOSELECT"] == "YES"
        ]
        assert len(set(chosen)) == len(chosen), "RFC 8216 §4.3.4.1.1: AUTOSELECT tells apart"
    variants = attributes(text, "EXT-X-STREAM-INF")
    for found in variants:
        needed = {"BANDWIDTH", "AVERAGE-BANDWIDTH", "CODECS", "RESOLUTION", "FRAME-RATE"}
        assert found.keys() >= needed, "RFC 8216 §4.3.4.2"
        assert found["CLOSED-CAPTIONS"] == "NONE", "RFC 8216 §4.3.4.2"
        assert int(found["AVERAGE-BANDWIDTH"]) <= int(found["BANDWIDTH"]), (
            "RFC 8216 §4.3.4.2: no average above the peak"
        )
        for kind in ("AUDIO", "SUBTITLES"):
            assert (kind in found) == any(key[0] == kind for key in groups), "§4.3.4.2"
            assert kind not in found or (kind, found[kind]) in groups, "§4.3.4.2: the group exists"
    # Sets of attributes are the same everywhere, so that players may switch.
    assert len({(found.get("AUDIO"), found.get("SUBTITLES")) for found in variants}) == 1, (
        "RFC 8216 §4.3.4.2: the same groups"
    )
    i_frames = attributes(text, "EXT-X-I-FRAME-STREAM-INF")
    assert len(i_frames) == len(variants), "RFC 8216 §4.3.4.3"
    for found, variant in zip(i_frames, variants, strict=True):
        assert found.keys() == {"BANDWIDTH", "AVERAGE-BANDWIDTH", "CODECS", "RESOLUTION", "URI"}, (
            "RFC 8216 §4.3.4.3"
        )
        assert found["RESOLUTION"] == variant["RESOLUTION"], "RFC 8216 §4.3.4.3"
        assert int(found["BANDWIDTH"]) < int(variant["BANDWIDTH"]), "RFC 8216 §4.3.4.3"
        assert found["CODECS"].strip('"') == variant["CODECS"].strip('"').split(",")[0], (
            "RFC 8216 §4.3.4.3"
        )
