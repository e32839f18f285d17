"""HLS playlists (RFC 8216)."""

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction

from media_pipeline.timeline import nearest

_VERSION = 3  # EXTINF with decimals, RFC 8216 §7
_MULTIVARIANT_VERSION = 6  # EXT-X-INDEPENDENT-SEGMENTS in a multivariant playlist, §4.3.5.1


@dataclass(frozen=True, slots=True)
class Variant:
    """One line of a multivariant playlist; rates in bits a second as measured."""

    uri: str
    bandwidth: int
    average_bandwidth: int
    codecs: str
    width: int
    height: int
    rate: Fraction


def decimal(value: Fraction, places: int) -> str:
    """``value`` with a fixed number of decimals, rounded to the nearest."""
    scaled = nearest(value * 10**places)
    return f"{scaled // 10**places}.{scaled % 10**places:0{places}d}"


def multivariant_playlist(variants: Sequence[Variant]) -> str:
    """RFC 8216 §4.3.4.2; segments of every variant start with an IDR (§4.3.5.1)."""
    lines = [
        "#EXTM3U",
        f"#EXT-X-VERSION:{_MULTIVARIANT_VERSION}",
        "#EXT-X-INDEPENDENT-SEGMENTS",
    ]
    for variant in variants:
        lines.append(
            f"#EXT-X-STREAM-INF:BANDWIDTH={variant.bandwidth},"
            f"AVERAGE-BANDWIDTH={variant.average_bandwidth},"
            f'CODECS="{variant.codecs}",'
            f"RESOLUTION={variant.width}x{variant.height},"
            f"FRAME-RATE={decimal(variant.rate, 3)},"
            "CLOSED-CAPTIONS=NONE"
        )
        lines.append(variant.uri)
    return "\n".join(lines) + "\n"


def media_playlist(segments: Sequence[tuple[str, Fraction]]) -> str:
    """A complete playlist of (URI, seconds) segments (RFC 8216 §4.3.3).

    EXT-X-TARGETDURATION is the largest duration, rounded to the nearest second (§4.3.3.1).
    """
    target = max(1, *(nearest(duration) for _, duration in segments))
    lines = [
        "#EXTM3U",
        f"#EXT-X-VERSION:{_VERSION}",
        f"#EXT-X-TARGETDURATION:{target}",
        "#EXT-X-MEDIA-SEQUENCE:0",
        "#EXT-X-PLAYLIST-TYPE:VOD",
    ]
    for uri, duration in segments:
        lines.append(f"#EXTINF:{decimal(duration, 6)},")
        lines.append(uri)
    lines.append("#EXT-X-ENDLIST")
    return "\n".join(lines) + "\n"


def segment_name(index: int) -> str:
    """``segment_000.ts``: three digits at least, counted from 0."""
    return f"segment_{index:03d}.ts"
