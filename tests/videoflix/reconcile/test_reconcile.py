"""Disk and records compared (R47): what is found, what is mended, and what is left alone."""

import asyncio
import json
import os
import shutil
import time
from collections.abc import AsyncIterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import pytest
from structlog.testing import capture_logs

from media_pipeline.titles.manifest import MANIFEST
from tests.clips.fixtures import ClipCache
from tests.commands import run, running, until
from tests.handlers.films import add_pending, publish
from tests.media_pipeline.damage import as_version_3, flip
from tests.media_pipeline.titles import clip_title
from tests.videoflix.backup.estate import put_source, raw_database
from tests.videoflix.encoding.jobs import add, claimed, encoder_started
from tests.videoflix.parts import Parts, open_parts
from videoflix.adapters.inventory import LocalInventory
from videoflix.adapters.mongo.film_states import MongoFilmStates
from videoflix.cli.reconcile import Outcome, as_json
from videoflix.container import Container
from videoflix.errors import Conflict
from videoflix.models import ProcessingStatus, Video, VideoDetails
from videoflix.offload import Offload
from videoflix.ports import FilmTraces
from videoflix.reconcile import Finding, Kind, StartReport, Survey
from videoflix.reconcile.findings import Part
from videoflix.reconcile.presence import NOT_THERE, Presence
from videoflix.settings import Settings


@pytest.fixture(scope="module")
def title(clip_cache: ClipCache) -> Path:
    _, found = clip_title(clip_cache, seconds=3, width=160, height=90)
    return found.folder


@dataclass(frozen=True)
class House:
    container: Container
    title: Path

    @property
    def root(self) -> Path:
        return self.container.settings.storage.root

    async def film(self, name: str = "A film", source: bytes | None = b"x") -> Video:
        """A ready film whose record says that its source has one byte."""
        video = await publish(self.container, self.title, name)
        if source is not None:
            put_source(self.container, video.id, source)
        return video

    def encode(self, video: Video) -> Path:
        return self.container.media.title(video.id, str(video.generation))

    async def found(self, *, verify: bool = False) -> list[Finding]:
        return [each async for each in self.container.survey.findings(verify=verify)]

    async def mended(self, *, verify: bool = False) -> list[str | None]:
        return [await self.container.repair.mend(each) for each in await self.found(verify=verify)]

    async def now(self, video: Video) -> Video:
        return await self.container.catalogue.find(video.id)


@pytest.fixture
async def house(container: Container, title: Path) -> House:
    return House(container, title)


def aged(*paths: Path, seconds: float = 7200) -> None:
    """As if nobody had touched them for two hours."""
    moment = time.time() - seconds
    for path in paths:
        for each in (*path.rglob("*"), path):
            os.utime(each, (moment, moment))


def kinds(found: list[Finding]) -> list[tuple[str, str]]:
    return [(each.kind.value, each.path) for each in found]


async def test_r47_where_all_fits_nothing_is_found(house: House) -> None:
    await house.film()
    waiting = await add_pending(house.container, "Waits")
    put_source(house.container, waiting.id, b"x")
    aged(house.root)
    assert await house.found(verify=True) == []


async def test_r47_orphans_are_found_and_set_aside(house: House) -> None:
    video = await house.film()
    made = {
        "sources/98": b"film",
        "titles/98": b"track",
        "titles/1/unknown": b"track",
    }
    for path, data in made.items():
        (house.root / path).mkdir()
        (house.root / path / "file").write_bytes(data)
    (house.root / "thumbnails" / "video_98.jpg").write_bytes(b"picture")
    assert await house.found() == []  # they may be somebody's who has not written the record yet
    aged(house.root)
    found = await house.found()
    orphans = ["sources/98", "titles/98", "thumbnails/video_98.jpg", "titles/1/unknown"]
    assert kinds(found) == [("orphan", path) for path in orphans]
    done = [await house.container.repair.mend(each) for each in found]
    assert await house.found() == []
    for path, said in zip(orphans, done, strict=True):
        assert said is not None
        place = house.root / said.removeprefix("moved to ")
        assert place.parts[len(house.root.parts)] == "quarantine"
        assert place.exists()
        assert not (house.root / path).exists()
    quarantined = sorted(path for path in (house.root / "quarantine").rglob("*"))
    assert {path.stat().st_mode & 0o777 for path in quarantined if path.is_dir()} >= {0o700}
    assert house.encode(video).exists()


