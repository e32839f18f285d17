"""Damaged films through real workers: real records, leases and encoder processes."""

import asyncio
import re
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import ExitStack
from dataclasses import dataclass, field
from io import BytesIO
from itertools import islice
from pathlib import Path

import av

from media_pipeline.titles.title import Title
from tests.clips.fixtures import ClipCache
from tests.commands import Running, descendants, running
from tests.fuzz.clips import KINDS as CLIPS
from tests.fuzz.mutations import KINDS as DAMAGES
from tests.fuzz.mutations import mutated
from tests.videoflix.parts import Parts, open_parts
from tests.videoflix.worker.processes import environment
from videoflix.models import ProcessingStatus, Video, VideoDetails
from videoflix.settings import Settings

WORKERS = 2
IN_FLIGHT = 16
LOOK_SECONDS = 0.25
JOB_SECONDS = 120.0  # one of these films takes less than a second; more is a hang
CHILD_SECONDS = 10.0
LONGEST = 120  # seconds: damaged timestamps promise hours
PLAYED = 10  # of this many ready titles one is played to its end
ENDED = (ProcessingStatus.READY, ProcessingStatus.FAILED)
CRASH = re.compile(r"crashed|was killed|processor time|of memory|longer than")
# What nobody should read: words of programmers, and of failures that say nothing.
DEFECT = re.compile(r"unexpected|Traceback|Errno|Error|\bav\.|0x|/|Given up")


@dataclass(frozen=True)
class Case:
    """A clip with one damage, made again from these three alone; None is the whole clip."""

    clip: str
    damage: str | None
    seed: int = 0

    def data(self, clips: Mapping[str, bytes]) -> bytes:
        whole = clips[self.clip]
        return whole if self.damage is None else mutated(whole, self.damage, self.seed)


def cases(count: int, first_seed: int = 0) -> list[Case]:
    """Every clip whole, then ``count`` damaged ones: all clips and damages in turn."""

    def damaged() -> Iterator[Case]:
        seed = first_seed
        while True:
            yield from (Case(clip, damage, seed) for damage in DAMAGES for clip in CLIPS)
            seed += 1

    return [*(Case(clip, None) for clip in CLIPS), *islice(damaged(), count)]


def make_clips(cache: ClipCache, names: Iterable[str] = CLIPS) -> Mapping[str, bytes]:
    made = {}
    for name in names:
        kind = CLIPS[name]
        made[name] = cache.clip(kind.spec, suffix=kind.suffix).path.read_bytes()
    return made


@dataclass
class Findings:
    """What came of the cases. ``defects`` says in plain words what must not be."""

    ready: int = 0
    played: int = 0
    failed: Counter[str] = field(default_factory=Counter)
    crashed: list[tuple[Case, str]] = field(default_factory=list)
    defects: list[str] = field(default_factory=list)

    def take(self, case: Case, video: Video) -> None:
        if video.attempts != 1:
            self.defects.append(f"{case}: {video.attempts} attempts")
        if video.status is ProcessingStatus.READY:
            self.ready += 1
        elif CRASH.search(video.error):
            self.crashed.append((case, video.error))
        else:
            self.failed[re.sub(r"\d[\d.,]*", "N", video.error)] += 1
            if DEFECT.search(video.error) or not video.error.endswith("."):
                self.defects.append(f"{case}: {video.error!r}")
        if case.damage is None and video.status is not ProcessingStatus.READY:
            self.defects.append(f"{case}: a whole film failed: {video.error!r}")


def play(folder: Path) -> None:
    """Cut and decode every segment of every rendition. Raises what any of it raises."""
    title = Title(folder)
    for name in title.names:
        pictures = 0
        for index in range(title.grid.segment_count):
            segment = BytesIO(title.cut_ts(name, index))
            with av.open(segment, "r", options={"err_detect": "explode"}) as container:
                pictures += len(list(container.decode(video=0)))
        if pictures != title.grid.frames:
            raise AssertionError(f"{name}: {pictures} of {title.grid.frames} pictures")


