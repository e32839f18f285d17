"""HLS with CMAF segments: picture and sounds apart, each a track file's byte ranges."""

from fractions import Fraction

from media_pipeline.packages.bandwidth import average, ceil, largest
from media_pipeline.packages.hls_sides import (
    AUDIO_GROUP,
    SUBTITLE_GROUP,
    image_variant,
    sound_rendition,
    subtitle_rate,
    subtitle_renditions,
)
from media_pipeline.packages.hls_ts import i_frame_rates
from media_pipeline.packages.multivariant import (
    IFrameVariant,
    Rates,
    Variant,
    multivariant_playlist,
)
from media_pipeline.packages.package import Package
from media_pipeline.packages.playlists import Entry, media_playlist, target_duration
from media_pipeline.timeline import AUDIO_RATE
from media_pipeline.titles.cmaf import sizes_and_seconds

FOLDER = "cmaf/"


def video_measures(package: Package, rendition: str) -> tuple[list[int], list[Fraction]]:
    """Sizes and seconds of all segments."""
    return sizes_and_seconds(package.video(rendition).measures(), package.grid.timescale)


def audio_measures(package: Package, sound: str) -> tuple[list[int], list[Fraction]]:
    """Sizes and seconds of all segments."""
    return sizes_and_seconds(package.audio(sound).measures(), AUDIO_RATE)


def multivariant(package: Package) -> str:
    """Bandwidths are the sums of the largest picture, sound and subtitles that may be played
    together (RFC 8216 §4.3.4.2)."""
    manifest = package.manifest
    media = [
        sound_rendition(facts, package.url(f"{FOLDER}{facts.name}/index.m3u8"))
        for facts in manifest.audio
    ]
    media += subtitle_renditions(package, FOLDER)
    groups = {"AUDIO": AUDIO_GROUP} if manifest.audio else {}
    if manifest.subtitles:
        groups["SUBTITLES"] = SUBTITLE_GROUP
    text = subtitle_rate(package, 0)
    sounds = [audio_measures(package, facts.name) for facts in manifest.audio]
    beside = text + max((largest(*found) for found in sounds), default=Fraction(0))
    on_average = text + max((average(*found) for found in sounds), default=Fraction(0))
    codecs = list(dict.fromkeys(facts.codecs for facts in manifest.audio))
    variants, i_frame_variants = [], []
    for facts in manifest.renditions:
        measured = video_measures(package, facts.name)
        rates = Rates(ceil(largest(*measured) + beside), ceil(average(*measured) + on_average))
        variants.append(
            Variant(
                uri=package.url(f"{FOLDER}{facts.name}/index.m3u8"),
                rates=rates,
                codecs=",".join([facts.codecs, *codecs]),
                width=facts.width,
                height=facts.height,
                rate=manifest.rate,
                groups=groups,
            )
        )
        i_frame_variants.append(
            IFrameVariant(
                package.url(f"{FOLDER}{facts.name}/iframes.m3u8"),
                i_frame_rates(_i_frames(package, facts.name)),
                facts.codecs,
                facts.width,
                facts.height,
            )
        )
    return multivariant_playlist(
        variants, media=media, i_frames=i_frame_variants, images=[image_variant(package)]
    )


def media(package: Package, track: str) -> str:
    """The segments of a rendition or of a sound."""
    if track in package.sounds:
        seconds = audio_measures(package, track)[1]
    else:
        seconds = video_measures(package, track)[1]
    return media_playlist(
        [Entry(package.cmaf_segment(track, index), length) for index, length in enumerate(seconds)],
        map_uri=package.cmaf_init(track),
        target=_target(package),
    )


def _target(package: Package) -> int:
    """One for all that is played together (RFC 8216 §6.2.4)."""
    grid = package.grid
    seconds = [grid.segment_seconds(index) for index in range(grid.segment_count)]
    for name in package.sounds:
        seconds += audio_measures(package, name)[1]
    return target_duration(seconds)


def _i_frames(package: Package, rendition: str) -> list[Entry]:
    """Every IDR, as the byte range of its fragment's header and its picture in its segment."""
    return [
        Entry(
            package.cmaf_segment(rendition, found.segment),
            found.seconds,
            (found.size, found.offset),
        )
        for found in package.video(rendition).i_frames()
    ]


def i_frames(package: Package, rendition: str) -> str:
    return media_playlist(
        _i_frames(package, rendition), map_uri=package.cmaf_init(rendition), is_i_frames=True
    )