async def test_r47_a_database_that_knows_no_film_is_not_believed(house: House) -> None:
    """As when another database was named by mistake."""
    (house.root / "sources" / "1").mkdir()
    (house.root / "sources" / "1" / "source").write_bytes(b"film")
    aged(house.root)
    [finding] = await house.found()
    assert await house.container.repair.mend(finding) is None
    assert (house.root / "sources" / "1" / "source").exists()


def unmounted(house: House) -> list[Path]:
    """Hide all that the store has, as when its file system is not mounted and the folders are
    made in its place. Returns where it is now."""
    hidden = []
    for name in ("titles", "sources", "thumbnails"):
        hidden.append((house.root / name).rename(house.root / f"hidden-{name}"))
        (house.root / name).mkdir()
    return hidden


def mounted(house: House, hidden: list[Path]) -> None:
    for folder in hidden:
        place = house.root / folder.name.removeprefix("hidden-")
        place.rmdir()
        folder.rename(place)


async def test_r47_a_store_that_is_not_there_is_not_believed(house: House) -> None:
    """Else every film would be forgotten, and its encode be an orphan once the disk is back."""
    videos = [await house.film(name) for name in ("One", "Two")]
    hidden = unmounted(house)
    found = await house.found()
    assert len(found) == 6
    assert not await house.container.presence.is_there()
    for finding in found:
        if finding.part in (Part.TITLE, Part.SOURCE):
            with pytest.raises(Conflict, match="the store is not there"):
                await house.container.repair.mend(finding)
        else:
            assert await house.container.repair.mend(finding) is None
    assert [await house.now(video) for video in videos] == videos
    mounted(house, hidden)
    assert await house.container.presence.is_there()
    assert await house.found() == []


async def test_r47_a_store_that_goes_away_while_it_is_mended(house: House) -> None:
    """What was seen before counts for nothing."""
    lost, other = await house.film("One"), await house.film("Two")
    shutil.rmtree(house.encode(lost))
    shutil.rmtree(house.encode(other))
    one, two = await house.found()
    assert await house.container.repair.mend(one) == "waits to be encoded anew"
    unmounted(house)
    with pytest.raises(Conflict, match="the store is not there"):
        await house.container.repair.mend(two)
    assert await house.now(other) == other


async def test_a_store_of_which_nobody_expects_anything_is_there(house: House) -> None:
    assert await house.container.presence.is_there()


async def test_r47_a_start_says_that_the_store_is_not_there(house: House) -> None:
    await house.film()
    unmounted(house)
    with capture_logs() as logs:
        await house.container.start_report.write()
    said = [(entry["log_level"], entry["event"]) for entry in logs]
    assert [event for level, event in said if level == "error"] == [NOT_THERE]


@pytest.mark.parametrize("options", [(), ("--repair",), ("--json",), ("--repair", "--json")])
async def test_r47_the_command_says_that_the_store_is_not_there(
    house: House, options: tuple[str, ...]
) -> None:
    video = await house.film()
    unmounted(house)
    ended = run("reconcile", *options, root=house.root, extra=on_services(house))
    assert ended.returncode == 1, ended.stderr
    if "--json" in options:
        said = json.loads(ended.stdout)
        assert (said["is_store_there"], said["left"]) == (False, 3)
    else:
        assert ended.stdout.splitlines()[-1] == (
            f"Found 3 missing. --repair mends nothing: {NOT_THERE}"
        )
    assert await house.now(video) == video


@pytest.mark.parametrize("has_source", [True, False])
async def test_r47_a_missing_encode_is_made_anew_or_the_film_has_failed(
    house: House, has_source: bool
) -> None:
    await house.film("Whole")
    video = await house.film()
    shutil.rmtree(house.encode(video))
    if not has_source:
        house.container.media.delete_source(video.id)
    found = await house.found()
    expected = ["title", "source"] if not has_source else ["title"]
    assert [(each.kind.value, each.part.value) for each in found] == [
        ("missing", part) for part in expected
    ]
    done = await house.mended()
    after = await house.now(video)
    assert after.generation is None
    if has_source:
        assert done == ["waits to be encoded anew"]
        assert after.status is ProcessingStatus.PENDING
        assert await house.container.videos.claim("worker", 60, 5) is not None
    else:
        assert done[0] is not None
        assert done[0].startswith("marked as failed")
        assert (after.status, after.has_source) == (ProcessingStatus.FAILED, False)
        assert "upload it again" in after.error
    assert await house.found() == []


