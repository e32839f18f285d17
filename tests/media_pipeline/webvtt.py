"""A strict reader of WebVTT (W3C): what the grammar does not allow is an error."""

import re
from dataclasses import dataclass
from pathlib import Path

import av

TIME = r"(\d{2,}):([0-5]\d):([0-5]\d)\.(\d{3})"
TIMING = re.compile(f"{TIME} --> {TIME}")
PIECE = re.compile(r"<(/?)([ibu])>|&(amp|lt|gt);|([^<&]+)")


class NotWebVTT(Exception):
    """The file breaks a rule of the format."""


@dataclass(frozen=True)
class ReadCue:
    """Milliseconds, and the text as written."""

    start: int
    end: int
    text: str


def _milliseconds(groups: tuple[str, ...]) -> int:
    hours, minutes, seconds, thousandths = map(int, groups)
    return ((hours * 60 + minutes) * 60 + seconds) * 1000 + thousandths


def check_cue_text(text: str) -> None:
    """Tags are known, closed in order and in their line; all else is escaped."""
    for line in text.split("\n"):
        opened: list[str] = []
        position = 0
        while position < len(line):
            piece = PIECE.match(line, position)
            if piece is None:
                raise NotWebVTT(f"markup in {line[position:][:40]!r}")
            closing, tag, _, _ = piece.groups()
            if tag and not closing:
                opened.append(tag)
            elif tag and (not opened or opened.pop() != tag):
                raise NotWebVTT(f"a tag that is not open in {line[:40]!r}")
            position = piece.end()
        if opened:
            raise NotWebVTT(f"a tag that stays open in {line[:40]!r}")


def read_webvtt(path: Path) -> list[ReadCue]:
    """All cues. Raises NotWebVTT, or UnicodeDecodeError."""
    content = path.read_bytes().decode("utf-8")
    if "\r" in content or "\0" in content or not content.endswith("\n"):
        raise NotWebVTT("its lines are not plain")
    head, *blocks = content[:-1].split("\n\n")
    if head != "WEBVTT":
        raise NotWebVTT("no signature")
    cues: list[ReadCue] = []
    for block in blocks:
        timing, _, text = block.partition("\n")
        found = TIMING.fullmatch(timing)
        if not found or not text or "-->" in text:
            raise NotWebVTT(f"a cue that is none: {block[:80]!r}")
        cue = ReadCue(_milliseconds(found.groups()[:4]), _milliseconds(found.groups()[4:]), text)
        if cue.end <= cue.start or (cues and cue.start < cues[-1].start):
            raise NotWebVTT(f"a cue out of order: {timing}")
        check_cue_text(text)
        cues.append(cue)
    return cues


def read_by_libavformat(path: Path) -> list[tuple[int, int]]:
    """Start and end of every cue, in milliseconds, by another reader."""
    with av.open(str(path), format="webvtt") as container:
        stream = container.streams.subtitles[0]
        assert stream.time_base is not None
        found = []
        for packet in container.demux(stream):
            if packet.size and packet.pts is not None:
                start = int(packet.pts * stream.time_base * 1000)
                found.append((start, start + int((packet.duration or 0) * stream.time_base * 1000)))
    return found
