"""What a backup or a restoration has made is on the disk, with its name, before that counts."""

import os
from pathlib import Path

import pytest

from tests.clips.fixtures import ClipCache
from tests.media_pipeline.titles import clip_title
from tests.videoflix.backup.estate import files_of, furnish
from videoflix.backup import MediaKind
from videoflix.container import Container
from videoflix.settings import Settings

Call = tuple[str, Path]


@pytest.fixture(scope="module")
def title(clip_cache: ClipCache) -> Path:
    _, found = clip_title(clip_cache, seconds=3, width=160, height=90)
    return found.folder


@pytest.fixture
def calls(monkeypatch: pytest.MonkeyPatch) -> list[Call]:
    """The paths that are fsynced and renamed, in their order."""
    found: list[Call] = []
    fsync, rename = os.fsync, os.rename

    def noted_fsync(descriptor: int) -> None:
        fsync(descriptor)
        found.append(("fsync", Path(f"/proc/self/fd/{descriptor}").readlink()))

    def noted_rename(source: Path, target: Path) -> None:
        found.append(("rename", source))
        rename(source, target)

    monkeypatch.setattr(os, "fsync", noted_fsync)
    monkeypatch.setattr(os, "rename", noted_rename)
    return found


def synced(calls: list[Call]) -> dict[Path, int]:
    """When each path was fsynced last."""
    return {path: place for place, (call, path) in enumerate(calls) if call == "fsync"}


@pytest.mark.parametrize("kind", MediaKind)
async def test_all_names_of_a_backup_are_on_the_disk_before_it_is_one(
    container: Container, title: Path, tmp_path: Path, calls: list[Call], kind: MediaKind
) -> None:
    await furnish(container, title)
    calls.clear()
    folder = tmp_path / "new" / "backup"
    await container.backups.make(folder, kind)
    finished = next(
        place for place, (_, path) in enumerate(calls) if path.name.startswith(".BACKUP.json")
    )
    when = synced(calls[:finished])
    assert {folder, folder.parent, tmp_path} <= set(when)
    made = set(folder.rglob("*")) - {folder / "BACKUP.json"}
    if kind is MediaKind.LINKED:  # the files are those of the storage
        made = {path for path in made if path.is_dir() or folder / "media" not in path.parents}
    assert made <= set(when)
    for path in made:
        assert when[path] < when[path.parent], path


async def test_media_are_on_the_disk_before_they_are_moved_to_their_place_and_afterwards(
    settings: Settings, container: Container, title: Path, tmp_path: Path, calls: list[Call]
) -> None:
    await furnish(container, title)
    await container.backups.make(tmp_path / "backup")
    calls.clear()
    await container.restoration.restore(tmp_path / "backup", replace=True)
    root = settings.storage.root
    moves = [place for place, (call, _) in enumerate(calls) if call == "rename"]
    when = synced(calls[: moves[0]])
    staging = next(path for path in when if path.parent == root)
    for name in files_of(root):
        path = staging / name
        while path != staging:
            assert when[path] < when[path.parent], path
            path = path.parent
    [aside] = root.glob("replaced-*")
    for source, target in (
        (root, aside),
        *((staging / name, root / name) for name in ("sources", "titles", "thumbnails")),
    ):
        last = max(place for place in moves if calls[place][1].parent == source)
        assert target in synced(calls[last:])
    assert root in synced(calls[moves[-1] :])