async def test_r47_a_missing_source_of_a_film_that_plays_is_noted(house: House) -> None:
    video = await house.film(source=None)
    assert [each.part.value for each in await house.found()] == ["source"]
    assert await house.mended() == ["noted: it can be played, but not be encoded anew"]
    after = await house.now(video)
    assert (after.status, after.has_source) == (ProcessingStatus.READY, False)
    assert await house.found() == []


@pytest.mark.parametrize("is_old", [False, True])
@pytest.mark.parametrize(
    ("file", "verify"),
    [
        ("480p.mp4", False),
        ("480p.samples.npy", False),
        ("storyboard.vtt", False),
        ("480p.mp4", True),
        ("audio-0.mp4", True),
        ("sprite-0.jpg", True),
    ],
)
async def test_r47_damage_is_found_and_the_film_is_encoded_anew(
    house: House, file: str, verify: bool, is_old: bool
) -> None:
    """Without ``verify`` what is gone, with it every byte; titles of version 3 too."""
    video = await house.film()
    path = house.encode(video) / file
    if is_old:
        as_version_3(house.encode(video))
    if verify:
        flip(path, path.stat().st_size * 2 // 3)
        assert await house.found() == []  # at a glance it is whole
    elif is_old and file.endswith(".npy"):
        return  # of such tables its manifest knows nothing
    else:
        path.unlink()
    [finding] = await house.found(verify=verify)
    assert (finding.kind, finding.video_id) == (Kind.DAMAGED, video.id)
    assert file in finding.text
    done = await house.container.repair.mend(finding)
    assert done == "waits to be encoded anew; what is whole of it plays on"
    after = await house.now(video)
    assert (after.status, after.generation) == (ProcessingStatus.PENDING, video.generation)


async def test_r47_damage_that_nothing_can_mend_is_left_and_said(house: House) -> None:
    video = await house.film(source=b"too long")
    (house.encode(video) / "480p.mp4").unlink()
    found = await house.found()
    assert [each.kind for each in found] == [Kind.DAMAGED, Kind.DAMAGED]
    assert "has 8 bytes instead of 1" in found[1].text
    assert await house.mended() == [None, None]
    assert (await house.now(video)).status is ProcessingStatus.READY


async def test_r47_a_missing_picture_is_put_back(house: House) -> None:
    video = await house.film()
    picture = house.container.media.thumbnail(video.id)
    before = picture.read_bytes()
    picture.unlink()
    assert await house.mended() == ["replaced by the one made from the film"]
    assert picture.read_bytes() == before


async def test_r47_what_killed_processes_left_is_deleted(house: House) -> None:
    video = await house.film()
    stale = [f"titles/{video.id}/.tmp-dead", "titles/.gone-1", "sources/.gone-2", ".restore-3"]
    for path in stale:
        (house.root / path).mkdir()
    (house.root / "thumbnails" / ".tmp-4").touch()
    assert await house.found() == []
    aged(house.root)
    found = await house.found()
    assert sorted(path for kind, path in kinds(found) if kind == "temporary") == sorted(
        [*stale, "thumbnails/.tmp-4"]
    )
    assert set(await house.mended()) == {"deleted"}
    assert await house.found() == []


@pytest.fixture
async def parts(settings: Settings) -> AsyncIterator[Parts]:
    async with open_parts(settings) as opened:
        yield opened


async def test_r47_nobody_who_is_at_work_is_a_finding(parts: Parts) -> None:
    """An encode, both kinds of uploads, a source whose record is not written yet, a deletion."""
    video_id = await add(parts, "wait", "ready")
    job = asyncio.create_task(parts.encoding.run(await claimed(parts), asyncio.Event()))
    await encoder_started(parts, video_id)
    upload = await parts.uploads.resumable.create(1, 10, VideoDetails("Half"))
    deleted = await add(parts, "ready")
    await parts.removal.delete(deleted)
    root = parts.settings.storage.root
    (root / "titles" / str(deleted)).mkdir()  # its worker has not heard of it yet
    async with parts.uploads.receive() as incoming:
        await incoming.write(b"half a film")
        entering = parts.media.source(99).parent
        entering.mkdir()
        (entering / "unconfirmed").touch()
        aged(root)
        states, disk = MongoFilmStates(parts.database), LocalInventory(root)
        survey = Survey(states, disk, Offload(parts.disk), young=0, stale=0)
        assert [each async for each in survey.findings()] == []
    assert (root / "uploads" / upload.upload.id).exists()
    parts.media.source(video_id).with_name("go").touch()
    await job


async def test_a_film_that_changes_while_it_is_looked_at_is_looked_at_again(house: House) -> None:
    """Encoded anew between the record and the disk: the old encode is not missing."""
    video = await house.film()
    old = house.encode(video)

    class Slow(LocalInventory):
        def film(self, video_id: int) -> FilmTraces:
            if old.exists():
                old.rename(old.with_name("anew"))
                asyncio.run_coroutine_threadsafe(change(), loop).result()
            return super().film(video_id)

    async def change() -> None:
        async with raw_database(house.container.settings) as database:
            changes = {"$set": {"generation": "anew"}}
            await database["videos"].update_one({"_id": video.id}, changes)

    loop = asyncio.get_running_loop()
    with ThreadPoolExecutor(1) as executor:
        states = house.container.survey._records
        survey = Survey(states, Slow(house.root), Offload(executor), young=0)
        assert await survey.of_film(video.id) == []


async def test_r47_a_start_says_what_does_not_fit_once_for_all_processes(house: House) -> None:
    await house.film(source=None)
    (house.root / "titles" / "98").mkdir()
    aged(house.root / "titles" / "98")
    with ThreadPoolExecutor(1) as executor:
        disk = LocalInventory(house.root)
        offload = Offload(executor)
        survey = house.container.survey
        with capture_logs() as logs:
            for _ in range(2):
                presence = Presence(house.container.survey._records, disk, offload)
                await StartReport(survey, presence, disk, offload).write()
    said = [entry for entry in logs if "disk and records differ" in entry["event"]]
    assert [entry.get("what") for entry in said[:2]] == [
        "titles/98 belongs to no film that is known",
        "video 1 as it was uploaded is missing: sources/1/source",
    ]
    assert (said[2]["orphan"], said[2]["missing"], len(said)) == (1, 1, 3)


def on_services(house: House) -> dict[str, str]:
    """Variables for commands that use the same database and queue."""
    settings = house.container.settings
    return {
        "VIDEOFLIX_MONGO__URI": settings.mongo.uri.get_secret_value(),
        "VIDEOFLIX_MONGO__DATABASE": settings.mongo.database,
        "VIDEOFLIX_REDIS__URL": settings.redis.url.get_secret_value(),
    }


async def test_r47_the_command_and_a_server_that_starts(house: House) -> None:
    video = await house.film()
    shutil.rmtree(house.encode(video))
    other = await house.film(source=b"too long")
    extra = on_services(house)
    with running("serve", root=house.root, extra=extra) as server:
        until(lambda: "the encode of video 1 is missing" in server.errors.read_text())
    ended = run("reconcile", "--repair", root=house.root, extra=extra)
    assert ended.returncode == 1, ended.stderr
    source = f"sources/{other.id}/source"
    assert ended.stdout.splitlines() == [
        f"missing: the encode of video 1 is missing: titles/1/{video.generation}"
        " - waits to be encoded anew",
        f"damaged: video 2 as it was uploaded has 8 bytes instead of 1: {source}",
        "Found 1 damaged, 1 missing; 1 mended, 1 left.",
    ]


async def test_a_disk_that_cannot_be_read_is_said_in_one_line(house: House) -> None:
    """And taken for nothing else; a loop of links stands for the error of a disk."""
    video = await house.film()
    manifest = house.encode(video) / MANIFEST
    manifest.unlink()
    manifest.symlink_to(MANIFEST)
    ended = run("reconcile", "--repair", root=house.root, extra=on_services(house))
    assert ended.returncode == 1
    assert ended.stderr == f"videoflix: {manifest}: Too many levels of symbolic links\n"
    assert await house.now(video) == video


def test_json() -> None:
    finding = Finding(Kind.ORPHAN, Part.FILM, "titles/9", "It is nobody's.", 9)
    outcomes = [Outcome(finding, None), Outcome(finding, "moved")]
    assert json.loads(as_json(outcomes, is_store_there=True)) == {
        "findings": [
            {
                "kind": "orphan",
                "part": "film",
                "path": "titles/9",
                "text": "It is nobody's.",
                "video_id": 9,
                "generation": None,
                "repaired": repaired,
            }
            for repaired in (None, "moved")
        ],
        "counts": {"orphan": 2},
        "left": 1,
        "is_store_there": True,
    }
