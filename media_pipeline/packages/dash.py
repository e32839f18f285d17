"""MPEG-DASH presentation (ISO/IEC 23009-1) of the CMAF segments: static, the live profile's
templates with an exact SegmentTimeline."""

from collections.abc import Iterable, Iterator, Sequence
from fractions import Fraction
from itertools import groupby
from xml.etree.ElementTree import Element, SubElement, tostring

from media_pipeline.languages import UNDETERMINED
from media_pipeline.packages.bandwidth import ceil, largest
from media_pipeline.packages.hls_sides import CHANNELS
from media_pipeline.packages.package import AUDIO_TYPE, VIDEO_TYPE, Package
from media_pipeline.packages.playlists import decimal
from media_pipeline.timeline import AUDIO_RATE
from media_pipeline.titles.cmaf import SegmentMeasure, sizes_and_seconds
from media_pipeline.titles.manifest import AudioFacts, SubtitleFacts
from media_pipeline.titles.side_files import sprite_file, subtitle_file

_NAMESPACE = "urn:mpeg:dash:schema:mpd:2011"
_LIVE_PROFILE = "urn:mpeg:dash:profile:isoff-live:2011"  # §8.4
_ROLE = "urn:mpeg:dash:role:2011"  # §5.8.5.5
_CHANNELS = "urn:mpeg:dash:23003:3:audio_channel_configuration:2011"  # §5.8.5.4
_TILES = "http://dashif.org/guidelines/thumbnail_tile"  # DASH-IF IOP §6.2.6
_PURPOSE = "urn:tva:metadata:cs:AudioPurposeCS:2007"  # what DASH-IF IOP §7.1.2 names
_VISUALLY_IMPAIRED, _HARD_OF_HEARING = "1", "2"


def _duration(seconds: Fraction) -> str:
    """An xs:duration."""
    return f"PT{decimal(seconds, 6)}S"


def presentation(package: Package) -> str:
    """The MPD. Times are exact ticks; bandwidths those of the largest segments (§5.3.5.2: at
    such a rate a client that has buffered ``minBufferTime`` goes on without a pause)."""
    grid = package.grid
    longest = max(grid.segment_seconds(index) for index in range(grid.segment_count))
    root = Element(
        "MPD",
        {
            "xmlns": _NAMESPACE,
            "profiles": _LIVE_PROFILE,
            "type": "static",
            "mediaPresentationDuration": _duration(grid.duration),
            "minBufferTime": _duration(longest),
        },
    )
    # Absolute, so that this document's own path may end in a slash.
    SubElement(root, "BaseURL").text = f"{package.base}/"
    period = SubElement(root, "Period", {"id": "0", "start": "PT0S"})
    sets = [
        _pictures(package),
        *(_sound(package, facts) for facts in package.manifest.audio),
        *(_text(package, facts) for facts in package.manifest.subtitles),
        _thumbnails(package),
    ]
    for number, adaptation_set in enumerate(sets):
        adaptation_set.set("id", str(number))
        period.append(adaptation_set)
    return f'<?xml version="1.0" encoding="UTF-8"?>\n{tostring(root, encoding="unicode")}\n'


def _timeline(measures: Iterable[SegmentMeasure]) -> Element:
    """§5.3.9.6: S elements from time 0 on, equal ones counted."""
    timeline = Element("SegmentTimeline")
    for ticks, group in groupby(found.ticks for found in measures):
        repeated = len(list(group)) - 1
        values = {"d": str(ticks)} | ({"r": str(repeated)} if repeated else {})
        SubElement(timeline, "S", values if len(timeline) else {"t": "0"} | values)
    return timeline


def _template(package: Package, timescale: int, measures: Sequence[SegmentMeasure]) -> Element:
    version = f"?v={package.generation}"
    template = Element(
        "SegmentTemplate",
        {
            "timescale": str(timescale),
            "startNumber": "0",
            "initialization": f"cmaf/$RepresentationID$/init.mp4{version}",
            "media": f"cmaf/$RepresentationID$/segment_$Number%03d$.m4s{version}",
        },
    )
    template.append(_timeline(measures))
    return template


def _rates(measures: Sequence[SegmentMeasure], timescale: int) -> str:
    return str(ceil(largest(*sizes_and_seconds(measures, timescale))))


def _descriptor(parent: Element, tag: str, scheme: str, value: str) -> None:
    SubElement(parent, tag, {"schemeIdUri": scheme, "value": value})


