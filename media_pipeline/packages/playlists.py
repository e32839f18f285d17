"""HLS media playlists (RFC 8216)."""

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction

from media_pipeline.timeline import nearest

# The lowest versions that the tags in use ask for, RFC 8216 §7.
_DECIMAL_DURATIONS = 3
_BYTE_RANGES = 4  # and EXT-X-I-FRAMES-ONLY
_MAP_OF_I_FRAMES = 5
_MAP = 6
_IMAGES = 7  # what the published playlists of images have


@dataclass(frozen=True, slots=True)
class Entry:
    """One media segment. ``byte_range``: its size and offset, where it is part of a resource.

    ``tile`` is the attribute list of EXT-X-TILES.
    """

    uri: str
    seconds: Fraction
    byte_range: tuple[int, int] | None = None
    tile: str = ""


def decimal(value: Fraction, places: int) -> str:
    """``value`` with a fixed number of decimals, rounded to the nearest."""
    scaled = nearest(value * 10**places)
    return f"{scaled // 10**places}.{scaled % 10**places:0{places}d}"


def target_duration(seconds: Sequence[Fraction]) -> int:
    """The largest duration, rounded to the nearest second (RFC 8216 §4.3.3.1)."""
    return max(1, *(nearest(duration) for duration in seconds))


def media_playlist(
    segments: Sequence[Entry],
    *,
    map_uri: str | None = None,
    is_i_frames: bool = False,
    target: int = 0,
) -> str:
    """A complete playlist (RFC 8216 §4.3.3).

    ``map_uri`` is that of the initialisation part (§4.3.2.5). The target duration is at least
    ``target``: it is the same in all renditions that are played together (§6.2.4).
    """
    has_tiles = any(segment.tile for segment in segments)
    version = _DECIMAL_DURATIONS
    if has_tiles:
        version = _IMAGES
    elif map_uri is not None:
        version = _MAP_OF_I_FRAMES if is_i_frames else _MAP
    elif is_i_frames:
        version = _BYTE_RANGES
    longest = target_duration([segment.seconds for segment in segments])
    lines = [
        "#EXTM3U",
        f"#EXT-X-VERSION:{version}",
        f"#EXT-X-TARGETDURATION:{max(target, longest)}",
        "#EXT-X-MEDIA-SEQUENCE:0",
        "#EXT-X-PLAYLIST-TYPE:VOD",
    ]
    if is_i_frames:
        lines.append("#EXT-X-I-FRAMES-ONLY")
    if has_tiles:
        lines.append("#EXT-X-IMAGES-ONLY")
    if map_uri is not None:
        lines.append(f'#EXT-X-MAP:URI="{map_uri}"')
    for segment in segments:
        lines.append(f"#EXTINF:{decimal(segment.seconds, 6)},")
        if segment.byte_range is not None:
            size, offset = segment.byte_range
            lines.append(f"#EXT-X-BYTERANGE:{size}@{offset}")
        if segment.tile:
            lines.append(f"#EXT-X-TILES:{segment.tile}")
        lines.append(segment.uri)
    lines.append("#EXT-X-ENDLIST")
    return "\n".join(lines) + "\n"


def segment_name(index: int, suffix: str = "ts") -> str:
    """``segment_000.ts``: three digits at least, counted from 0."""
    return f"segment_{index:03d}.{suffix}"
