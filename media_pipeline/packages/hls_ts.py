"""HLS with MPEG-TS segments, which carry the picture and the default sound.

Further sounds are renditions in packed audio (RFC 8216 §3.4), whose ID3 tags put them on the
time line of the segments. The default one has no URI of its own: it is in the variants themselves
(§4.3.4.2.1). CMAF tracks would not do beside MPEG-TS: their time line begins elsewhere.
"""

from collections.abc import Iterable
from fractions import Fraction

from media_pipeline.packages import packed_audio
from media_pipeline.packages.bandwidth import average, ceil, largest, peak
from media_pipeline.packages.hls_sides import (
    AUDIO_GROUP,
    SUBTITLE_GROUP,
    image_variant,
    sound_rendition,
    subtitle_rate,
    subtitle_renditions,
)
from media_pipeline.packages.multivariant import (
    IFrameVariant,
    Rates,
    Variant,
    multivariant_playlist,
)
from media_pipeline.packages.package import Package
from media_pipeline.packages.playlists import Entry, media_playlist, target_duration
from media_pipeline.timeline import AUDIO_RATE
from media_pipeline.titles.cmaf import AudioTrack, sizes_and_seconds
from media_pipeline.titles.manifest import RenditionFacts
from media_pipeline.transport.mpegts import TS_START


def multivariant(package: Package) -> str:
    """Bandwidths are those of the segments as they were cut when the title was verified, and of
    the largest further sound and subtitles that may be played with them."""
    manifest = package.manifest
    media = subtitle_renditions(package, "")
    groups = {"SUBTITLES": SUBTITLE_GROUP} if media else {}
    text = subtitle_rate(package, TS_START)
    beside, beside_on_average = text, text
    if package.packed:
        uris = [None, *(package.url(f"{facts.name}/index.m3u8") for facts in package.packed)]
        pairs = zip(manifest.audio, uris, strict=True)
        media = [*(sound_rendition(facts, uri) for facts, uri in pairs), *media]
        groups = {"AUDIO": AUDIO_GROUP, **groups}
        sounds = [_packed(package.audio(facts.name)) for facts in package.packed]
        beside += max(largest(*found) for found in sounds)
        beside_on_average += max(average(*found) for found in sounds)
    codecs = [facts.codecs for facts in manifest.audio[:1]]
    variants = [
        Variant(
            uri=package.url(f"{facts.name}/index.m3u8"),
            rates=Rates(
                ceil(facts.peak_bandwidth + beside),
                ceil(facts.average_bandwidth + beside_on_average),
            ),
            codecs=",".join([facts.codecs, *codecs]),
            width=facts.width,
            height=facts.height,
            rate=manifest.rate,
            groups=groups,
        )
        for facts in manifest.renditions
    ]
    return multivariant_playlist(
        variants,
        media=media,
        i_frames=[_i_frame_variant(package, facts) for facts in manifest.renditions],
        images=[image_variant(package)],
    )


def _packed(track: AudioTrack) -> tuple[list[int], list[Fraction]]:
    """Sizes and seconds of all packed segments."""
    measures = [packed_audio.measure(track, index) for index in range(track.grid.segment_count)]
    return sizes_and_seconds(measures, AUDIO_RATE)


def _target(package: Package, sounds: Iterable[tuple[list[int], list[Fraction]]]) -> int:
    """One for all that is played together (RFC 8216 §6.2.4)."""
    grid = package.grid
    seconds = [grid.segment_seconds(index) for index in range(grid.segment_count)]
    return target_duration([*seconds, *(length for found in sounds for length in found[1])])


def media(package: Package, rendition: str) -> str:
    """Picture and default sound."""
    grid = package.grid
    sounds = [_packed(package.audio(facts.name)) for facts in package.packed]
    return media_playlist(
        [
            Entry(package.ts_segment(rendition, index), grid.segment_seconds(index))
            for index in range(grid.segment_count)
        ],
        target=_target(package, sounds),
    )


def packed(package: Package, sound: str) -> str:
    """One of the further sounds."""
    sounds = {facts.name: _packed(package.audio(facts.name)) for facts in package.packed}
    seconds = sounds[sound][1]
    return media_playlist(
        [
            Entry(package.packed_segment(sound, index), length)
            for index, length in enumerate(seconds)
        ],
        target=_target(package, sounds.values()),
    )


def _i_frames(package: Package, rendition: str) -> list[Entry]:
    """Every IDR, as the byte range of its tables and its picture within its segment."""
    grid = package.grid
    rows = package.title.i_frames(rendition)
    found = []
    for index in range(grid.segment_count):
        segment = grid.segment(index)
        # The layout of a segment is that of one generation.
        uri = f"{package.ts_segment(rendition, index)}?v={package.generation}"
        for gop in range(segment.first_gop, segment.first_gop + segment.gops):
            frames = min(grid.frames, (gop + 1) * grid.gop_frames) - gop * grid.gop_frames
            place = (int(rows["size"][gop]), int(rows["offset"][gop]))
            found.append(Entry(uri, frames / grid.rate, place))
    return found


def i_frames(package: Package, rendition: str) -> str:
    return media_playlist(_i_frames(package, rendition), is_i_frames=True)


def i_frame_rates(entries: list[Entry]) -> Rates:
    """What playing nothing but these byte ranges in real time takes."""
    sizes = [entry.byte_range[0] for entry in entries if entry.byte_range]
    seconds = [entry.seconds for entry in entries]
    most = peak(sizes, seconds, target_duration(seconds))
    return Rates(ceil(most), ceil(average(sizes, seconds)))


def _i_frame_variant(package: Package, facts: RenditionFacts) -> IFrameVariant:
    return IFrameVariant(
        package.url(f"{facts.name}/iframes.m3u8"),
        i_frame_rates(_i_frames(package, facts.name)),
        facts.codecs,
        facts.width,
        facts.height,
    )
