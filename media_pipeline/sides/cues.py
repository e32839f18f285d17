"""From subtitles as libavcodec decodes them (ASS events) to WebVTT cues.

libavcodec turns every kind of text subtitles into events of Advanced SubStation Alpha: nine fields
divided by commas, of which the last is the text, with overrides in braces.
WebVTT (W3C) knows ``<i>``, ``<b>`` and ``<u>``; ``<``, ``&`` and ``>`` are escaped, so that
nothing in a stranger's text is markup, and no line reads ``-->``.
"""

import re
import unicodedata
from dataclasses import dataclass
from fractions import Fraction

from media_pipeline.timeline import nearest

LONGEST_TEXT = 2000  # characters of a cue: about four times what any screen can show
_LONGEST_EVENT = 16_384  # bytes that are looked at, overrides included

_FIELDS = 8  # before the text: ReadOrder, Layer, Style, Name, MarginL, MarginR, MarginV, Effect
_PIECE = re.compile(r"\{([^{}]*)\}|\\([Nnh])")
_SWITCH = re.compile(r"\\([ibu])(\d*)(?![a-z])|\\(r)|\\p(\d+)")
_ESCAPES = {"&": "&amp;", "<": "&lt;", ">": "&gt;"}


@dataclass(frozen=True, slots=True)
class Cue:
    """``text`` is WebVTT cue text, shown from ``start`` to ``end`` (seconds of the title)."""

    start: Fraction
    end: Fraction
    text: str


class _Text:
    """Cue text that grows: open tags are closed in order, also where a line ends."""

    def __init__(self) -> None:
        self._lines: list[list[str]] = [[]]
        self._wanted: set[str] = set()
        self._open: list[str] = []
        self._length = 0
        self._is_drawing = False

    def override(self, block: str) -> None:
        """What stands between two braces."""
        for switch in _SWITCH.finditer(block):
            tag, value, reset, drawing = switch.groups()
            if drawing is not None:
                self._is_drawing = int(drawing[:4]) > 0
            elif reset:
                self._wanted.clear()
            elif value in ("", "0"):
                self._wanted.discard(tag)
            else:
                self._wanted.add(tag)

    def add(self, text: str) -> None:
        if self._is_drawing:  # coordinates of a shape
            return
        for number, line in enumerate(re.split(r"\r\n|[\r\n\u2028\u2029\x85\v\f]", text)):
            if number:
                self.new_line()
            kept = "".join(c for c in line if c == "\t" or unicodedata.category(c) not in _UNSEEN)
            kept = kept[: LONGEST_TEXT - self._length]
            if kept:
                self._switch()
                self._lines[-1].append("".join(_ESCAPES.get(c, c) for c in kept))
                self._length += len(kept)

    def new_line(self) -> None:
        self._close(0)
        self._lines.append([])

    def _switch(self) -> None:
        keep = 0
        while keep < len(self._open) and self._open[keep] in self._wanted:
            keep += 1
        self._close(keep)
        for tag in sorted(self._wanted.difference(self._open)):
            self._lines[-1].append(f"<{tag}>")
            self._open.append(tag)

    def _close(self, keep: int) -> None:
        while len(self._open) > keep:
            self._lines[-1].append(f"</{self._open.pop()}>")

    def finish(self) -> str:
        """The lines with something in them: an empty one would end the cue."""
        self._close(0)
        lines = ("".join(line).strip() for line in self._lines)
        return "\n".join(line for line in lines if re.sub(r"</?[ibu]>", "", line).strip())


# Control characters, lone surrogates, unassigned and private ones; format characters stay: scripts
# written from right to left, and emoji, need them.
_UNSEEN = frozenset(("Cc", "Cs", "Cn", "Co"))


def cue_text(event: bytes) -> str:
    """WebVTT cue text of an ASS event; empty when there is nothing to read in it."""
    fields = event[:_LONGEST_EVENT].decode("utf-8", "ignore").split(",", _FIELDS)
    if len(fields) <= _FIELDS:
        return ""
    source, text, position = fields[_FIELDS], _Text(), 0
    for piece in _PIECE.finditer(source):
        text.add(source[position : piece.start()])
        position = piece.end()
        block, escape = piece.groups()
        if escape == "N":
            text.new_line()
        elif escape:
            text.add("\u00a0" if escape == "h" else " ")
        else:
            text.override(block)
    text.add(source[position:])
    return text.finish()


def timestamp(milliseconds: int) -> str:
    """WebVTT §3.3: hours of two digits or more, minutes, seconds and thousandths."""
    seconds, thousandths = divmod(milliseconds, 1000)
    minutes, seconds = divmod(seconds, 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours:02}:{minutes:02}:{seconds:02}.{thousandths:03}"


def cue_block(start: Fraction, end: Fraction, text: str) -> str:
    """A cue as it stands in a file, empty line before it. At least one thousandth long."""
    first = nearest(start * 1000)
    last = max(first + 1, nearest(end * 1000))
    return f"\n{timestamp(first)} --> {timestamp(last)}\n{text}\n"
