"""Makes test clips with PyAV, drawn and sounded with numpy. See ``spec`` for what they hold."""

from collections.abc import Iterator
from dataclasses import replace
from fractions import Fraction
from heapq import merge
from math import gcd, lcm, pi
from pathlib import Path
from typing import Any, TypeAlias

import av
import numpy as np
from av.audio.stream import AudioStream
from av.container import OutputContainer
from av.video.stream import VideoStream
from numpy.typing import NDArray

from tests.clips.picture_code import BLACK, WHITE, Luma, cells_of, layout
from tests.clips.spec import BEEP, ClipFacts, ClipSpec, SoundFacts

DRAWN_FORMATS = ("yuv420p", "yuv422p", "yuv444p")
Packet: TypeAlias = "av.Packet[Any]"  # generic in its stub alone

BEEP_LEVEL, HUM_LEVEL, HUM_PITCH = 0.5, 0.01, 250
NEUTRAL = 128
CHUNK = 1024 * 16  # samples handed to the sound encoder at once


def make_clip(path: Path, spec: ClipSpec | None = None, **fields: Any) -> ClipFacts:
    """Encode a clip to ``path`` and say what it holds.

    ``fields`` are those of ClipSpec, over ``spec``; an unknown one is a TypeError. One thread
    encodes the pictures, so that the same specification gives the same file.
    """
    spec = replace(spec or ClipSpec(), **fields)
    facts = ClipFacts.of(path, spec)
    with path.open("wb") as file, _container(file, path, spec) as output:
        picture = _add_picture(output, facts) if facts.times else None
        sounds = [(_add_sound(output, sound), sound) for sound in facts.sounds]
        writers = [_encode_pictures(picture, facts)] if picture else []
        writers += [_encode_sound(stream, sound) for stream, sound in sounds]
        for packet in merge(*writers, key=_time):
            output.mux_one(packet)
    return facts


def _container(file: Any, path: Path, spec: ClipSpec) -> OutputContainer:
    """A muxer on a file object: PyAV raises write errors only there."""
    name = spec.container or {
        ".ts": "mpegts", ".mkv": "matroska", ".m4a": "mp4", ".m4v": "mp4", ".mpg": "vob"
    }.get(path.suffix, path.suffix.removeprefix("."))  # fmt: skip
    return av.open(file, "w", format=name, options=dict(spec.container_options))


def _tick(times: tuple[Fraction, ...], rate: Fraction | None) -> Fraction:
    """The largest time base that all the times, and a period of the rate, are multiples of."""
    values = [*times, *([1 / rate] if rate else [])]
    denominator = lcm(*(value.denominator for value in values))
    return Fraction(gcd(*(int(value * denominator) for value in values)), denominator)


def _add_picture(output: OutputContainer, facts: ClipFacts) -> VideoStream:
    spec = facts.spec
    options = dict(spec.options)
    if spec.preset is not None and spec.codec in ("libx264", "libx265"):
        options.setdefault("preset", spec.preset)
    if spec.crf is not None and spec.codec in ("libx264", "libx265", "libsvtav1"):
        options.setdefault("crf", str(spec.crf))
    if spec.interlaced:
        options["x264-params"] = ":".join(filter(None, [options.get("x264-params"), "tff=1"]))
    stream = output.add_stream(spec.codec, rate=spec.rate or 25, options=options)
    assert isinstance(stream, VideoStream)
    context = stream.codec_context
    context.width, context.height, context.pix_fmt = spec.width, spec.height, spec.pix_fmt
    context.thread_count = 1
    context.time_base = stream.time_base = _tick(facts.times, facts.rate)
    context.max_b_frames = spec.b_frames
    if spec.gop is not None:
        context.gop_size = spec.gop
    if spec.sample_aspect_ratio is not None:
        context.sample_aspect_ratio = spec.sample_aspect_ratio
    if spec.rotation:
        stream.set_display_rotation(-spec.rotation)
    return stream


def _add_sound(output: OutputContainer, sound: SoundFacts) -> AudioStream:
    track = sound.track
    stream = output.add_stream(
        track.codec, rate=track.rate, layout=track.layout, options=dict(track.options)
    )
    assert isinstance(stream, AudioStream)
    if not track.codec.startswith("pcm"):
        channels = stream.codec_context.layout.nb_channels
        stream.bit_rate = track.bit_rate or 64_000 * channels
    stream.time_base = Fraction(1, track.rate)
    if track.language:
        stream.metadata["language"] = track.language
    return stream


def _time(packet: Packet) -> Fraction:
    """By which the packets of several encoders are interleaved."""
    assert packet.dts is not None
    return packet.dts * packet.time_base


