"""Checksums of what a title holds beside the fragments of its tracks."""

from collections.abc import Iterator
from pathlib import Path

from media_pipeline.manifest import FileFacts, Manifest
from media_pipeline.side_files import STORYBOARD, sprite_file, subtitle_file
from media_pipeline.tables import FRAGMENT, Table, fragments_file
from media_pipeline.verified import check_file


def track_file(track: str) -> str:
    return f"{track}.mp4"


def small_files(folder: Path, manifest: Manifest) -> tuple[FileFacts, ...]:
    """The initialisation part of each track, subtitles and storyboard."""
    return tuple(_found(folder, manifest))


def _found(folder: Path, manifest: Manifest) -> Iterator[FileFacts]:
    tracks = [facts.name for facts in manifest.renditions]
    tracks += [facts.name for facts in manifest.audio]
    for track in tracks:
        first = Table.open(folder / fragments_file(track), FRAGMENT).read(0, 1)
        yield _facts(folder, track_file(track), int(first["offset"][0]))
    names = [subtitle_file(facts.name) for facts in manifest.subtitles]
    names += [STORYBOARD, *map(sprite_file, range(manifest.storyboard.sheets))]
    for name in names:
        yield _facts(folder, name, None)


def _facts(folder: Path, name: str, size: int | None) -> FileFacts:
    piece = check_file(folder / name, size)
    return FileFacts(name, piece.size, piece.xxh3)
