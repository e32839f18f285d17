"""What the encoder opens while it reads hostile files, as the kernel sees it: R34, R37."""

import re
import socket
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from media_pipeline.job import EncodeJob
from tests.clips.fixtures import ClipCache
from tests.clips.spec import ClipFacts, Track
from tests.clips.texts import TextTrack, with_texts
from tests.media_pipeline.hostile import SCRIPTS, with_external_media, with_linked_segment
from tests.media_pipeline.titles import ONE_RUNG, ROOT
from tests.programs import program

# Where programs and libraries are, and what they ask about the machine.
OURS = (sys.prefix, sys.base_prefix, str(ROOT), "/usr/", "/lib/", "/lib64/", "/etc/ld.so.cache",
        "/etc/localtime", "/proc/", "/sys/devices/system/", "/dev/")  # fmt: skip
NETWORK = re.compile(r"\b(socket|connect|bind|sendto|sendmsg|socketpair)\(")
OPENED = re.compile(r'\bopen(?:at)?\([^"]*"([^"]*)".*= \d+')
STARTED = re.compile(r"\bexecve\(.*= 0$")


@dataclass(frozen=True)
class Audit:
    """``opened`` are paths beyond ``OURS``; ``text`` is the whole trace."""

    said: str
    network: list[str]
    opened: set[str]
    programs: int
    text: str


def audit(folder: Path, source: Path, *, work: Path | None = None) -> Audit:
    """Encode ``source`` under strace; everything lies in ``folder``. ``work`` is where it runs."""
    job, trace = folder / "job.json", folder / "trace"
    EncodeJob(source, folder / "title", ONE_RUNG).save(job)
    done = subprocess.run(
        [program("strace"), "-f", "--seccomp-bpf", "-qq", "-e", "trace=%network,%file",
         "-s", "4096", "-o", str(trace),
         sys.executable, "-m", "media_pipeline.programs.encode", str(job)],
        cwd=work or ROOT,
        env={"PYTHONPATH": str(ROOT), "PATH": "/usr/bin:/bin", "HOME": str(folder)},
        capture_output=True,
        text=True,
        check=False,
    )  # fmt: skip
    text = trace.read_text(encoding="utf-8", errors="replace")
    lines = text.splitlines()
    # O_PATH opens nothing that could be read: so the child names what it confines itself to.
    opened = {m[1] for line in lines if "O_PATH" not in line and (m := OPENED.search(line))}
    return Audit(
        said=done.stdout.splitlines()[-1],
        network=[line for line in lines if NETWORK.search(line)],
        opened={path for path in opened if not path.startswith(OURS)},
        programs=sum(1 for line in lines if STARTED.search(line)),
        text=text,
    )


def check(found: Audit, folder: Path, source: Path | str) -> None:
    """No connection, no program but the encoder, no file but the job, the film and the title."""
    assert found.network == []
    assert found.programs == 1
    own = (str(folder / "job.json"), str(folder / "title"), str(source))
    beyond = {path for path in found.opened if not path.startswith(own)}
    assert beyond <= {str(folder)}  # which Python looks into where it runs there
    assert str(source) in found.opened or str(source) in found.text


@dataclass(frozen=True)
class Bait:
    """What hostile files point at: a film that may be read, and a port that answers."""

    film: Path
    port: int

    @property
    def targets(self) -> dict[str, str]:
        return {
            "path": str(self.film),
            "file": f"file://{self.film}",
            "http": f"http://127.0.0.1:{self.port}/film.ts",
            "tcp": f"tcp://127.0.0.1:{self.port}",
            "concat": f"concat:{self.film}|{self.film}",
            "subfile": f"subfile,,start,0,end,100,,:{self.film}",
        }


@pytest.fixture
def small(clip_cache: ClipCache) -> ClipFacts:
    return clip_cache.clip(width=64, height=48, frames=12)


@pytest.fixture
def bait(tmp_path: Path, small: ClipFacts) -> Iterator[Bait]:
    folder = tmp_path / "bait"
    folder.mkdir()
    film = folder / "film.ts"
    film.write_bytes(small.path.read_bytes())
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield Bait(film, server.getsockname()[1])


@pytest.fixture
def own(tmp_path: Path) -> Path:
    folder = tmp_path / "own"
    folder.mkdir()
    return folder


def test_r34_an_ordinary_film_opens_nothing_else(own: Path, small: ClipFacts) -> None:
    source = own / "source"
    source.write_bytes(small.path.read_bytes())
    found = audit(own, source)
    assert '"done"' in found.said
    check(found, own, source)
    assert str(own / "title") in str(sorted(found.opened))


@pytest.mark.parametrize(
    ("kind", "target", "suffix"),
    [
        ("m3u8", "path", ""),
        ("m3u8", "http", ".mp4"),
        ("m3u8", "tcp", ".m3u8"),
        ("m3u8 with key", "file", ".m3u8"),
        ("m3u8", "concat", ".m3u8"),
        ("m3u8", "subfile", ".ts"),
        ("ffconcat", "path", ".ffconcat"),
        ("mpd", "http", ".mpd"),
        ("sdp", "path", ".sdp"),
        ("srt", "file", ".srt"),
        ("ass", "http", ".ass"),
    ],
)
def test_r34_what_names_other_media_opens_none(
    own: Path, bait: Bait, kind: str, target: str, suffix: str
) -> None:
    source = own / f"source{suffix}"
    source.write_text(SCRIPTS[kind](bait.targets[target]))
    found = audit(own, source)
    assert '"permanent": true' in found.said
    check(found, own, source)
    assert str(bait.film) not in found.text


@pytest.mark.parametrize("target", ["path", "file", "http"])
def test_r34_media_outside_of_an_mp4_file_is_not_opened(
    own: Path, bait: Bait, small: ClipFacts, target: str
) -> None:
    source = own / "source"
    source.write_bytes(with_external_media(small.path.read_bytes(), bait.targets[target]))
    found = audit(own, source)
    check(found, own, source)
    assert str(bait.film) not in found.text


def test_r34_links_and_texts_of_a_matroska_file_are_not_followed(
    own: Path, clip_cache: ClipCache
) -> None:
    clip = clip_cache.clip(suffix=".mkv", width=64, height=48, frames=12, sound=Track())
    cues = [
        (0, 400, f'<img src="{url}">{url}') for url in ("file:///etc/passwd", "http://127.0.0.1:9/")
    ]
    told = with_texts(clip_cache, clip, ".mkv", TextTrack("srt", cues), TextTrack("ass", cues))
    source = own / "source"
    source.write_bytes(with_linked_segment(told.path.read_bytes(), "/etc/passwd"))
    found = audit(own, source)
    assert '"done"' in found.said
    check(found, own, source)
    assert "/etc/passwd" not in found.text


@pytest.mark.parametrize("name", ["concat:film.ts|film.ts", "subfile,,start,0,end,0,,:film.ts"])
def test_r37_a_name_that_looks_like_a_protocol_is_a_name(
    own: Path, small: ClipFacts, name: str
) -> None:
    """Names come from the server alone; if one did not, it would still be no more than a name."""
    for path in (own / name, own / "film.ts"):
        path.write_bytes(small.path.read_bytes())
    found = audit(own, Path(name), work=own)
    assert '"done"' in found.said
    check(found, own, name)
