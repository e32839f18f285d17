"""Looking whether a published title is whole, at a glance or byte by byte."""

from collections.abc import Iterator
from pathlib import Path
from stat import S_ISREG

from media_pipeline.errors import DamagedTitle
from media_pipeline.titles.cmaf import CmafTrack
from media_pipeline.titles.manifest import MANIFEST
from media_pipeline.titles.small_files import segment_tables, track_file, track_names
from media_pipeline.titles.title import Mezzanine
from media_pipeline.titles.verified import Part


def is_there(folder: Path) -> bool:
    """Whether there is a title at all. Raises OSError where the disk cannot say: that is not the
    same as missing."""
    try:
        return S_ISREG((folder / MANIFEST).stat().st_mode)
    except (FileNotFoundError, NotADirectoryError):
        return False


def check_sizes(folder: Path) -> None:
    """Raises DamagedTitle where the manifest is damaged, or a file is missing or has another size.
    Reads nothing but the manifest."""
    title = Mezzanine(folder)
    can_be_made_anew = set(segment_tables(title.manifest))
    tracks = {track_file(name) for name in track_names(title.manifest)}
    for name, part in title.files.items():
        try:
            size = part.path.stat().st_size
        except FileNotFoundError as error:
            if name in can_be_made_anew:
                continue
            raise DamagedTitle(f"{name} is missing") from error
        # Of a track the manifest knows the beginning alone.
        if size < part.size or (size != part.size and name not in tracks):
            raise DamagedTitle(f"{name} has {size} bytes instead of {part.size}")


def all_parts(folder: Path) -> Iterator[Part]:
    """Everything of a title that has a checksum, in parts of a few megabytes, each to be checked.
    Raises DamagedTitle where not even that can be said."""
    title = Mezzanine(folder)
    can_be_made_anew = set(segment_tables(title.manifest))
    for name, part in title.files.items():
        if part.path.exists() or name not in can_be_made_anew:
            yield part
    for name in track_names(title.manifest):
        track = CmafTrack(folder, name, title.grid, title.files)
        for index in range(title.grid.segment_count):
            yield track.segment(index)
