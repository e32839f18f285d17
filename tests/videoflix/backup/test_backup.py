"""Backups: what is in them, what comes back, and what is refused."""

import asyncio
import shutil
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from typing import Any

import bson
import pytest

from tests.clips.fixtures import ClipCache
from tests.handlers.films import publish
from tests.handlers.site import PASSWORD
from tests.media_pipeline.damage import flip
from tests.media_pipeline.titles import clip_title
from tests.videoflix.backup.estate import (
    EMAIL,
    documents,
    everything,
    files_of,
    furnish,
    put_source,
    raw_database,
    wipe,
)
from tests.videoflix.encoding.jobs import add, claimed, encoder_started
from tests.videoflix.parts import open_parts
from videoflix.adapters.mongo.archive import COLLECTIONS, LEFT_OUT, STATE, MongoArchive
from videoflix.adapters.mongo.database import open_database
from videoflix.adapters.mongo.migrations import MIGRATIONS
from videoflix.backup import Backups, MediaKind
from videoflix.backup.manifest import facts_of
from videoflix.container import Container, open_container
from videoflix.errors import Conflict, NotFound, UnusableBackup
from videoflix.models import ProcessingStatus, VideoDetails
from videoflix.offload import Offload
from videoflix.settings import Settings
from videoflix.uploads.piece import Piece


@pytest.fixture(scope="module")
def title(clip_cache: ClipCache) -> Path:
    _, found = clip_title(clip_cache, seconds=3, width=160, height=90)
    return found.folder


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "backup"


@pytest.fixture
def offload() -> Iterator[Offload]:
    with ThreadPoolExecutor(2) as executor:
        yield Offload(executor)


async def restored(settings: Settings, folder: Path, **options: Any) -> None:
    async with open_container(settings) as container:
        await container.restoration.restore(folder, **options)


async def test_what_was_saved_comes_back(
    settings: Settings, container: Container, title: Path, folder: Path
) -> None:
    estate = await furnish(container, title)
    before, files = await everything(settings), files_of(settings.storage.root)
    made = await container.backups.make(folder)
    assert (made.files, made.bytes) == (len(files), sum(map(len, files.values())))
    assert made.notes == ()
    assert len(await documents(settings, "sessions")) == 1
    await wipe(settings)
    async with open_container(settings) as again:
        done = await again.restoration.restore(folder)
        assert done.moved_aside == ()
        assert await everything(settings) == before
        assert files_of(settings.storage.root) == files
        assert await documents(settings, "sessions") == []  # everybody signs in again
        user = (await again.accounts.login(EMAIL, PASSWORD)).user
        assert await again.positions.find(user.id, estate.ready) == 1500
        segment = await again.streaming.segment(estate.ready, "480p", "segment_000.ts")
        assert segment.size
        lease = await again.videos.claim("test", 60, 5)
        assert lease is not None
        assert lease.video_id == estate.waiting
        assert await again.videos.next_id() == estate.waiting + 1  # no id is given twice


async def test_all_of_it_is_for_its_owner_alone(
    container: Container, title: Path, folder: Path
) -> None:
    await furnish(container, title)
    await container.backups.make(folder)
    for path in (folder, *folder.rglob("*")):
        assert path.stat().st_mode & 0o777 == (0o700 if path.is_dir() else 0o600), path


async def test_every_collection_is_saved_or_left_out_on_purpose(
    settings: Settings, container: Container, title: Path
) -> None:
    await furnish(container, title)
    async with raw_database(settings) as database:
        found = set(await database.list_collection_names())
    assert found - {"videos", *COLLECTIONS, *LEFT_OUT, STATE} == set()


