"""Checksums of what a title holds beside the fragments of its tracks."""

from collections.abc import Iterator
from pathlib import Path

from media_pipeline.tables import (
    FRAGMENT,
    Table,
    fragments_file,
    samples_file,
    segments_file,
)
from media_pipeline.titles.iframes import i_frames_file
from media_pipeline.titles.manifest import FileFacts, Manifest
from media_pipeline.titles.side_files import STORYBOARD, sprite_file, subtitle_file
from media_pipeline.titles.verified import check_file


def track_file(track: str) -> str:
    return f"{track}.mp4"


def track_names(manifest: Manifest) -> list[str]:
    """Of all renditions and sounds."""
    return [*(each.name for each in manifest.renditions), *(each.name for each in manifest.audio)]


def track_tables(manifest: Manifest) -> list[str]:
    """Names of the tables that say where samples and fragments are."""
    return [make(name) for name in track_names(manifest) for make in (samples_file, fragments_file)]


def segment_tables(manifest: Manifest) -> list[str]:
    """Names of the tables that say what the muxer made of the title when it was published."""
    names = [facts.name for facts in manifest.renditions]
    return [make(name) for name in names for make in (segments_file, i_frames_file)]


def small_files(folder: Path, manifest: Manifest) -> tuple[FileFacts, ...]:
    """The initialisation part of each track, subtitles, storyboard and all tables."""
    return tuple(_found(folder, manifest))


def _found(folder: Path, manifest: Manifest) -> Iterator[FileFacts]:
    for track in track_names(manifest):
        first = Table.open(folder / fragments_file(track), FRAGMENT).read(0, 1)
        yield _facts(folder, track_file(track), int(first["offset"][0]))
    names = [subtitle_file(facts.name) for facts in manifest.subtitles]
    names += [STORYBOARD, *map(sprite_file, range(manifest.storyboard.sheets))]
    names += [*track_tables(manifest), *segment_tables(manifest)]
    for name in names:
        yield _facts(folder, name, None)


def _facts(folder: Path, name: str, size: int | None) -> FileFacts:
    piece = check_file(folder / name, size)
    return FileFacts(name, piece.size, piece.xxh3)
