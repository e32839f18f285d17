"""Clips made of others by copying packets: other times, or one after the other."""

from collections.abc import Callable
from dataclasses import replace
from fractions import Fraction
from pathlib import Path
from typing import Any

import av

from tests.clips.fixtures import ClipCache
from tests.clips.read import open_strictly
from tests.clips.spec import ClipFacts

Change = Callable[["av.Packet[Any]", int], Fraction]


def retimed(cache: ClipCache, clip: ClipFacts, suffix: str, change: Change) -> ClipFacts:
    """``clip`` with ``change`` seconds added to the times of each packet, which it is told with
    its number in its stream."""

    def make(target: Path) -> None:
        counts: dict[int, int] = {}
        with open_strictly(clip.path) as reader, av.open(str(target), "w") as writer:
            outputs = {s.index: writer.add_stream_from_template(s) for s in reader.streams}
            for packet in reader.demux():
                if packet.dts is None or packet.pts is None:
                    continue
                index = packet.stream.index
                added = int(change(packet, counts.get(index, 0)) / packet.time_base)
                counts[index] = counts.get(index, 0) + 1
                packet.dts += added
                packet.pts += added
                packet.stream = outputs[index]
                writer.mux_one(packet)

    return replace(clip, path=cache.once(f"{clip.path.name} {change}", make, suffix=suffix))


def strung(cache: ClipCache, *clips: ClipFacts) -> ClipFacts:
    """The bytes of MPEG-TS or MPEG-PS files, one after the other; facts of the first."""
    names = " ".join(clip.path.name for clip in clips)

    def make(target: Path) -> None:
        target.write_bytes(b"".join(clip.path.read_bytes() for clip in clips))

    return replace(clips[0], path=cache.once(names, make, suffix=clips[0].path.suffix))
