"""Makes long films out of short ones by repeating their packets: nothing is encoded."""

from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Any, TypeVar

import av

from tests.clips.read import open_strictly


@dataclass(frozen=True, slots=True)
class _Sample:
    """A packet's bytes and, in ticks of its stream, its times."""

    index: int
    data: bytes
    dts: int
    pts: int
    duration: int
    is_key: bool


def repeat_packets(source: Path, target: Path, times: int) -> Fraction:
    """Write the packets of ``source`` ``times`` over to ``target``, an MP4; return its seconds.

    Every stream is shifted by the same time, that of the pictures (of the sound, where there are
    none), rounded up to the ticks of every stream; packets that reach more than half beyond it
    are left out, so that sound stays within half of its frame's length of its picture. The source
    is read into memory. The pictures' numbers repeat.
    """
    if times < 1:
        raise ValueError("a film is repeated once at least")
    with open_strictly(source) as reader, target.open("wb") as file:
        kept = [stream for stream in reader.streams if stream.type in ("video", "audio")]
        place = {stream.index: position for position, stream in enumerate(kept)}
        bases = [_known(stream.time_base) for stream in kept]
        samples = [_sample(packet, place) for packet in reader.demux(kept) if packet.size]
        period = _period(samples, bases, [stream.type == "video" for stream in kept])
        with av.open(file, "w", format="mp4") as writer:
            outputs = [writer.add_stream_from_template(stream) for stream in kept]
            for output, base in zip(outputs, bases, strict=True):
                output.time_base = base
            shifts = [int(period / base) for base in bases]
            once = _within(samples, shifts)
            for turn in range(times):
                for sample in once:
                    shift = turn * shifts[sample.index]
                    packet = av.Packet(sample.data)
                    packet.stream = outputs[sample.index]
                    packet.time_base = bases[sample.index]
                    packet.dts, packet.pts = sample.dts + shift, sample.pts + shift
                    packet.duration = sample.duration
                    packet.is_keyframe = sample.is_key
                    writer.mux_one(packet)
    return period * times


T = TypeVar("T")


def _known(value: T | None) -> T:
    assert value is not None
    return value


def _sample(packet: "av.Packet[Any]", place: dict[int, int]) -> _Sample:
    return _Sample(
        index=place[packet.stream.index],
        data=bytes(packet),
        dts=_known(packet.dts),
        pts=_known(packet.pts),
        duration=packet.duration or 0,
        is_key=packet.is_keyframe,
    )


def _period(samples: list[_Sample], bases: list[Fraction], is_video: list[bool]) -> Fraction:
    """The length of the pictures, or of the longest stream, in whole ticks of every stream."""
    lengths = []
    for index, base in enumerate(bases):
        own = [sample for sample in samples if sample.index == index]
        first = min(sample.pts for sample in own)
        lengths.append(base * (max(sample.pts + sample.duration for sample in own) - first))
    pictures = [length for length, video in zip(lengths, is_video, strict=True) if video]
    length = max(pictures or lengths)
    common = bases[0]
    for base in bases[1:]:
        common = _common_multiple(common, base)
    return -(-length // common) * common


def _common_multiple(first: Fraction, second: Fraction) -> Fraction:
    """The smallest time that is a whole number of both ticks."""
    ratio = first / second
    return first * ratio.denominator


def _within(samples: list[_Sample], shifts: list[int]) -> list[_Sample]:
    """The samples that start before the next turn's first one, less half their length."""
    first: dict[int, int] = {}
    for sample in samples:
        first.setdefault(sample.index, sample.dts)
    return [
        sample
        for sample in samples
        if sample.dts + sample.duration // 2 < first[sample.index] + shifts[sample.index]
    ]
