"""Titles that are encoded in chunks, child by child, as workers do it."""

import json
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from media_pipeline.job import EncodeJob, EncodeSettings
from media_pipeline.parts import Part, Plan
from media_pipeline.sources.side_facts import SideFacts
from media_pipeline.titles.title import Title
from tests.clips.fixtures import ClipCache
from tests.media_pipeline.titles import ROOT, EncodeFailed


@dataclass(frozen=True)
class ChunkedFilm:
    """A film that is encoded in chunks of ``seconds``, under ``folder``."""

    source: Path
    folder: Path
    settings: EncodeSettings
    seconds: int

    @property
    def plan(self) -> Path:
        return self.folder / "plan"

    @property
    def title(self) -> Path:
        return self.folder / "title"

    def run(self, name: str, part: Part) -> Path:
        """Run one child; its output. Raises EncodeFailed."""
        job, output = self.folder / f"{name}.json", self.folder / name
        EncodeJob(self.source, output, self.settings, part).save(job)
        done = subprocess.run(
            [sys.executable, "-m", "media_pipeline.programs.encode", str(job)],
            cwd=ROOT,
            capture_output=True,
            text=True,
            check=False,
        )
        (self.folder / f"{name}.log").write_text(done.stderr)
        event = json.loads(done.stdout.splitlines()[-1])
        if event["event"] != "done":
            raise EncodeFailed(event)
        assert done.returncode == 0, done.stderr
        return output

    def make_plan(self) -> Plan | None:
        """The plan; None when the film was encoded whole instead, into ``title``."""
        self.folder.mkdir(exist_ok=True)
        self.run("title", Part("plan", self.plan, seconds=self.seconds))
        return Plan.load(self.plan) if self.plan.exists() else None

    def parts(self, plan: Plan) -> list[Path]:
        """Encode every part; their folders as ``join`` takes them."""
        side = self.run("side", Part("side", self.plan)) if plan.has_side else self.plan
        frames = SideFacts.load(side).frames
        numbers = range(len(plan.borders))
        chunks = [
            self.run(f"part-{n}", Part("pictures", self.plan, chunk=n, frames=frames))
            for n in numbers
        ]
        return [*chunks, side]

    def join(self, folders: Sequence[Path]) -> Title:
        return Title(self.run("title", Part("join", self.plan, folders=tuple(folders))))


def chunked_title(
    cache: ClipCache, source: Path, settings: EncodeSettings, seconds: int
) -> tuple[Plan, Title]:
    """The title made of ``source`` in chunks, once in a test session."""

    def make(folder: Path) -> None:
        film = ChunkedFilm(source, folder, settings, seconds)
        plan = film.make_plan()
        assert plan is not None
        film.join(film.parts(plan))

    folder = cache.once(f"chunks {source} {settings} {seconds}", make)
    return Plan.load(folder / "plan"), Title(folder / "title")
