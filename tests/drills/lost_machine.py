"""A machine is lost with its database, its films and its key; a backup brings it back elsewhere."""

import asyncio
import shutil
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
import m3u8

from tests.benchmarks.rows import at_most
from tests.clips.generate import make_clip
from tests.commands import Running, run, running
from tests.drills.report import Outcome, all_of
from tests.handlers.site import PASSWORD

EMAIL = "admin@example.com"
FIELDS = {"width": 640, "height": 360, "seconds": 30}
EXTRA = {"VIDEOFLIX_MEDIA__RUNGS": "480p,720p"}
LISTENS = r"listens on (\S+) "


@dataclass
class Course:
    """Seconds of each step; what the viewer got before and after, by path; bytes of the backup."""

    seconds: dict[str, float] = field(default_factory=dict)
    before: dict[str, bytes] = field(default_factory=dict)
    after: dict[str, bytes] = field(default_factory=dict)
    saved: int = 0

    @contextmanager
    def timed(self, step: str) -> Iterator[None]:
        began = time.monotonic()
        yield
        self.seconds[step] = time.monotonic() - began


def command(*arguments: str, root: Path, stdin: str = "") -> None:
    done = run(*arguments, root=root, extra=EXTRA, stdin=stdin)
    assert done.returncode == 0, f"{arguments[0]}: {done.stderr}"


def everything(server: Running) -> dict[str, bytes]:
    """Sign in and get the catalogue, all playlists and all segments of film 1."""
    found = {}
    with httpx.Client(base_url=server.line(LISTENS)[1], trust_env=False, timeout=60) as client:
        answer = client.post("/api/login/", json={"email": EMAIL, "password": PASSWORD})
        assert answer.status_code == 200, answer.text
        waiting = ["/api/video/1/master.m3u8", "/api/video/1/manifest.mpd"]
        waiting.append("/media/thumbnails/video_1.jpg")
        while waiting:
            path = waiting.pop()
            answer = client.get(path)
            assert answer.status_code == 200, f"{path}: {answer.status_code}"
            found[path] = answer.content
            if path.endswith(".m3u8"):
                playlist = m3u8.loads(answer.text)
                waiting += [each.uri for each in (*playlist.playlists, *playlist.segments)]
    return found


def go_through(folder: Path, **fields: Any) -> Course:
    """In ``folder``: one machine, its backup, another machine."""
    course = Course()
    first, second, saved = folder / "first", folder / "second", folder / "backup"
    clip = folder / "film.mp4"
    make_clip(clip, **fields)
    command("createadmin", EMAIL, "--password-stdin", root=first, stdin=PASSWORD)
    with course.timed("encode"):
        command("ingest", str(clip), "--title", "A film", "--wait", root=first)
    with running("serve", root=first, extra=EXTRA) as server:
        course.before = everything(server)
        with course.timed("backup"):
            command("backup", str(saved), root=first)
    shutil.rmtree(first)
    course.saved = sum(path.stat().st_size for path in saved.rglob("*") if path.is_file())
    with course.timed("restore"):
        command("restore", str(saved), root=second)
    with course.timed("start and play"), running("serve", root=second, extra=EXTRA) as server:
        course.after = everything(server)
    return course


async def drill(folder: Path) -> Outcome:
    outcome = Outcome(
        "A machine is lost; a backup of 1 film brings it back on an empty one.",
        ("step", "seconds", "bytes", "equal"),
    )
    course = await asyncio.to_thread(go_through, folder, **FIELDS)
    equal = sum(course.after.get(path) == data for path, data in course.before.items())
    for step, seconds in course.seconds.items():
        is_play = step == "start and play"
        size = sum(map(len, course.after.values())) if is_play else course.saved
        outcome.rows.append(
            (
                step,
                f"{seconds:.1f}",
                "" if step == "encode" else f"{size}",
                f"{equal} of {len(course.before)}" if is_play else "",
            )
        )
    outcome.figures = [
        all_of("restore: answers after it that are equal", equal, len(course.before)),
        at_most("restore: others", len(course.after.keys() - course.before.keys()), 0, ""),
    ]
    if equal != len(course.before) or course.after.keys() != course.before.keys():
        outcome.misses.append("not everything that was played before is the same")
    return outcome