def _pictures(package: Package) -> Element:
    manifest, grid = package.manifest, package.grid
    rate = grid.rate
    found = Element(
        "AdaptationSet",
        {
            "contentType": "video",
            "mimeType": VIDEO_TYPE,
            "frameRate": str(rate),  # "30000/1001", as §5.3.7.2 has it
            "sar": "1:1",
            "segmentAlignment": "true",
            "startWithSAP": "1",
        },
    )
    _descriptor(found, "Role", _ROLE, "main")
    tracks = {facts.name: package.video(facts.name).measures() for facts in manifest.renditions}
    first = next(iter(tracks.values()))
    found.append(_template(package, grid.timescale, first))
    for facts in manifest.renditions:
        SubElement(
            found,
            "Representation",
            {
                "id": facts.name,
                "codecs": facts.codecs,
                "width": str(facts.width),
                "height": str(facts.height),
                "bandwidth": _rates(tracks[facts.name], grid.timescale),
            },
        )
    return found


def _with_language(values: dict[str, str], language: str) -> dict[str, str]:
    return values if language == UNDETERMINED else values | {"lang": language}


def _sound(package: Package, facts: AudioFacts) -> Element:
    values = {
        "contentType": "audio",
        "mimeType": AUDIO_TYPE,
        "segmentAlignment": "true",
        "startWithSAP": "1",
    }
    found = Element("AdaptationSet", _with_language(values, facts.language))
    SubElement(found, "Label").text = facts.label
    if "description" in facts.roles:
        _descriptor(found, "Accessibility", _PURPOSE, _VISUALLY_IMPAIRED)
    if "enhanced-audio-intelligibility" in facts.roles:
        _descriptor(found, "Accessibility", _PURPOSE, _HARD_OF_HEARING)
    for role in ("main" if facts.is_default else "alternate", *facts.roles):
        _descriptor(found, "Role", _ROLE, role)
    measures = package.audio(facts.name).measures()
    found.append(_template(package, AUDIO_RATE, measures))
    representation = SubElement(
        found,
        "Representation",
        {
            "id": facts.name,
            "codecs": facts.codecs,
            "audioSamplingRate": str(AUDIO_RATE),
            "bandwidth": _rates(measures, AUDIO_RATE),
        },
    )
    _descriptor(representation, "AudioChannelConfiguration", _CHANNELS, str(CHANNELS))
    return found


def _text_roles(facts: SubtitleFacts) -> Iterator[str]:
    if facts.is_forced:
        yield "forced-subtitle"
    else:
        yield "caption" if facts.is_hearing_impaired else "subtitle"
    yield "main" if facts.is_default else "alternate"


def _text(package: Package, facts: SubtitleFacts) -> Element:
    """One file beside the presentation, whose times are the title's."""
    values = {"contentType": "text", "mimeType": "text/vtt"}
    found = Element("AdaptationSet", _with_language(values, facts.language))
    SubElement(found, "Label").text = facts.label
    if facts.is_hearing_impaired:
        _descriptor(found, "Accessibility", _PURPOSE, _HARD_OF_HEARING)
    for role in _text_roles(facts):
        _descriptor(found, "Role", _ROLE, role)
    name = subtitle_file(facts.name)
    bandwidth = ceil(8 * package.small_file(name).size / package.grid.duration)
    representation = SubElement(
        found, "Representation", {"id": facts.name, "bandwidth": str(bandwidth)}
    )
    SubElement(representation, "BaseURL").text = package.versioned(name)
    return found


def _thumbnails(package: Package) -> Element:
    """Sheets of small pictures, line by line, each sheet a segment of the same length."""
    facts, grid = package.manifest.storyboard, package.grid
    pictures = facts.columns * facts.rows * facts.interval
    found = Element("AdaptationSet", {"contentType": "image", "mimeType": "image/jpeg"})
    SubElement(
        found,
        "SegmentTemplate",
        {
            "timescale": str(grid.timescale),
            "duration": str(pictures * grid.frame_ticks),
            "startNumber": "0",
            "media": f"sprite-$Number$.jpg?v={package.generation}",
        },
    )
    sizes = [package.small_file(sprite_file(sheet)).size for sheet in range(facts.sheets)]
    seconds = min(grid.duration, pictures / grid.rate)
    representation = SubElement(
        found,
        "Representation",
        {
            "id": "storyboard",
            "width": str(facts.columns * facts.width),
            "height": str(facts.rows * facts.height),
            "bandwidth": str(ceil(8 * max(sizes) / seconds)),
        },
    )
    _descriptor(representation, "EssentialProperty", _TILES, f"{facts.columns}x{facts.rows}")
    return found