def leftovers(root: Path, videos: Iterable[Video]) -> Iterator[str]:
    """What lies under ``root`` that no record knows."""
    yield from (f"{path}" for path in (root / "uploads").glob("*"))
    known = {f"{video.id}": video.generation for video in videos}
    for folder in (root / "titles").glob("*"):
        names = [path.name for path in folder.iterdir()]
        wanted = known.get(folder.name)
        if names != ([wanted] if wanted else []):
            yield f"{folder}: {names} instead of {wanted}"
    for picture in (root / "thumbnails").glob("*"):
        number = re.fullmatch(r"(?:video_)?(\d+)\.jpg", picture.name)
        if number is None or not known.get(number[1]):
            yield f"{picture}"


def fuzz_settings(settings: Settings) -> Settings:
    """One cheap rung, one attempt, a time-out that catches hangs."""
    media = settings.media.model_copy(
        update={"preset": "ultrafast", "rungs": ("480p",), "threads": 1, "max_duration": LONGEST}
    )
    worker = settings.worker.model_copy(
        update={"max_attempts": 1, "job_timeout": JOB_SECONDS, "poll": 0.2}
    )
    return settings.model_copy(update={"media": media, "worker": worker})


class Fuzzer:
    """Puts films in and follows their records to the end."""

    def __init__(
        self, parts: Parts, workers: list[Running], clips: Mapping[str, bytes], folder: Path
    ) -> None:
        self._parts = parts
        self._workers = workers
        self._clips = clips
        self._folder = folder
        self._waiting: dict[int, Case] = {}
        self.videos: list[Video] = []
        self.findings = Findings()

    async def run(self, these: Iterable[Case], report: Callable[[str], None]) -> None:
        for number, case in enumerate(these, 1):
            await self._ingest(case)
            while len(self._waiting) >= IN_FLIGHT:
                await self._look()
            if number % 100 == 0:
                report(f"{number} films put in, {len(self.videos)} ended")
        while self._waiting:
            await self._look()

    async def _ingest(self, case: Case) -> None:
        path = self._folder / "film"
        path.write_bytes(case.data(self._clips))
        video = await self._parts.uploads.ingest_file(path, VideoDetails("A film"))
        self._waiting[video.id] = case

    async def _look(self) -> None:
        await asyncio.sleep(LOOK_SECONDS)
        for worker in self._workers:
            assert worker.process.poll() is None, worker.errors.read_text()[-2000:]
        for video_id in list(self._waiting):
            video = await self._parts.videos.find(video_id)
            assert video is not None
            if video.status in ENDED:
                case = self._waiting.pop(video_id)
                self.videos.append(video)
                self.findings.take(case, video)
                self._play(case, video)

    def _play(self, case: Case, video: Video) -> None:
        if video.generation is None or (case.damage and video.id % PLAYED):
            return
        self.findings.played += 1
        try:
            play(self._parts.media.title(video.id, video.generation))
        except Exception as error:
            self.findings.defects.append(f"{case}: does not play: {error!r}")


def _start_workers(settings: Settings, folder: Path, stack: ExitStack) -> list[Running]:
    return [
        stack.enter_context(
            running("worker", root=folder / f"worker{number}", extra=environment(settings))
        )
        for number in range(WORKERS)
    ]


async def _check_workers(workers: Iterable[Running], findings: Findings) -> None:
    """No process is left under them. That they still run was looked at all the time."""
    for worker in workers:
        deadline = asyncio.get_running_loop().time() + CHILD_SECONDS
        while descendants(worker.process.pid):
            if asyncio.get_running_loop().time() > deadline:
                findings.defects.append("a worker has a child though it has no work")
                break
            await asyncio.sleep(LOOK_SECONDS)


async def fuzz(
    settings: Settings,
    folder: Path,
    clips: Mapping[str, bytes],
    these: Iterable[Case],
    report: Callable[[str], None] = lambda _line: None,
) -> Findings:
    """Put the cases through two workers on ``settings`` (see ``fuzz_settings``)."""
    with ExitStack() as stack:
        workers = await asyncio.to_thread(_start_workers, settings, folder, stack)
        async with open_parts(settings, encoder=None) as parts:
            fuzzer = Fuzzer(parts, workers, clips, folder)
            await fuzzer.run(these, report)
            await _check_workers(workers, fuzzer.findings)
        left = leftovers(settings.storage.root, fuzzer.videos)
        fuzzer.findings.defects += [f"left behind: {line}" for line in left]
        return fuzzer.findings
