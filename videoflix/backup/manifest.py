"""What a backup says of itself, and looking whether that is so."""

import json
import os
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import asdict, dataclass
from enum import StrEnum
from pathlib import Path
from typing import Any, Self

import xxhash

from videoflix.errors import UnusableBackup
from videoflix.private_files import write_private

NAME = "BACKUP.json"
MEDIA_LIST = "media.jsonl"
MEDIA = "media"
DATABASE = "database"
FILMS = "videos"
_FORMAT = "videoflix backup"
_VERSION = 1
_BLOCK = 1024 * 1024
_PATH = re.compile(
    r"sources/\d+/source|titles/\d+/[\w-]+/\w[\w.-]*|thumbnails/video_\d+\.jpg", re.ASCII
)

Note = Callable[[int], None]


class MediaKind(StrEnum):
    """What a backup does with the media: copies, further names of the same files, or nothing but
    their list."""

    COPIED = "copied"
    LINKED = "linked"
    LISTED = "listed"


@dataclass(frozen=True, slots=True)
class FileFacts:
    """``path`` is relative; ``xxh3`` the 128-bit checksum in hexadecimal."""

    path: str
    size: int
    xxh3: str


@dataclass(frozen=True, slots=True)
class CollectionFacts:
    name: str
    documents: int
    file: FileFacts


@dataclass(frozen=True, slots=True)
class BackupManifest:
    """``made_at`` is ISO 8601; ``bytes`` are the media's. ``notes`` say in plain words what was
    not as it should be when the backup was made."""

    made_at: str
    made_by: str
    database_version: int
    collections: tuple[CollectionFacts, ...]
    media: MediaKind
    media_list: FileFacts
    files: int
    bytes: int
    notes: tuple[str, ...]

    def save(self, folder: Path) -> None:
        values = {"format": _FORMAT, "version": _VERSION, **asdict(self)}
        values["checksum"] = _checksum(values)
        write_private(folder / NAME, json.dumps(values, indent=1) + "\n")

    @classmethod
    def load(cls, folder: Path) -> Self:
        """Raises UnusableBackup."""
        try:
            values: dict[str, Any] = json.loads((folder / NAME).read_bytes())
        except FileNotFoundError as error:
            raise UnusableBackup(f"{folder} holds no finished backup: it has no {NAME}") from error
        except (OSError, ValueError) as error:
            raise UnusableBackup(f"{folder / NAME} cannot be read") from error
        try:
            if values.pop("format") != _FORMAT or values["version"] > _VERSION:
                raise UnusableBackup(f"{folder / NAME} is of a later Videoflix, or of none")
            checksum = values.pop("checksum")
            if checksum != _checksum({"format": _FORMAT, **values}):
                raise UnusableBackup(f"{folder / NAME} is damaged")
            del values["version"]
            collections = tuple(
                CollectionFacts(**{**facts, "file": FileFacts(**facts["file"])})
                for facts in values.pop("collections")
            )
            return cls(
                collections=collections,
                media=MediaKind(values.pop("media")),
                media_list=FileFacts(**values.pop("media_list")),
                notes=tuple(values.pop("notes")),
                **values,
            )
        except (AttributeError, KeyError, TypeError, ValueError) as error:
            raise UnusableBackup(f"{folder / NAME} is damaged") from error


def _checksum(values: Mapping[str, Any]) -> str:
    text = json.dumps(values, sort_keys=True, separators=(",", ":"))
    return xxhash.xxh3_128_hexdigest(text.encode())


def facts_of(path: Path, name: str, note: Note = lambda _: None) -> FileFacts:
    """Read a file; ``note`` gets the bytes that were read, piece by piece. Raises OSError."""
    digest = xxhash.xxh3_128()
    size = 0
    block = memoryview(bytearray(_BLOCK))
    with path.open("rb", buffering=0) as file:
        while count := os.readv(file.fileno(), [block]):
            digest.update(block[:count])
            size += count
            note(count)
    return FileFacts(name, size, digest.hexdigest())


def check_facts(path: Path, facts: FileFacts, note: Note = lambda _: None) -> None:
    """Raises UnusableBackup where the file is not what it was."""
    try:
        if path.stat().st_size != facts.size or facts_of(path, facts.path, note) != facts:
            raise UnusableBackup(f"{path} is damaged")
    except OSError as error:
        raise UnusableBackup(f"{path} cannot be read: {error.strerror}") from error


def media_files(folder: Path) -> Iterator[FileFacts]:
    """The lines of the media list, which was checked. Raises UnusableBackup."""
    with (folder / MEDIA_LIST).open(encoding="utf-8") as file:
        for line in file:
            facts = FileFacts(**json.loads(line))
            if not _PATH.fullmatch(facts.path):
                raise UnusableBackup(f"{folder / MEDIA_LIST} names {facts.path!r}, no film's file")
            yield facts


def check_backup(folder: Path, manifest: BackupManifest, note: Note = lambda _: None) -> None:
    """Read all of it. Raises UnusableBackup."""
    for collection in manifest.collections:
        check_facts(folder / collection.file.path, collection.file, note)
    check_facts(folder / MEDIA_LIST, manifest.media_list, note)
    found = list(media_files(folder))
    if (len(found), sum(facts.size for facts in found)) != (manifest.files, manifest.bytes):
        raise UnusableBackup(f"{folder / MEDIA_LIST} does not list what {NAME} says")
    if manifest.media is not MediaKind.LISTED:
        for facts in found:
            check_facts(folder / MEDIA / facts.path, facts, note)