class _Painter:
    """Draws the pictures of one clip: a scrolling pattern, the number, the flash."""

    def __init__(self, facts: ClipFacts) -> None:
        self.facts = facts
        self.layout = layout(facts.width, facts.height)
        even = facts.spec.width % 2 == 0 and facts.spec.height % 2 == 0
        wanted = facts.spec.pix_fmt
        self.format = wanted if wanted in DRAWN_FORMATS else "yuv420p" if even else "yuv444p"
        self.step = max(2, facts.width // 128 * 2)
        self.luma = _texture(facts.width, facts.height, centre=120, swing=50, waves=3)
        self.turns = facts.spec.rotation // 90
        self.scratch = np.empty((facts.height, facts.width), np.uint8)

    def draw(self, index: int) -> av.VideoFrame:
        spec = self.facts.spec
        frame = av.VideoFrame(spec.width, spec.height, self.format)
        for number, plane in enumerate(frame.planes):
            stored = np.frombuffer(plane, np.uint8).reshape(-1, plane.line_size)  # type: ignore[call-overload] # planes are buffers
            stored = stored[: plane.height, : plane.width]
            if number:
                self._chroma(stored, index, number)
            elif self.turns:
                self._luma(self.scratch, index)
                np.copyto(stored, np.rot90(self.scratch, self.turns))
            else:
                self._luma(stored, index)
        return frame

    def _luma(self, plane: Luma, index: int) -> None:
        width = self.facts.width
        shift = index * self.step % width
        plane[:] = self.luma[:, shift : shift + width]
        place = self.layout
        levels = np.where(cells_of(self.facts.numbers[index]), WHITE, BLACK).astype(np.uint8)
        band = levels[:, place.column_of]
        plane[place.code_rows, place.code_columns] = band[place.row_of]
        plane[place.flash_rows, place.code_columns] = WHITE if self.facts.lit[index] else BLACK

    def _chroma(self, plane: Luma, index: int, number: int) -> None:
        """One colour a picture, which wanders: cheap, and a swap of the planes would show."""
        wave = np.sin(2 * pi * index / 50) if number == 1 else np.cos(2 * pi * index / 50)
        plane[:] = NEUTRAL + round(20 * float(wave))


def _texture(width: int, height: int, *, centre: int, swing: int, waves: int) -> Luma:
    """A pattern that repeats after ``width`` columns, twice as wide."""
    x = np.arange(2 * width) * (2 * pi * waves / width)
    y = np.arange(height)[:, None] * (2 * pi * 2 / height)
    pattern = centre + swing * np.sin(x + y) * np.cos(y)
    return np.asarray(pattern, dtype=np.uint8)


def _encode_pictures(stream: VideoStream, facts: ClipFacts) -> Iterator[Packet]:
    painter = _Painter(facts)
    tick = stream.codec_context.time_base
    assert tick is not None
    stamps = [int(time / tick) for time in facts.times]
    ends = [*stamps[1:], int(facts.end / tick)]
    duration = {start: end - start for start, end in zip(stamps, ends, strict=True)}
    for packet in _encoded(stream, (painter.draw(index) for index in range(facts.frames)), stamps):
        assert packet.pts is not None
        packet.duration = duration[packet.pts]
        yield packet


def _encoded(
    stream: VideoStream, frames: Iterator[av.VideoFrame], stamps: list[int]
) -> Iterator[Packet]:
    for frame, stamp in zip(frames, stamps, strict=True):
        frame.pts, frame.time_base = stamp, stream.codec_context.time_base
        yield from stream.encode(frame)
    yield from stream.encode(None)


def samples_of(sound: SoundFacts) -> NDArray[np.float32]:
    """One channel of a track: a quiet hum, and the beeps."""
    track = sound.track
    hum = np.arange(track.rate, dtype=np.float64) * (2 * pi * HUM_PITCH / track.rate)
    second = (HUM_LEVEL * np.sin(hum)).astype(np.float32)
    wave = np.resize(second, sound.samples)
    angle = np.arange(round(BEEP * track.rate)) * (2 * pi * track.pitch / track.rate)
    beep = (BEEP_LEVEL * np.sin(angle)).astype(np.float32)
    for time in sound.beeps:
        first = round((time - track.start) * track.rate)
        wave[first : first + len(beep)] = beep
    return wave


def _encode_sound(stream: AudioStream, sound: SoundFacts) -> Iterator[Packet]:
    track = sound.track
    wave = samples_of(sound)
    first = round(track.start * track.rate)
    channels = stream.codec_context.layout.nb_channels
    for begin in range(0, len(wave), CHUNK):
        # Interleaved: PyAV miscounts the planes of eight channels.
        chunk = np.repeat(wave[None, begin : begin + CHUNK], channels, axis=1)
        frame = av.AudioFrame.from_ndarray(chunk, format="flt", layout=track.layout)
        frame.sample_rate = track.rate
        frame.pts, frame.time_base = first + begin, Fraction(1, track.rate)
        yield from stream.encode(frame)
    yield from stream.encode(None)
