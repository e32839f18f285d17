"""Clips with text subtitles in them, and with titles and roles of their streams."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from pathlib import Path

import av
from av.stream import Disposition, Stream
from av.subtitles.stream import SubtitleStream

from tests.clips.fixtures import ClipCache
from tests.clips.spec import ClipFacts

MILLISECOND = Fraction(1, 1000)

# What libavcodec's text encoders want to begin with.
HEADER = b"""[Script Info]
ScriptType: v4.00+

[V4+ Styles]
Format: Name
Style: Default

[Events]
Format: Layer, Start, End, Style, Name, MarginL, MarginR, MarginV, Effect, Text
"""


@dataclass(frozen=True)
class TextTrack:
    """Text subtitles. ``codec`` is libavcodec's encoder (srt, ass, mov_text, webvtt); ``cues`` are
    start and end (milliseconds of the clip's clock), and the text as the format writes it."""

    codec: str
    cues: Sequence[tuple[int, int, str | bytes]]
    language: str | None = None
    title: str | None = None
    disposition: Disposition | None = None

    def packet(self, number: int) -> "av.Packet[Stream]":
        start, end, text = self.cues[number]
        data = text.encode() if isinstance(text, str) else text
        if self.codec == "ass":
            data = f"{number},0,Default,,0,0,0,,".encode() + data
        elif self.codec == "mov_text":
            data = len(data).to_bytes(2, "big") + data
        packet = av.Packet(data)
        packet.time_base = MILLISECOND
        packet.pts = packet.dts = start
        packet.duration = end - start
        return packet


@dataclass(frozen=True)
class Told:
    """What a container says of a stream."""

    title: str | None = None
    disposition: Disposition | None = None


def with_texts(
    cache: ClipCache,
    clip: ClipFacts,
    suffix: str,
    *texts: TextTrack,
    told: Mapping[int, Told] | None = None,
) -> ClipFacts:
    """``clip`` once more, in the container of ``suffix``, with further streams of text. ``told`` is
    said of its own streams, by their index."""
    said = told or {}
    key = f"texts {clip.path.name} {texts} {said}"
    path = cache.once(key, lambda target: _write(clip, target, texts, said), suffix=suffix)
    return replace(clip, path=path)


def _write(
    clip: ClipFacts, target: Path, texts: Sequence[TextTrack], told: Mapping[int, Told]
) -> None:
    with av.open(str(clip.path)) as source, av.open(str(target), "w") as container:
        copies: dict[int, Stream] = {}
        for stream in source.streams:
            copy = container.add_stream_from_template(stream)
            copies[stream.index] = copy
            if stream.language:
                copy.metadata["language"] = stream.language
            said = told.get(stream.index, Told())
            if said.title is not None:
                copy.metadata["title"] = said.title
            if said.disposition is not None:
                copy.disposition = said.disposition
        added = [(text, _added(container, text)) for text in texts]
        container.start_encoding()
        # Texts come early in the file, and are read with the rest all the same.
        for text, stream in added:
            for number in range(len(text.cues)):
                packet = text.packet(number)
                packet.stream = stream
                container.mux(packet)
        for moved in source.demux():
            if moved.dts is not None:
                moved.stream = copies[moved.stream.index]
                container.mux(moved)


def _added(container: av.container.OutputContainer, text: TextTrack) -> SubtitleStream:
    stream = container.add_stream(text.codec)
    assert isinstance(stream, SubtitleStream)
    stream.time_base = MILLISECOND
    stream.codec_context.subtitle_header = HEADER
    stream.disposition = text.disposition or Disposition(0)
    if text.language:
        stream.metadata["language"] = text.language
    if text.title:
        stream.metadata["title"] = text.title
    return stream
