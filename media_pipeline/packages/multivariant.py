"""HLS multivariant playlists (RFC 8216 §4.3.4)."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from fractions import Fraction

from media_pipeline.languages import UNDETERMINED
from media_pipeline.packages.playlists import decimal

# Nothing in such a playlist needs more than 1; §7 advises 4 where there is EXT-X-MEDIA, and I-frame
# playlists, which the others name, are of that version.
_VERSION = 4


@dataclass(frozen=True, slots=True)
class Rates:
    """Bits a second as measured (§4.3.4.2)."""

    bandwidth: int
    average_bandwidth: int


@dataclass(frozen=True, slots=True)
class Variant:
    """EXT-X-STREAM-INF. ``groups`` are attributes and the GROUP-IDs they name."""

    uri: str
    rates: Rates
    codecs: str
    width: int
    height: int
    rate: Fraction
    groups: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class IFrameVariant:
    """EXT-X-I-FRAME-STREAM-INF (§4.3.4.3)."""

    uri: str
    rates: Rates
    codecs: str
    width: int
    height: int


@dataclass(frozen=True, slots=True)
class ImageVariant:
    """EXT-X-IMAGE-STREAM-INF, the image playlists that Roku, Shaka Player and others read.

    ``width`` × ``height`` is the size of one small picture.
    """

    uri: str
    rates: Rates
    width: int
    height: int


@dataclass(frozen=True, slots=True)
class Rendition:
    """EXT-X-MEDIA (§4.3.4.1). Without ``uri`` the rendition is in the variants themselves."""

    kind: str
    group: str
    name: str
    language: str
    uri: str | None
    is_default: bool
    is_forced: bool = False
    characteristics: tuple[str, ...] = ()
    channels: int | None = None

    @property
    def audience(self) -> tuple[object, ...]:
        """For whom it is, within its group."""
        return self.group, self.language, self.is_forced, self.characteristics


def quoted(text: str) -> str:
    """A quoted-string (§4.2), which cannot hold quotes and line feeds."""
    return '"' + text.translate({ord('"'): "'", ord("\n"): " ", ord("\r"): " "}) + '"'


def _attributes(values: Mapping[str, str | int | None]) -> str:
    return ",".join(f"{name}={value}" for name, value in values.items() if value is not None)


def _rates(rates: Rates) -> dict[str, str]:
    return {
        "BANDWIDTH": str(rates.bandwidth),
        "AVERAGE-BANDWIDTH": str(rates.average_bandwidth),
    }


def _media(renditions: Sequence[Rendition]) -> Iterator[str]:
    """Names differ within a group and one member is the default (§4.3.4.1.1), and no two that a
    player may choose by itself are for the same viewers."""
    names: set[tuple[str, str]] = set()
    defaults: dict[str, Rendition] = {}
    for found in renditions:
        if found.is_default:
            defaults.setdefault(found.group, found)
    # A default is chosen first, wherever it stands.
    audiences = {found.audience for found in defaults.values()}
    for found in renditions:
        name, number = found.name.replace('"', "'"), 1
        while (found.group, name) in names:
            number += 1
            name = f"{found.name} ({number})"
        names.add((found.group, name))
        is_default = defaults.get(found.group) is found
        is_automatic = is_default or found.audience not in audiences
        audiences.add(found.audience)
        yield "#EXT-X-MEDIA:" + _attributes(
            {
                "TYPE": found.kind,
                "GROUP-ID": quoted(found.group),
                "NAME": quoted(name),
                "LANGUAGE": None if found.language == UNDETERMINED else quoted(found.language),
                "DEFAULT": "YES" if is_default else "NO",
                "AUTOSELECT": "YES" if is_automatic else "NO",
                "FORCED": "YES" if found.is_forced else None,
                "CHARACTERISTICS": quoted(",".join(found.characteristics))
                if found.characteristics
                else None,
                "CHANNELS": None if found.channels is None else quoted(str(found.channels)),
                "URI": None if found.uri is None else quoted(found.uri),
            }
        )


def multivariant_playlist(
    variants: Sequence[Variant],
    *,
    media: Sequence[Rendition] = (),
    i_frames: Sequence[IFrameVariant] = (),
    images: Sequence[ImageVariant] = (),
) -> str:
    """Segments of every variant start with an IDR (§4.3.5.1)."""
    lines = [
        "#EXTM3U",
        f"#EXT-X-VERSION:{_VERSION}",
        "#EXT-X-INDEPENDENT-SEGMENTS",
        *_media(media),
    ]
    for variant in variants:
        described = {
            **_rates(variant.rates),
            "CODECS": quoted(variant.codecs),
            "RESOLUTION": f"{variant.width}x{variant.height}",
            "FRAME-RATE": decimal(variant.rate, 3),
            **{name: quoted(group) for name, group in variant.groups.items()},
            "CLOSED-CAPTIONS": "NONE",
        }
        lines += ["#EXT-X-STREAM-INF:" + _attributes(described), variant.uri]
    for listed in i_frames:
        described = {
            **_rates(listed.rates),
            "CODECS": quoted(listed.codecs),
            "RESOLUTION": f"{listed.width}x{listed.height}",
            "URI": quoted(listed.uri),
        }
        lines.append("#EXT-X-I-FRAME-STREAM-INF:" + _attributes(described))
    for image in images:
        described = {
            **_rates(image.rates),
            "CODECS": quoted("jpeg"),
            "RESOLUTION": f"{image.width}x{image.height}",
            "URI": quoted(image.uri),
        }
        lines.append("#EXT-X-IMAGE-STREAM-INF:" + _attributes(described))
    return "\n".join(lines) + "\n"
