"""What HLS presentations in MPEG-TS and in CMAF have in common: subtitles, storyboard, roles."""

from fractions import Fraction

from media_pipeline.packages.bandwidth import average, ceil, largest
from media_pipeline.packages.multivariant import ImageVariant, Rates, Rendition
from media_pipeline.packages.package import Package
from media_pipeline.packages.playlists import Entry, decimal, media_playlist, segment_name
from media_pipeline.titles.manifest import AudioFacts, StoryboardFacts, SubtitleFacts
from media_pipeline.titles.side_files import sprite_file

AUDIO_GROUP, SUBTITLE_GROUP = "sound", "text"
CHANNELS = 2

# RFC 8216 §4.3.4.1 names the first three; Apple's list of media characteristics the last.
_SPOKEN = "public.accessibility.transcribes-spoken-dialog"
_SOUNDS = "public.accessibility.describes-music-and-sound"
_CHARACTERISTICS = {
    "description": "public.accessibility.describes-video",
    "enhanced-audio-intelligibility": "public.accessibility.enhances-speech-intelligibility",
}


def sound_rendition(facts: AudioFacts, uri: str | None) -> Rendition:
    found = (_CHARACTERISTICS[role] for role in facts.roles if role in _CHARACTERISTICS)
    return Rendition(
        kind="AUDIO",
        group=AUDIO_GROUP,
        name=facts.label,
        language=facts.language,
        uri=uri,
        is_default=facts.is_default,
        characteristics=tuple(found),
        channels=CHANNELS,
    )


def subtitle_renditions(package: Package, folder: str) -> list[Rendition]:
    """``folder`` is the path of the presentation below the title's, with its final slash."""
    return [
        Rendition(
            kind="SUBTITLES",
            group=SUBTITLE_GROUP,
            name=facts.label,
            language=facts.language,
            uri=package.url(f"{folder}{facts.name}/index.m3u8"),
            is_default=facts.is_default,
            is_forced=facts.is_forced,
            characteristics=_for_whom(facts),
        )
        for facts in package.manifest.subtitles
    ]


def _for_whom(facts: SubtitleFacts) -> tuple[str, ...]:
    return (_SPOKEN, _SOUNDS) if facts.is_hearing_impaired else ()


def subtitle_playlist(package: Package, folder: str, name: str) -> str:
    """One segment: the whole film's text is less than one of its pictures.

    Subtitles may have a target duration of their own (RFC 8216 §6.2.4), and a segment has to hold
    every cue of its time (§3.5): more of them would repeat cues.
    """
    uri = package.versioned(f"{folder}{name}/{segment_name(0, 'vtt')}")
    return media_playlist([Entry(uri, package.grid.duration)])


def subtitle_rate(package: Package, start: int) -> Fraction:
    """Bits a second of the largest subtitles as segments, 0 where there are none."""
    sizes = [len(package.mapped_text(name, start).encode()) for name in package.texts]
    return 8 * max(sizes, default=0) / package.grid.duration


def _sheet_seconds(package: Package) -> list[Fraction]:
    facts, grid = package.manifest.storyboard, package.grid
    step = facts.columns * facts.rows * facts.interval
    starts = range(0, facts.sheets * step, step)
    return [(min(grid.frames, start + step) - start) / grid.rate for start in starts]


def image_variant(package: Package) -> ImageVariant:
    facts = package.manifest.storyboard
    seconds = _sheet_seconds(package)
    sizes = [package.small_file(sprite_file(sheet)).size for sheet in range(facts.sheets)]
    rates = Rates(ceil(largest(sizes, seconds)), ceil(average(sizes, seconds)))
    return ImageVariant(package.url("storyboard.m3u8"), rates, facts.width, facts.height)


def tile_attributes(facts: StoryboardFacts, seconds: str) -> str:
    size = f"{facts.width}x{facts.height}"
    return f"RESOLUTION={size},LAYOUT={facts.columns}x{facts.rows},DURATION={seconds}"


def image_playlist(package: Package) -> str:
    """Sheets of small pictures, each lasting ``interval`` pictures of the film."""
    facts, grid = package.manifest.storyboard, package.grid
    shown = decimal(facts.interval / grid.rate, 6)
    tile = tile_attributes(facts, shown)
    return media_playlist(
        [
            Entry(package.sprite(sheet), seconds, tile=tile)
            for sheet, seconds in enumerate(_sheet_seconds(package))
        ]
    )
