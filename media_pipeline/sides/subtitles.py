"""Text subtitles of a source as WebVTT files (W3C, WebVTT: The Web Video Text Tracks Format)."""

import os
from fractions import Fraction
from pathlib import Path

import av
from av.stream import Stream
from av.subtitles.subtitle import AssSubtitle

from media_pipeline.sides.cues import Cue, cue_block, cue_text
from media_pipeline.titles.side_files import SIGNATURE, subtitle_file

# Of one track; a film of three hours has about 2,000 cues and 100 kB.
MOST_CUES = 50_000
MOST_CHARACTERS = 4_000_000
_WITHOUT_END = Fraction(5)  # seconds that a cue is shown whose end the file does not say


class SubtitleEncoder:
    """One stream of text subtitles, from packets to its file; used once.

    ``origin`` is the source's time that becomes 0. ``left_out`` counts what could not be read, or
    was too much for a film.
    """

    def __init__(self, folder: Path, name: str, *, origin: Fraction) -> None:
        self._path = folder / subtitle_file(name)
        self._origin = origin
        self._cues: list[Cue] = []
        self._characters = 0
        self.left_out = 0

    def take(self, packet: "av.Packet[Stream]") -> None:
        """A packet that cannot be decoded is left out, as is text that is no UTF-8."""
        if packet.pts is None or not packet.size:
            return
        if len(self._cues) >= MOST_CUES:
            self.left_out += 1
            return
        start = packet.pts * packet.time_base - self._origin
        length = (packet.duration or 0) * packet.time_base
        try:
            events = packet.decode()
        except (av.FFmpegError, ValueError):
            self.left_out += 1
            return
        for event in events:
            text = cue_text(event.ass) if isinstance(event, AssSubtitle) else ""
            if not text:
                continue
            if self._characters + len(text) > MOST_CHARACTERS:
                self.left_out += 1
                continue
            self._characters += len(text)
            self._cues.append(Cue(start, start + (length or _WITHOUT_END), text))

    def finish(self, duration: Fraction) -> int:
        """Write the cues of the film's ``duration`` (seconds) durably; how many there are.

        Writes no file when there is none.
        """
        shown = [cue for cue in self._cues if cue.end > 0 and cue.start < duration]
        # WebVTT §4.1: in order of their starts; those that start together stay in their order.
        shown.sort(key=lambda cue: cue.start)
        if not shown:
            return 0
        with self._path.open("x", encoding="utf-8", newline="\n") as file:
            file.write(SIGNATURE)
            for cue in shown:
                file.write(cue_block(max(cue.start, Fraction(0)), min(cue.end, duration), cue.text))
            file.flush()
            os.fsync(file.fileno())
        return len(shown)