async def test_secrets_links_and_waiting_accounts_are_not_saved(
    settings: Settings, container: Container, title: Path, folder: Path
) -> None:
    await furnish(container, title)
    await container.accounts.register("waits@example.com", PASSWORD, PASSWORD)
    await container.accounts.request_password_reset(EMAIL)
    await container.backups.make(folder)
    users = bson.decode_all((folder / "database" / "users.bson").read_bytes())
    assert [user["email"] for user in users] == [EMAIL, "admin@example.com"]
    assert [user["links"] for user in users] == [[], []]
    assert {path.name for path in (folder / "database").iterdir()} == {
        "videos.bson",
        *(f"{name}.bson" for name in COLLECTIONS),
    }
    key = settings.auth.secret_key.get_secret_value().encode()
    assert not [path for path in folder.rglob("*") if path.is_file() and key in path.read_bytes()]


async def _spoil(folder: Path, what: str) -> None:
    if what == "unfinished":
        (folder / "BACKUP.json").unlink()
    elif what == "cut off":
        path = folder / "database" / "videos.bson"
        path.write_bytes(path.read_bytes()[:-1])
    elif what == "gone":
        shutil.rmtree(next((folder / "media" / "titles").iterdir()))
    else:
        path = next(iter(sorted(folder.rglob(what))))
        flip(path, path.stat().st_size // 2)


@pytest.mark.parametrize(
    "what",
    [
        *("BACKUP.json", "users.bson", "counters.bson", "media.jsonl", "480p.mp4", "source"),
        *("video_1.jpg", "unfinished", "cut off", "gone"),
    ],
)
async def test_a_damaged_backup_is_refused_with_nothing_changed(
    settings: Settings, container: Container, title: Path, folder: Path, what: str
) -> None:
    await furnish(container, title)
    await container.backups.make(folder)
    await _spoil(folder, what)
    before, files = await everything(settings), files_of(settings.storage.root)
    with pytest.raises(UnusableBackup):
        await container.restoration.restore(folder, replace=True)
    assert await everything(settings) == before
    assert files_of(settings.storage.root) == files
    assert not list(settings.storage.root.glob(".restore-*"))


async def test_a_path_that_leads_elsewhere_is_refused(
    container: Container, title: Path, folder: Path
) -> None:
    await furnish(container, title)
    made = await container.backups.make(folder)
    listed = folder / "media.jsonl"
    listed.write_text(listed.read_text().replace("sources/1/source", "sources/1/../../out"))
    with pytest.raises(UnusableBackup, match=r"media\.jsonl is damaged"):
        await container.restoration.restore(folder, replace=True)
    # Also where somebody made the checksums fit.
    replace(made, media_list=facts_of(listed, "media.jsonl")).save(folder)
    with pytest.raises(UnusableBackup, match=r"'sources/1/\.\./\.\./out', no film's file"):
        await container.restoration.restore(folder, replace=True)


async def test_nothing_that_is_there_is_mixed_or_lost(
    settings: Settings, container: Container, title: Path, folder: Path
) -> None:
    await furnish(container, title)
    await container.backups.make(folder)
    before, files = await everything(settings), files_of(settings.storage.root)
    with pytest.raises(Conflict, match=r"records in 'videos'.*files in .*titles.*--replace"):
        await container.restoration.restore(folder)
    await publish_another(container, title)
    done = await container.restoration.restore(folder, replace=True)
    assert await everything(settings) == before
    assert files_of(settings.storage.root) == files
    [aside] = settings.storage.root.glob("replaced-*")
    assert len(files_of(aside)) > len(files)
    assert str(aside / "titles") in done.moved_aside


async def publish_another(container: Container, title: Path) -> None:
    await container.job_control.cancel(2)
    await publish(container, title, "Another")


async def test_nothing_is_put_under_a_worker(
    container: Container, title: Path, folder: Path
) -> None:
    await furnish(container, title)
    await container.backups.make(folder)
    await container.encoding.report_alive("here:1:abc", "here", 1)
    with pytest.raises(Conflict, match="a worker runs"):
        await container.restoration.restore(folder, replace=True)


async def test_a_folder_in_use_is_refused_and_a_failure_leaves_nothing(
    container: Container, title: Path, folder: Path
) -> None:
    await furnish(container, title)
    folder.mkdir()
    folder.chmod(0o755)
    (folder / "mine").touch()
    with pytest.raises(Conflict, match="is not empty"):
        await container.backups.make(folder)
    assert [path.name for path in folder.iterdir()] == ["mine"]
    assert folder.stat().st_mode & 0o777 == 0o755  # others may still read what is theirs
    (folder / "mine").unlink()
    source = container.media.source(1)
    source.unlink()
    source.mkdir()  # a file that cannot be read
    with pytest.raises(Conflict, match="Is a directory"):
        await container.backups.make(folder)
    assert list(folder.iterdir()) == []


async def test_media_can_be_linked_or_only_listed(
    settings: Settings, container: Container, title: Path, tmp_path: Path
) -> None:
    estate = await furnish(container, title)
    linked = await container.backups.make(tmp_path / "linked", MediaKind.LINKED)
    listed = await container.backups.make(tmp_path / "listed", MediaKind.LISTED)
    assert linked.media_list == listed.media_list
    copy = tmp_path / "linked" / "media" / f"sources/{estate.ready}/source"
    assert copy.samefile(container.media.source(estate.ready))
    assert not list((tmp_path / "listed" / "media").iterdir())
    files = files_of(settings.storage.root)
    # The records alone, where the media are still there, or came back another way.
    await container.restoration.restore(tmp_path / "listed", replace=True)
    assert files_of(settings.storage.root) == files
    flip(container.media.source(estate.ready), 0)
    with pytest.raises(UnusableBackup, match="are not its own"):
        await container.restoration.restore(tmp_path / "listed", replace=True)


@pytest.mark.parametrize("what", ["title", "part of it", "source", "both"])
async def test_what_is_lost_is_said_and_the_rest_is_saved(
    settings: Settings, container: Container, title: Path, folder: Path, what: str
) -> None:
    estate = await furnish(container, title)
    record = await container.catalogue.find(estate.ready)
    assert record.generation is not None
    encode = container.media.title(estate.ready, record.generation)
    if what in ("title", "both"):
        shutil.rmtree(encode)
    if what in ("source", "both"):
        container.media.delete_source(estate.ready)
    if what == "part of it":
        (encode / "480p.mp4").unlink()
    made = await container.backups.make(folder)
    assert len(made.notes) == (2 if what == "both" else 1)
    await wipe(settings)
    await restored(settings, folder)
    async with open_container(settings) as again:
        video = await again.catalogue.find(estate.ready)
        has_title = what == "source"
        assert (video.generation is not None, video.has_source) == (
            has_title,
            what not in ("source", "both"),
        )
        expected = {"source": ProcessingStatus.READY, "both": ProcessingStatus.FAILED}
        assert video.status is expected.get(what, ProcessingStatus.PENDING)
        if what == "both":
            assert "upload it again" in video.error
        # Nothing waits that cannot be done.
        jobs = {2} if what in ("source", "both") else {1, 2}
        found = {lease.video_id for _ in jobs if (lease := await again.videos.claim("w", 60, 5))}
        assert found == jobs
        assert await again.videos.claim("w", 60, 5) is None


class Interfered(MongoArchive):
    """Something happens to each film the moment after its record is read for the first time."""

    happens: dict[int, Callable[[], Any]]

    async def film(self, video_id: int) -> Any:
        found = await super().film(video_id)
        if happens := self.happens.pop(video_id, None):
            await happens()
        return found


async def test_films_that_change_meanwhile_are_whole_or_not_in_it(
    settings: Settings, container: Container, title: Path, folder: Path, offload: Offload
) -> None:
    """Deleted while its files were read; encoded anew, and the old encode deleted."""
    deleted = await publish(container, title, "Deleted")
    changed = await publish(container, title, "Encoded anew")
    stays = await publish(container, title, "Stays")
    for video in (deleted, changed, stays):
        put_source(container, video.id, b"film")

    async def change() -> None:
        old = container.media.title(changed.id, str(changed.generation))
        old.rename(old.with_name("anew"))
        async with raw_database(settings) as database:
            query = {"_id": changed.id}
            await database["videos"].update_one(query, {"$set": {"generation": "anew"}})

    async with open_database(settings.mongo) as database:
        archive = Interfered(database)
        archive.happens = {deleted.id: lambda: container.removal.delete(deleted.id)}
        archive.happens[changed.id] = change
        made = await Backups(archive, container.media, offload).make(folder)
    assert archive.happens == {}
    assert made.notes == ()
    films = bson.decode_all((folder / "database" / "videos.bson").read_bytes())
    assert [(film["_id"], film["generation"]) for film in films] == [
        (changed.id, "anew"),
        (stays.id, stays.generation),
    ]
    saved = {path.parent.name for path in (folder / "media" / "titles").rglob("480p.mp4")}
    assert saved == {"anew", stays.generation}
    assert not (folder / "media" / "thumbnails" / f"video_{deleted.id}.jpg").exists()


async def test_during_an_upload_and_an_encode(settings: Settings, folder: Path) -> None:
    """What is under way is not in it, and is neither waited for nor disturbed."""
    async with open_parts(settings) as parts:
        video_id = await add(parts, "wait", "ready")
        job = asyncio.create_task(parts.encoding.run(await claimed(parts), asyncio.Event()))
        await encoder_started(parts, video_id)
        upload = await parts.uploads.resumable.create(1, 10, VideoDetails("Half"))
        async with parts.uploads.resumable.append(upload.upload.id, 1, 0) as piece:
            assert isinstance(piece, Piece)
            await piece.write(b"half ")
            archive = MongoArchive(parts.database)
            made = await Backups(archive, parts.media, Offload(parts.disk)).make(folder)
        assert made.notes == ()
        [film] = bson.decode_all((folder / "database" / "videos.bson").read_bytes())
        assert (film["status"], film["attempts"], film["generation"]) == ("pending", 0, None)
        assert not {"token", "holder"} & set(film)
        assert [path.name for path in (folder / "media").rglob("*") if path.is_file()] == ["source"]
        parts.media.source(video_id).with_name("go").touch()
        await job
        video = await parts.videos.find(video_id)
        assert video is not None
        assert video.status is ProcessingStatus.READY


async def test_a_backup_of_an_earlier_version_is_brought_up_to_date_and_a_later_one_refused(
    settings: Settings, container: Container, title: Path, folder: Path, offload: Offload
) -> None:
    await furnish(container, title)

    class Old(MongoArchive):
        version = 1

    class Later(MongoArchive):
        version = len(MIGRATIONS) + 1

    async with open_database(settings.mongo) as database:
        for kind in (Old, Later):
            archive = kind(database)
            made = Backups(archive, container.media, offload)
            await made.make(folder.with_name(kind.__name__))
    with pytest.raises(UnusableBackup, match="knows versions up to"):
        await container.restoration.restore(folder.with_name("Later"), replace=True)
    await container.restoration.restore(folder.with_name("Old"), replace=True)
    done = [each["_id"] for each in await documents(settings, STATE) if "name" in each]
    assert done == list(range(1, len(MIGRATIONS) + 1))


async def test_a_deleted_film_leaves_no_note_in_it(
    container: Container, title: Path, folder: Path
) -> None:
    estate = await furnish(container, title)
    await container.removal.delete(estate.ready)
    await container.backups.make(folder)
    films = bson.decode_all((folder / "database" / "videos.bson").read_bytes())
    assert [film["_id"] for film in films] == [estate.waiting]
    with pytest.raises(NotFound):
        await container.catalogue.find(estate.ready)
