"""Titles for tests, encoded the way workers do it: by the encoder child."""

import io
import json
import resource
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from av.stream import Disposition

from media_pipeline.job import EncodeJob, EncodeSettings
from media_pipeline.packages.package import Package
from media_pipeline.titles.title import Title
from tests.clips.fixtures import ClipCache
from tests.clips.spec import ClipFacts, Track
from tests.clips.texts import TextTrack, Told, with_texts

ROOT = Path(__file__).parents[2]
SMALL_RUNGS = ("480p=320x180", "720p=480x270", "1080p=640x360")
QUICK = EncodeSettings(preset="ultrafast", rungs=SMALL_RUNGS)
TWO_RUNGS = EncodeSettings(preset="ultrafast", rungs=("480p=96x54", "720p=160x90"))
ONE_RUNG = EncodeSettings(preset="ultrafast", rungs=("480p",))


class EncodeFailed(Exception):
    """The child said ``failed``; carries its last event."""

    def __init__(self, event: dict[str, Any]) -> None:
        super().__init__(event["reason"])
        self.event = event


@dataclass(frozen=True)
class Run:
    """How a child ended. ``events`` are the lines of its standard output."""

    status: int
    events: list[dict[str, Any]]
    errors: str

    @property
    def last(self) -> dict[str, Any]:
        assert self.events, self.errors
        return self.events[-1]


def run_encoder(
    source: Path,
    output: Path,
    settings: EncodeSettings = QUICK,
    *,
    largest_file: int | None = None,
) -> Run:
    """Encode ``source`` into the new folder ``output``, and leave nothing else beside it.

    ``largest_file`` (bytes) makes writes beyond it fail, as a full disk does.
    """
    job = output.with_name(output.name + ".job.json")
    EncodeJob(source, output, settings).save(job)
    limit = largest_file if largest_file is not None else resource.RLIM_INFINITY
    try:
        done = subprocess.run(
            [sys.executable, "-m", "media_pipeline.programs.encode", str(job)],
            cwd=ROOT,
            capture_output=True,
            text=True,
            check=False,
            preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit)),
        )
    finally:
        job.unlink()
    events = [json.loads(line) for line in done.stdout.splitlines()]
    return Run(done.returncode, events, done.stderr)


def encode_title(source: Path, output: Path, settings: EncodeSettings = QUICK) -> None:
    """Encode ``source`` into the new folder ``output``. Raises EncodeFailed."""
    run = run_encoder(source, output, settings)
    if run.last["event"] != "done":
        raise EncodeFailed(run.last)
    assert run.status == 0


def cached_title(cache: ClipCache, source: Path, settings: EncodeSettings = QUICK) -> Title:
    """The title made of ``source``, encoded once in a test session."""
    key = f"title {source} {settings}"
    return Title(cache.once(key, lambda output: encode_title(source, output, settings)))


def clip_title(
    cache: ClipCache, settings: EncodeSettings = ONE_RUNG, **fields: Any
) -> tuple[ClipFacts, Title]:
    """A generated clip (``fields`` as in ``ClipCache.clip``) and its title."""
    facts = cache.clip(**fields)
    return facts, cached_title(cache, facts.path, settings)


def segments(title: Title, rendition: str) -> list[bytes]:
    return [bytes(title.cut_ts(rendition, index)) for index in range(title.grid.segment_count)]


def joined(title: Title, rendition: str) -> io.BytesIO:
    """All segments of a rendition, one after the other."""
    return io.BytesIO(b"".join(segments(title, rendition)))


def packaged(title: Title) -> Package:
    """As a server has it for video 1."""
    return Package(title, "/api/video/1", "generation")


def rich_title(cache: ClipCache) -> Title:
    """A title of 15 s with two renditions, three sounds, two subtitles and three segments."""
    sounds = [
        Track(language="eng"),
        Track(pitch=1500, language="ger"),
        Track(pitch=2000, language="eng"),
    ]
    clip = cache.clip(suffix=".mkv", seconds=15, width=160, height=90, sound=sounds)
    told = {3: Told('The "director"', Disposition.comment)}
    cues = [(500, 1500, "One"), (7000, 9000, "Two\nlines"), (14000, 14500, "Three & four")]
    texts = [
        TextTrack("srt", cues, language="ger", disposition=Disposition.default),
        TextTrack("srt", cues, language="eng", disposition=Disposition.hearing_impaired),
    ]
    clip = with_texts(cache, clip, ".mkv", *texts, told=told)
    return cached_title(cache, clip.path, TWO_RUNGS)
